package http1

import "math"

const (
	// maxChunkExtensions bounds all chunk extensions of a body together.
	maxChunkExtensions = 256
	// maxTrailers bounds all trailer lines of a body together.
	maxTrailers = 2048
	// maxTrailerName is longer than every forbidden name; of a longer name no
	// more needs to be kept.
	maxTrailerName = 18
)

// States of a chunked body.
const (
	bodyDone uint8 = iota
	bodyLength
	bodySize      // before or in the digits of a chunk size
	bodyExtension // behind the ';'
	bodySizeLF
	bodyData
	bodyDataCR
	bodyDataLF
	bodyTrailerStart // first byte of a trailer line
	bodyTrailerName
	bodyTrailerValue
	bodyTrailerLF
	bodyEndLF // LF of the empty line
)

// A Body reads one request body. It copies nothing: the data are views of the
// input. The zero value is an empty body that is done.
type Body struct {
	left   int64 // bytes left of the body or of the chunk
	size   int64 // bytes of data announced so far
	got    int64 // bytes of data handed out
	max    int64 // limit of size
	extra  int32 // bytes of extensions, then of trailers
	state  uint8
	digits uint8
	named  uint8 // bytes in name
	name   [maxTrailerName]byte
}

// Init starts the body that follows the head. A body of more than limit bytes is
// refused with ErrBodyTooLarge, here if its length is declared, otherwise as
// soon as the sum of the chunk sizes says so. A negative limit means none.
func (b *Body) Init(req *Request, limit int64) error {
	if limit < 0 {
		limit = math.MaxInt64
	}
	*b = Body{max: limit}
	switch {
	case req.Chunked:
		b.state = bodySize
	case req.ContentLength > limit:
		return ErrBodyTooLarge
	case req.ContentLength > 0:
		b.state = bodyLength
		b.left, b.size = req.ContentLength, req.ContentLength
	}
	return nil
}

// Done reports whether the whole body was read.
func (b *Body) Done() bool { return b.state == bodyDone }

// Size returns how many bytes of data were announced so far: all of them with a
// Content-Length, else the sum of the chunk sizes seen.
func (b *Body) Size() int64 { return b.size }

// Received returns how many bytes of data Next has handed out.
func (b *Body) Received() int64 { return b.got }

// Next takes the next bytes of the connection. data is the next part of the
// body, a view of in and maybe empty; rest is what was not looked at. Unless
// done or err is set, an empty data means that rest is empty as well, so a
// caller loops while rest is not empty. When done is set, rest starts with the
// next request. After an error, an *Error, the body must not be used.
func (b *Body) Next(in []byte) (data, rest []byte, done bool, err error) {
	for {
		switch b.state {
		case bodyDone:
			return nil, in, true, nil
		case bodyLength, bodyData:
			if len(in) == 0 {
				return nil, in, false, nil
			}
			n := int(min(int64(len(in)), b.left))
			b.left -= int64(n)
			b.got += int64(n)
			if b.left == 0 {
				// bodyLength is followed by bodyDone, bodyData by bodyDataCR.
				b.state = after[b.state]
			}
			return in[:n:n], in[n:], b.state == bodyDone, nil
		}
		if len(in) == 0 {
			return nil, in, false, nil
		}
		if e := b.step(in[0]); e != nil {
			return nil, in, false, e
		}
		in = in[1:]
	}
}

// after tells which state follows when all data of a state has been read.
var after = [...]uint8{bodyLength: bodyDone, bodyData: bodyDataCR}

// step takes one byte of chunked framing.
func (b *Body) step(c byte) *Error {
	switch b.state {
	case bodySize:
		return b.sizeByte(c)
	case bodyExtension:
		return b.extensionByte(c)
	case bodySizeLF:
		if c != '\n' {
			return ErrChunkSize
		}
		b.state, b.digits = bodyData, 0
		if b.left == 0 {
			b.state, b.extra = bodyTrailerStart, 0
		}
	case bodyDataCR:
		if c != '\r' {
			return ErrChunkEnd
		}
		b.state = bodyDataLF
	case bodyDataLF:
		if c != '\n' {
			return ErrChunkEnd
		}
		b.state = bodySize
	case bodyTrailerStart:
		if c == '\r' {
			b.state = bodyEndLF
			return nil
		}
		b.state, b.named = bodyTrailerName, 0
		return b.trailerByte(c)
	case bodyTrailerName, bodyTrailerValue:
		return b.trailerByte(c)
	case bodyTrailerLF:
		if c != '\n' {
			return ErrTrailer
		}
		b.state = bodyTrailerStart
	case bodyEndLF:
		if c != '\n' {
			return ErrTrailer
		}
		b.state = bodyDone
	}
	return nil
}

// sizeByte takes a byte of a chunk size: 1 to 16 hexadecimal digits, directly
// followed by CR or by the ';' of an extension.
func (b *Body) sizeByte(c byte) *Error {
	if class[c]&isHex != 0 {
		if b.digits == 16 || b.left > math.MaxInt64>>4 {
			return ErrChunkSize
		}
		b.digits++
		b.left = b.left<<4 | int64(unhex(c))
		return nil
	}
	if b.digits == 0 {
		return ErrChunkSize
	}
	switch c {
	case ';':
		b.state = bodyExtension
		return b.extensionCount()
	case '\r':
		b.state = bodySizeLF
		return b.announce()
	}
	return ErrChunkSize
}

func (b *Body) extensionByte(c byte) *Error {
	if c == '\r' {
		b.state = bodySizeLF
		return b.announce()
	}
	if (c < 0x20 && c != '\t') || c == 0x7f {
		return ErrChunkExtension
	}
	return b.extensionCount()
}

func (b *Body) extensionCount() *Error {
	b.extra++
	if b.extra > maxChunkExtensions {
		return ErrChunkExtension
	}
	return nil
}

// announce counts the chunk that is about to come.
func (b *Body) announce() *Error {
	if b.left > b.max-b.size {
		return ErrBodyTooLarge
	}
	b.size += b.left
	return nil
}

// trailerByte takes a byte of a trailer line.
func (b *Body) trailerByte(c byte) *Error {
	b.extra++
	if b.extra > maxTrailers {
		return ErrTrailerTooLarge
	}
	if b.state == bodyTrailerValue {
		if c == '\r' {
			b.state = bodyTrailerLF
		} else if (c < 0x20 && c != '\t') || c == 0x7f {
			return ErrTrailer
		}
		return nil
	}
	if c == ':' {
		if b.named == 0 || forbiddenTrailer(b.name[:b.named]) {
			return ErrTrailer
		}
		b.state = bodyTrailerValue
		return nil
	}
	if class[c]&isToken == 0 {
		return ErrTrailer
	}
	if b.named < maxTrailerName {
		b.name[b.named] = c
		b.named++
	}
	return nil
}

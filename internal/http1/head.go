package http1

import "bytes"

// Default limits, used where a field of Limits is zero.
const (
	DefaultRequestLine = 8 << 10
	DefaultHeaderBytes = 16 << 10
	DefaultHeaders     = 100
)

// maxMethod bounds the method: an endless one is refused early.
const maxMethod = 32

// Limits bounds a head. Zero means the default of the field.
type Limits struct {
	// RequestLine is the largest request line, its CRLF not counted.
	RequestLine int
	// HeaderBytes is the largest sum of all header lines with their CRLFs.
	HeaderBytes int
	// Headers is the largest number of header lines.
	Headers int
}

// MaxHead returns how many bytes a head that keeps the limits can have: a buffer
// of this size never fills up without an error from Parse.
func (l *Limits) MaxHead() int {
	v := l.withDefaults()
	return v.RequestLine + v.HeaderBytes + 4
}

func (l *Limits) withDefaults() Limits {
	var v Limits
	if l != nil {
		v = *l
	}
	if v.RequestLine == 0 {
		v.RequestLine = DefaultRequestLine
	}
	if v.HeaderBytes == 0 {
		v.HeaderBytes = DefaultHeaderBytes
	}
	if v.Headers == 0 {
		v.Headers = DefaultHeaders
	}
	return v
}

// A HeadParser parses one head after the other. It remembers how much of an
// unfinished head it has seen, so that a head that arrives byte by byte costs
// linear time. The zero value is ready for use.
type HeadParser struct {
	line    int32 // start of the first line without an LF
	scan    int32 // bytes before it need no second look
	first   int32 // where the header block starts; 0 = request line unfinished
	headers int32 // complete header lines
}

// Reset forgets an unfinished head.
func (p *HeadParser) Reset() { *p = HeadParser{} }

// Parse parses the head at the start of b, which must hold everything since the
// start of the head; b may lie elsewhere in memory at each call. n is the length
// of the head when it is complete and req is filled. n = 0 with a nil error
// means that more bytes are needed; req is meaningless then. A refusal is
// always an *Error, is reported as soon as the bytes at fault are seen, and
// leaves the parser ready for a new head. A nil lim means all defaults.
func (p *HeadParser) Parse(b []byte, lim *Limits, req *Request) (n int, err error) {
	l := lim.withDefaults()
	if p.scan > 0 {
		complete, e := p.resume(b, &l)
		if e != nil {
			p.Reset()
			return 0, e
		}
		if !complete {
			return 0, nil
		}
		p.Reset()
	}
	n, e := p.parse(b, &l, req)
	if e != nil {
		p.Reset()
		return 0, e
	}
	return n, nil
}

// parse reads b from its start, in one pass.
func (p *HeadParser) parse(b []byte, l *Limits, req *Request) (int, *Error) {
	req.restart()
	eol := bytes.IndexByte(b, '\n')
	if eol < 0 {
		return 0, p.suspend(b, 0, l)
	}
	if e := parseRequestLine(b[:eol], l, req); e != nil {
		return 0, e
	}
	var f framing
	start := eol + 1
	p.first = int32(start)
	for at := start; ; {
		eol = bytes.IndexByte(b[at:], '\n')
		if eol < 0 {
			p.headers = int32(len(req.Headers))
			return 0, p.suspend(b, at, l)
		}
		line := b[at : at+eol]
		at += eol + 1
		if len(line) == 1 && line[0] == '\r' {
			p.Reset()
			if e := f.finish(req); e != nil {
				return 0, e
			}
			return at, nil
		}
		if at-start > l.HeaderBytes {
			return 0, ErrHeadersTooLarge
		}
		if len(req.Headers) >= l.Headers {
			return 0, ErrTooManyHeaders
		}
		h := req.nextHeader()
		if e := parseHeaderLine(line, h); e != nil {
			return 0, e
		}
		f.see(req, h)
	}
}

// suspend notes that the line at `at` is unfinished and checks the part that is
// there.
func (p *HeadParser) suspend(b []byte, at int, l *Limits) *Error {
	p.line, p.scan = int32(at), int32(at)
	return p.checkPartial(b, l)
}

// resume looks at what is new since the last call. It reports whether the head
// has become complete; the lines are then parsed once more, for their views.
func (p *HeadParser) resume(b []byte, l *Limits) (bool, *Error) {
	for {
		eol := -1
		if int(p.scan) < len(b) {
			eol = bytes.IndexByte(b[p.scan:], '\n')
		}
		if eol < 0 {
			return false, p.checkPartial(b, l)
		}
		end := int(p.scan) + eol
		line := b[p.line:end]
		inHeaders := p.first > 0
		p.line, p.scan = int32(end+1), int32(end+1)
		if !inHeaders {
			p.first = p.line
			if e := checkRequestLine(line, l); e != nil {
				return false, e
			}
			continue
		}
		if len(line) == 1 && line[0] == '\r' {
			return true, nil
		}
		if int(p.line-p.first) > l.HeaderBytes {
			return false, ErrHeadersTooLarge
		}
		if int(p.headers) >= l.Headers {
			return false, ErrTooManyHeaders
		}
		var scratch Header
		if e := parseHeaderLine(line, &scratch); e != nil {
			return false, e
		}
		p.headers++
	}
}

// checkPartial refuses what no further byte can mend in the unfinished line and
// moves scan to the end of what is good.
func (p *HeadParser) checkPartial(b []byte, l *Limits) *Error {
	line := b[p.line:]
	if len(line) == 0 {
		return nil
	}
	fresh := b[p.scan:]
	// A CR at the very end may be followed by its LF.
	if n := len(fresh); n > 0 && fresh[n-1] == '\r' {
		fresh = fresh[:n-1]
	}
	p.scan += int32(len(fresh))
	if p.first == 0 {
		if e := checkPartialRequest(line, l); e != nil {
			return e
		}
	} else if e := p.checkPartialHeader(b, line, l); e != nil {
		return e
	}
	if !cleanValue(fresh) {
		return ErrControlByte
	}
	return nil
}

func checkPartialRequest(line []byte, l *Limits) *Error {
	head := line[:min(len(line), maxMethod+1)]
	if sp := bytes.IndexByte(head, ' '); sp >= 0 {
		head = head[:sp]
		if sp == 0 {
			return ErrMethod
		}
	} else if len(head) > maxMethod {
		return ErrMethod
	}
	if !allOf(head, isToken) {
		return ErrMethod
	}
	if len(line) > l.RequestLine+1 {
		return ErrTargetTooLong
	}
	return nil
}

func (p *HeadParser) checkPartialHeader(b, line []byte, l *Limits) *Error {
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return ErrFolding
	case line[0] == '\r':
		return nil
	case len(b)-int(p.first) > l.HeaderBytes:
		return ErrHeadersTooLarge
	case int(p.headers) >= l.Headers:
		return ErrTooManyHeaders
	case class[line[0]]&isToken == 0:
		return ErrHeaderName
	}
	return nil
}

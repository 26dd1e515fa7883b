package polling

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/gannet-io/gannet/internal/http1"
)

// CompressionThreshold is the default length in bytes from which a payload is
// worth compressing.
const CompressionThreshold = 1024

// An Encoding is a content coding of a response.
type Encoding uint8

// The encodings that a Compressor knows.
const (
	Identity Encoding = iota
	Gzip
	Deflate // in the format of zlib (RFC 1950)
)

// String returns the name that stands in Content-Encoding.
func (e Encoding) String() string {
	switch e {
	case Identity:
		return "identity"
	case Gzip:
		return "gzip"
	case Deflate:
		return "deflate"
	}
	return "unknown"
}

// ChooseEncoding returns the encoding that the Accept-Encoding lines of a
// request prefer, as the npm package accepts does for gzip and deflate: the
// highest weight, a name before an asterisk, then the request's order, then
// gzip. Without such lines it is Identity. It never returns Identity because of
// the weight of that: whoever accepts gzip at all gets it. It runs in linear
// time and does not allocate.
func ChooseEncoding(req *http1.Request) Encoding {
	gzip, deflate := spec{order: -1}, spec{order: -1}
	order := 0
	for i := range req.Headers {
		h := &req.Headers[i]
		if !bytes.EqualFold(h.Name, []byte("Accept-Encoding")) {
			continue
		}
		for v, more := h.Value, true; more; order++ {
			var item []byte
			item, v, more = bytes.Cut(v, []byte(","))
			name, weight, ok := parseCoding(item)
			if !ok {
				continue
			}
			gzip.consider("gzip", name, weight, order)
			deflate.consider("deflate", name, weight, order)
		}
	}
	switch {
	case gzip.weight > 0 && !(deflate.weight > 0 && deflate.before(&gzip)):
		return Gzip
	case deflate.weight > 0:
		return Deflate
	}
	return Identity
}

// Negotiate returns which of the offered content codings the Accept-Encoding
// lines of a request prefer, by the rules of ChooseEncoding; where they say
// nothing else, the order of the offer counts. It is "" for none of them.
func Negotiate(lines []string, offered ...string) string {
	var best spec
	choice := ""
	for _, name := range offered {
		s := spec{order: -1}
		order := 0
		for _, line := range lines {
			for item := range strings.SplitSeq(line, ",") {
				if coding, weight, ok := parseCoding([]byte(item)); ok {
					s.consider(name, coding, weight, order)
				}
				order++
			}
		}
		if s.weight > 0 && (choice == "" || s.before(&best)) {
			best, choice = s, name
		}
	}
	return choice
}

// A spec is what a request says about one encoding.
type spec struct {
	weight float64
	order  int
	named  bool // and not meant by an asterisk
}

// consider takes one element of the header into account: a name counts more
// than an asterisk, then the larger weight, then the later one.
func (s *spec) consider(encoding string, name []byte, weight float64, order int) {
	named := len(name) == len(encoding) && bytes.EqualFold(name, []byte(encoding))
	if !named && string(name) != "*" {
		return
	}
	if s.order >= 0 && s.named != named {
		if named {
			*s = spec{weight, order, named}
		}
		return
	}
	if s.order < 0 && !named && weight < 0 || s.order >= 0 && weight < s.weight {
		return
	}
	*s = spec{weight, order, named}
}

// before reports whether s is preferred to o, which comes first otherwise.
func (s *spec) before(o *spec) bool {
	switch {
	case s.weight != o.weight:
		return s.weight > o.weight
	case s.named != o.named:
		return s.named
	}
	return s.order < o.order
}

// parseCoding reads one element of Accept-Encoding.
func parseCoding(b []byte) (name []byte, weight float64, ok bool) {
	name, params, _ := bytes.Cut(b, []byte(";"))
	name = bytes.Trim(name, " \t")
	if len(name) == 0 || bytes.ContainsAny(name, " \t") {
		return nil, 0, false
	}
	for more := len(params) > 0; more; {
		var param []byte
		param, params, more = bytes.Cut(params, []byte(";"))
		key, value, _ := bytes.Cut(bytes.Trim(param, " \t"), []byte("="))
		if string(key) == "q" {
			value, _, _ = bytes.Cut(value, []byte("="))
			return name, parseWeight(value), true
		}
	}
	return name, 1, true
}

// parseWeight reads the number that b begins with, 0 if there is none.
func parseWeight(b []byte) float64 {
	b = bytes.TrimLeft(b, " \t")
	n := 0
	for n < len(b) && n < 32 && (b[n]-'0' < 10 || b[n] == '.' || (n == 0 && (b[n] == '-' || b[n] == '+'))) {
		n++
	}
	for ; n > 0; n-- {
		if f, err := strconv.ParseFloat(string(b[:n]), 64); err == nil {
			return f
		}
	}
	return 0
}

// A Compressor encodes payloads, one after the other. The zero value is ready.
// It holds about 0.8 MB from its first payload on, so that one of them is to
// serve all connections of a goroutine.
type Compressor struct {
	// Owned by the goroutine that calls Append.
	writer *flate.Writer
	out    appender
}

// compressionLevel is the fastest.
const compressionLevel = 1

// The heads of both formats: no name, no time, an unknown system; a window of
// 32 KB and the fastest algorithm.
const (
	gzipHead = "\x1F\x8B\x08\x00\x00\x00\x00\x00\x04\xFF"
	zlibHead = "\x78\x01"
)

// Append appends payload in the given encoding.
func (c *Compressor) Append(dst []byte, enc Encoding, payload []byte) []byte {
	switch enc {
	case Gzip:
		dst = c.deflate(append(dst, gzipHead...), payload)
		dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(payload))
		return binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	case Deflate:
		dst = c.deflate(append(dst, zlibHead...), payload)
		return binary.BigEndian.AppendUint32(dst, adler32.Checksum(payload))
	default:
		return append(dst, payload...)
	}
}

func (c *Compressor) deflate(dst, payload []byte) []byte {
	c.out.b = dst
	if c.writer == nil {
		// No level that is a constant is refused.
		c.writer, _ = flate.NewWriter(&c.out, compressionLevel)
	} else {
		c.writer.Reset(&c.out)
	}
	// Nor does appender return errors.
	_, _ = c.writer.Write(payload)
	_ = c.writer.Close()
	dst, c.out.b = c.out.b, nil
	return dst
}

// An appender is an io.Writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

package polling_test

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gannet-io/gannet/polling"
)

// FuzzPayload3 reads any bytes in both framings. Text framing is compared with
// a model that counts over an array of UTF-16 code units; what was read is
// written again and read once more.
func FuzzPayload3(f *testing.F) {
	for _, v := range loadCodecs(f).Decode {
		f.Add(v.In, v.Binary)
	}
	f.Fuzz(func(t *testing.T, in []byte, binary bool) {
		framing := framingOf(binary)
		if !binary {
			in = polling.ValidUTF8Text(in)
			want, bad := model3(string(in))
			got, err := read3(t, bytes.Clone(in), framing, 0)
			if (err != nil) != bad || !slices.Equal(got, want) {
				t.Fatalf("%q:\n got %q, %v\nwant %q, bad %v", in, got, err, want, bad)
			}
		}
		if _, err := read3(t, bytes.Clone(in), framing, 5); err == nil {
			again3(t, in, framing)
		}
	})
}

// again3 reads a good payload, writes it in both framings, and compares.
func again3(t *testing.T, in []byte, framing polling.Framing) {
	t.Helper()
	first, _ := read3(t, bytes.Clone(in), framing, 0)
	for _, f := range []polling.Framing{polling.TextFraming, polling.BinaryFraming} {
		var out []byte
		size := 0
		var r polling.Reader3
		r.Init(bytes.Clone(in), framing, 0)
		for {
			p, ok, err := r.Next()
			if err != nil {
				return // behind a close, which read3 stops at
			}
			if !ok {
				break
			}
			if p.Binary {
				if p.Type != '4' {
					return // is never written
				}
				out = polling.AppendBinary3(out, p.Data, f)
				size += polling.BinarySize3(len(p.Data), f)
			} else {
				pkt := append([]byte{byte(p.Type)}, p.Data...)
				out = polling.AppendText3(out, pkt, f)
				size += polling.TextSize3(pkt, f)
			}
		}
		if size != len(out) {
			t.Fatalf("%q: size %d, length %d", out, size, len(out))
		}
		if len(out) == 0 {
			return
		}
		if second, err := read3(t, bytes.Clone(out), f, 0); err != nil || !slices.Equal(first, second) {
			t.Fatalf("%q written as %q\n got %q, %v\nwant %q", in, out, second, err, first)
		}
	}
}

// model3 reads text framing the obvious way.
func model3(in string) (packets []string, bad bool) {
	rest := utf16.Encode([]rune(in))
	if len(rest) == 0 {
		return nil, true
	}
	for len(rest) > 0 {
		i := slices.Index(rest, ':')
		if i < 1 || i > 10 {
			return packets, true
		}
		digits := string(utf16.Decode(rest[:i]))
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || n > uint64(len(rest)-i-1) {
			return packets, true
		}
		units := rest[i+1 : i+1+int(n)]
		rest = rest[i+1+int(n):]
		if n == 0 {
			continue
		}
		if utf16.IsSurrogate(rune(units[n-1])) && units[n-1] < 0xDC00 {
			return packets, true // half a character
		}
		text := string(utf16.Decode(units))
		p := nodePacket{typ: text[:1], text: text[1:]}
		if text[0] == 'b' {
			if len(text) < 2 {
				return packets, true
			}
			decoded, ok := decodeModel("b" + text[2:])
			if !ok {
				return packets, true
			}
			data, _ := strings.CutPrefix(decoded, "b")
			p = nodePacket{typ: text[1:2], binary: true, data: []byte(data)}
		}
		if p.typ < "0" || p.typ > "6" {
			return packets, true
		}
		packets = append(packets, p.String())
		if p.typ == "1" {
			return packets, false
		}
	}
	return packets, false
}

// FuzzJSONP compares the decoding of a form with net/url, where that accepts
// it, and what a client does with a payload with what comes out.
func FuzzJSONP(f *testing.F) {
	for _, v := range loadCodecs(f).Posts {
		f.Add([]byte(v.Body))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		payload, ok := polling.DecodeJSONP(bytes.Clone(in))
		if len(payload) > len(in) {
			t.Fatalf("%q grew to %q", in, payload)
		}
		if form, err := url.ParseQuery(string(in)); err == nil && strings.Count(string(in), "&") < 1000 {
			want := form["d"]
			if ok != (len(want) == 1) && !strings.Contains(string(in), "%") {
				t.Fatalf("%q: ok %v, %q", in, ok, want)
			}
			if ok && len(want) == 1 && !strings.Contains(want[0], `\n`) && string(payload) != want[0] {
				t.Fatalf("%q: got %q, want %q", in, payload, want[0])
			}
		}
		// The client doubles the backslash of `\n` and writes `\n` for a line feed.
		if !utf8.Valid(in) {
			return
		}
		escaped := strings.ReplaceAll(strings.ReplaceAll(string(in), `\n`, `\\n`), "\n", `\n`)
		if strings.Contains(string(in), "\\\n") {
			return // which the client's own escaping cannot tell from `\\n`
		}
		got, ok := polling.DecodeJSONP([]byte("d=" + url.QueryEscape(escaped)))
		if !ok || !bytes.Equal(got, in) {
			t.Fatalf("%q sent as %q came as %q", in, escaped, got)
		}
	})
}

// FuzzChooseEncoding gives any header and expects a choice that the header
// names, or an asterisk does.
func FuzzChooseEncoding(f *testing.F) {
	for _, v := range loadCodecs(f).Encodings {
		if v.Header != nil {
			f.Add(*v.Header)
		}
	}
	f.Fuzz(func(t *testing.T, header string) {
		enc := polling.ChooseEncoding(request("GET", "Accept-Encoding", header))
		if enc != polling.Identity && !strings.Contains(strings.ToLower(header), enc.String()) && !strings.Contains(header, "*") {
			t.Fatalf("%q: %v", header, enc)
		}
		if fmt.Sprint(enc) == "unknown" {
			t.Fatalf("%q: %d", header, enc)
		}
	})
}

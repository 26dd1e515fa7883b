package wsframe_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/wsframe"
)

func closeCode(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

func closeScripts() []script {
	long := strings.Repeat("*", 123)
	s := []script{
		{name: "(7.1.1) message, then close", in: join(frame(fin|text, "Hello World!"), frame(fin|shut, closeCode(1000, ""))), events: []string{"text:Hello World!", "close:\x03\xe8"}},
		{name: "(7.1.2) two closes", in: join(frame(fin|shut, ""), frame(fin|shut, "")), events: []string{"close:"}},
		{name: "(7.1.3) ping after close", in: join(frame(fin|shut, ""), frame(fin|ping, "x")), events: []string{"close:"}},
		{name: "(7.1.5) close inside a message", in: join(frame(text, "a"), frame(fin|shut, ""), frame(fin|cont, "b")), events: []string{"close:"}},
		{name: "(7.3.1) empty", in: frame(fin|shut, ""), events: []string{"close:"}},
		{name: "A49 (7.3.2) one byte", in: frame(fin|shut, "a"), code: 1002},
		{name: "(7.3.3) code only", in: frame(fin|shut, closeCode(1000, "")), events: []string{"close:\x03\xe8"}},
		{name: "(7.3.4) code and reason", in: frame(fin|shut, closeCode(1000, "Hello World!")), events: []string{"close:\x03\xe8Hello World!"}},
		{name: "(7.3.5) longest", in: frame(fin|shut, closeCode(1000, long)), events: []string{event(wsframe.OpClose, []byte(closeCode(1000, long)))}},
		{name: "A41 (7.3.6) too long", in: frame(fin|shut, closeCode(1000, long+"*")), code: 1002},
		{name: "A49 (7.5.1) invalid reason", in: frame(fin|shut, closeCode(1000, string(unhex("cebae1bdb9cf83cebcceb5eda080656469746564")))), code: 1007},
		{name: "A49 reason ends inside a rune", in: frame(fin|shut, closeCode(1000, "a\xe2\x82")), code: 1007},
		{name: "A49 bad code before bad reason", in: frame(fin|shut, closeCode(1005, "\xff")), code: 1002},
		{name: "A49 bad close inside a message", in: join(frame(text, "a"), frame(fin|shut, "x")), code: 1002},
	}
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		p := closeCode(code, "ok")
		s = append(s, script{name: fmt.Sprintf("(7.7) code %d", code), in: frame(fin|shut, p), events: []string{"close:" + p}})
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		s = append(s,
			script{name: fmt.Sprintf("A49 (7.9, 7.13) code %d", code), in: frame(fin|shut, closeCode(code, "")), code: 1002},
			script{name: fmt.Sprintf("A49 (7.9, 7.13) code %d with a reason", code), in: frame(fin|shut, closeCode(code, "Reason")), code: 1002},
		)
	}
	return s
}

func TestClose(t *testing.T) {
	t.Parallel()
	runScripts(t, closeScripts())
}

func TestParseClose(t *testing.T) {
	t.Parallel()
	for code := range 1 << 16 {
		for _, reason := range []string{"", "why", "\xff"} {
			p := []byte(closeCode(uint16(code), reason))
			got, why, err := wsframe.ParseClose(p)
			var ce *wsframe.CloseError
			switch want := modelClose(p); {
			case want != 0:
				if !errors.As(err, &ce) || ce.Code != want || got != 0 || why != nil {
					t.Fatalf("ParseClose(%d %q) = %d, %q, %v; want %d", code, reason, got, why, err, want)
				}
			case err != nil || got != uint16(code) || string(why) != reason:
				t.Fatalf("ParseClose(%d %q) = %d, %q, %v", code, reason, got, why, err)
			}
		}
	}
	if code, why, err := wsframe.ParseClose(nil); code != wsframe.CloseNoStatus || why != nil || err != nil {
		t.Errorf("ParseClose(nil) = %d, %q, %v", code, why, err)
	}
	if _, _, err := wsframe.ParseClose([]byte{3}); !errors.Is(err, wsframe.ErrClosePayload) {
		t.Errorf("ParseClose of one byte: %v", err)
	}
}

// TestAppendClose is row A51.
func TestAppendClose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		code   uint16
		reason string
		want   string // payload
	}{
		{"A51 no code", 0, "", ""},
		{"A51 no code, the reason has no place", 0, "bye", ""},
		{"1005 is the empty frame", wsframe.CloseNoStatus, "", ""},
		{"1006 never goes out", wsframe.CloseAbnormal, "x", ""},
		{"1015 never goes out", 1015, "x", ""},
		{"code only", 1000, "", "\x03\xe8"},
		{"code and reason", 1002, "bad", "\x03\xeabad"},
		{"A51 123 bytes fit", 1000, strings.Repeat("x", 123), "\x03\xe8" + strings.Repeat("x", 123)},
		{"A51 124 bytes are cut", 1000, strings.Repeat("x", 124), "\x03\xe8" + strings.Repeat("x", 123)},
		{"A51 megabyte", 1000, strings.Repeat("x", 1<<20), "\x03\xe8" + strings.Repeat("x", 123)},
		{"A51 rune of 2 across the end", 1000, strings.Repeat("x", 122) + "éé", "\x03\xe8" + strings.Repeat("x", 122)},
		{"A51 rune of 2 before the end", 1000, strings.Repeat("x", 121) + "éé", "\x03\xe8" + strings.Repeat("x", 121) + "é"},
		{"A51 rune of 3 across the end", 1000, strings.Repeat("€", 42), "\x03\xe8" + strings.Repeat("€", 41)},
		{"A51 rune of 4 across the end", 1000, strings.Repeat("😀", 31), "\x03\xe8" + strings.Repeat("😀", 30)},
		{"A51 invalid byte", 1000, "ab\xffcd", "\x03\xe8ab"},
		{"A51 invalid end", 1000, "ab\xe2\x82", "\x03\xe8ab"},
		{"replacement character", 1000, "a\ufffdb", "\x03\xe8a\ufffdb"},
	} {
		got := wsframe.AppendClose([]byte("dst"), c.code, c.reason)
		want := append([]byte("dst\x88"), byte(len(c.want)))
		if want = append(want, c.want...); !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", c.name, got, want)
		}
	}
	for _, e := range []*wsframe.CloseError{wsframe.ErrReservedBits, wsframe.ErrTooBig, wsframe.ErrTinyFragments, wsframe.ErrInvalidUTF8} {
		b := wsframe.AppendClose(nil, e.Code, e.Reason)
		if code, why, err := wsframe.ParseClose(b[2:]); code != e.Code || string(why) != e.Reason || err != nil {
			t.Errorf("%v went out as %x", e, b)
		}
	}
}

// TestCloseCarriesNoStaleBytes is the canary of row A51 (CVE-2026-45736): what
// was in the memory before does not reach the wire.
func TestCloseCarriesNoStaleBytes(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		dirty := bytes.Repeat([]byte{canary}, 512)
		got := wsframe.AppendClose(dirty[:0], 1000, strings.Repeat("x", n))
		if len(got) != 4+min(n, 123) || int(got[1]) != len(got)-2 || bytes.IndexByte(got, canary) >= 0 {
			t.Fatalf("reason of %d bytes: %x", n, got)
		}
		if tail := dirty[len(got):]; !bytes.Equal(tail, bytes.Repeat([]byte{canary}, len(tail))) {
			t.Fatalf("reason of %d bytes: written behind the frame", n)
		}
	}
}

// FuzzClose compares ParseClose and AppendClose with gobwas.
func FuzzClose(f *testing.F) {
	for _, s := range closeScripts() {
		if len(s.in) > 6 {
			p := bytes.Clone(s.in[6:])
			ws.Cipher(p, testKey, 0)
			f.Add(p)
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		code, reason, err := wsframe.ParseClose(p)
		want := modelClose(p)
		var ce *wsframe.CloseError
		if errors.As(err, &ce) && ce.Code != want || err == nil && want != 0 {
			t.Fatalf("ParseClose(%x) = %v, want code %d", p, err, want)
		}
		if err != nil {
			return
		}
		b := wsframe.AppendClose(nil, code, string(reason))
		fr, err := ws.ReadFrame(bytes.NewReader(b))
		if err != nil || ws.CheckHeader(fr.Header, ws.StateClientSide) != nil || fr.Header.OpCode != ws.OpClose || !utf8.Valid(reason) {
			t.Fatalf("AppendClose(%d, %q) = %x: %v", code, reason, b, err)
		}
		if len(reason) > 123 { // more than a frame can bring
			reason = fr.Payload[2:]
		}
		if code != wsframe.CloseNoStatus && string(fr.Payload) != closeCode(code, string(reason)) || code == wsframe.CloseNoStatus && len(fr.Payload) > 0 {
			t.Fatalf("AppendClose(%d, %q) carries %x", code, reason, fr.Payload)
		}
	})
}

package wsframe_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/wsframe"
)

// sizes are payload lengths around every border of the header's forms.
var sizes = []int{0, 1, 2, 7, 8, 9, 31, 32, 33, 63, 124, 125, 126, 127, 128, 255, 256, 257, 1000, 65534, 65535, 65536, 65537, 1 << 20}

// TestHeaders compares every header writer with gobwas.
func TestHeaders(t *testing.T) {
	t.Parallel()
	lengths := append([]int{1 << 31, 1 << 40, math.MaxInt}, sizes...)
	for _, n := range lengths {
		for _, op := range []wsframe.Opcode{wsframe.OpText, wsframe.OpBinary, wsframe.OpPing, wsframe.OpPong, wsframe.OpClose} {
			var want bytes.Buffer
			h := ws.Header{Fin: true, OpCode: ws.OpCode(op), Length: int64(n)}
			if err := ws.WriteHeader(&want, h); err != nil {
				t.Fatal(err)
			}
			if got := wsframe.HeaderLen(n); got != want.Len() || got > wsframe.MaxHeader {
				t.Errorf("HeaderLen(%d) = %d, want %d", n, got, want.Len())
			}
			if got := wsframe.AppendHeader([]byte("dst"), op, n); string(got) != "dst"+want.String() {
				t.Errorf("AppendHeader(%v, %d) = %x, want %x", op, n, got, want.Bytes())
			}
			for _, room := range []int{want.Len(), wsframe.MaxHeader, 20} {
				arena := bytes.Repeat([]byte{canary}, room+5)
				start := wsframe.PutHeader(arena, room, op, n)
				if start != room-want.Len() || !bytes.Equal(arena[start:room], want.Bytes()) {
					t.Errorf("PutHeader(%v, %d) = %x from %d, want %x", op, n, arena, start, want.Bytes())
				}
				around := append(bytes.Clone(arena[:start]), arena[room:]...)
				if !bytes.Equal(around, bytes.Repeat([]byte{canary}, len(around))) {
					t.Errorf("PutHeader(%v, %d) wrote around the header: %x", op, n, arena)
				}
			}
		}
	}
}

// TestPutHeaderWithoutRoom must not write anywhere.
func TestPutHeaderWithoutRoom(t *testing.T) {
	t.Parallel()
	for _, n := range []int{5, 126, 1 << 16} {
		b := bytes.Repeat([]byte{canary}, 64)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("PutHeader for %d bytes found room where there is none", n)
				}
			}()
			wsframe.PutHeader(b, wsframe.HeaderLen(n)-1, wsframe.OpText, n)
		}()
		if !bytes.Equal(b, bytes.Repeat([]byte{canary}, 64)) {
			t.Errorf("written: %x", b)
		}
	}
}

// TestFrameBytes are the examples of RFC 6455, section 5.7.
func TestFrameBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"unmasked text", wsframe.AppendFrame(nil, wsframe.OpText, []byte("Hello")), "81 05 48656c6c6f"},
		{"masked text", wsframe.AppendMaskedFrame(nil, wsframe.OpText, testKey, []byte("Hello")), "81 85 37fa213d 7f9f4d5158"},
		{"ping", wsframe.AppendFrame(nil, wsframe.OpPing, []byte("Hello")), "89 05 48656c6c6f"},
		{"masked pong", wsframe.AppendMaskedFrame(nil, wsframe.OpPong, testKey, []byte("Hello")), "8a 85 37fa213d 7f9f4d5158"},
		{"256 bytes", wsframe.AppendHeader(nil, wsframe.OpBinary, 256), "82 7e 0100"},
		{"64 KiB", wsframe.AppendHeader(nil, wsframe.OpBinary, 65536), "82 7f 0000000000010000"},
		{"empty close", wsframe.AppendClose(nil, 0, ""), "88 00"},
	} {
		if !bytes.Equal(c.got, unhex(c.want)) {
			t.Errorf("%s: got %x, want %s", c.name, c.got, c.want)
		}
	}
}

// TestGobwasReadsOurs has the readers of gobwas read what we write, as a client
// and as a server, all at once and byte by byte.
func TestGobwasReadsOurs(t *testing.T) {
	t.Parallel()
	var server, client []byte
	var want []string
	for i, n := range sizes {
		p := bytes.Repeat([]byte{byte('a' + i)}, n)
		for _, op := range []wsframe.Opcode{wsframe.OpText, wsframe.OpBinary, wsframe.OpPing, wsframe.OpPong} {
			if op.Control() && n > 125 {
				continue
			}
			server = wsframe.AppendFrame(server, op, p)
			client = wsframe.AppendMaskedFrame(client, op, [4]byte{byte(i), 2, byte(n), 0xFF}, p)
			want = append(want, event(op, p))
		}
	}
	server = wsframe.AppendClose(server, 4000, "bye")
	client = wsframe.AppendMaskedFrame(client, wsframe.OpClose, testKey, []byte(closeCode(4000, "bye")))
	want = append(want, event(wsframe.OpClose, []byte(closeCode(4000, "bye"))))
	for _, c := range []struct {
		name string
		in   []byte
		side ws.State
	}{{"client", server, ws.StateClientSide}, {"server", client, ws.StateServerSide}} {
		for _, r := range []io.Reader{bytes.NewReader(c.in), iotest.HalfReader(bytes.NewReader(c.in))} {
			got := gobwasReads(t, r, c.side)
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("gobwas as a %s reads\n%q\nwant\n%q", c.name, got, want)
			}
		}
	}
}

func gobwasReads(t *testing.T, src io.Reader, side ws.State) (events []string) {
	t.Helper()
	r := wsutil.Reader{Source: src, State: side, CheckUTF8: true}
	for {
		h, err := r.NextFrame()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, h.Length)
		if _, err := io.ReadFull(&r, p); err != nil {
			t.Fatalf("%+v: %v", h, err)
		}
		if h.Length > 0 { // leave the frame
			_, _ = r.Read(make([]byte, 1))
		} else if err := r.Discard(); err != nil {
			t.Fatal(err)
		}
		events = append(events, event(wsframe.Opcode(h.OpCode), p))
	}
}

// TestWeReadGobwas reads what the writers of gobwas write on either side,
// fragmented by its own buffering.
func TestWeReadGobwas(t *testing.T) {
	t.Parallel()
	for _, side := range []ws.State{ws.StateClientSide, ws.StateServerSide} {
		cfg := &wsframe.Config{FromServer: side.ServerSide(), MaxMessage: 2 << 20}
		var in bytes.Buffer
		var want []string
		for i, n := range sizes {
			for _, buffer := range []int{150, 4096} {
				p := bytes.Repeat([]byte("häß€😀")[i%10:], n)[:n]
				w := wsutil.NewWriterSize(&in, side, ws.OpBinary, buffer)
				if _, err := w.Write(p); err != nil {
					t.Fatal(err)
				}
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
				want = append(want, event(wsframe.OpBinary, p))
			}
		}
		if err := wsutil.WriteMessage(&in, side, ws.OpClose, ws.NewCloseFrameBody(1001, "going")); err != nil {
			t.Fatal(err)
		}
		want = append(want, event(wsframe.OpClose, []byte(closeCode(1001, "going"))))
		for _, n := range []int{1 << 30, 64 << 10, 1448, 13} {
			got := feed(t, cfg, chunks(in.Bytes(), n))
			if !got.equal(result{events: want}) {
				t.Errorf("side %v in pieces of %d: %v, want %q", side, n, got, want)
			}
		}
	}
}

// TestUnmask compares with gobwas at every length and alignment, checks the
// rotation of the key, and that the bytes around stay.
func TestUnmask(t *testing.T) {
	t.Parallel()
	for n := range 140 {
		for at := range 9 {
			arena := make([]byte, n+32)
			for i := range arena {
				arena[i] = byte(i*7 + n)
			}
			want := bytes.Clone(arena)
			ws.Cipher(want[at:at+n], testKey, 0)
			next, high := wsframe.Unmask(arena[at:at+n], binary.LittleEndian.Uint32(testKey[:]))
			if !bytes.Equal(arena, want) {
				t.Fatalf("%d bytes at %d\n got %x\nwant %x", n, at, arena, want)
			}
			var key [4]byte
			for i := range key {
				key[i] = testKey[(i+n)%4]
			}
			if next != binary.LittleEndian.Uint32(key[:]) {
				t.Fatalf("%d bytes: next key %08x, want %x", n, next, key)
			}
			if ascii := bytes.IndexFunc(want[at:at+n], func(r rune) bool { return r > 127 }) < 0; high == ascii {
				t.Fatalf("%d bytes: high %v, ASCII %v", n, high, ascii)
			}
		}
	}
	for i := range 100 { // one byte outside ASCII anywhere is seen
		p := bytes.Repeat([]byte("a"), 100)
		p[i] = 0x80
		if _, high := wsframe.Unmask(p, 0); !high {
			t.Errorf("byte %d is not seen", i)
		}
	}
}

func TestOpcodeString(t *testing.T) {
	t.Parallel()
	var got []string
	for op := range wsframe.Opcode(16) {
		got = append(got, op.String())
	}
	want := "continuation text binary reserved reserved reserved reserved reserved close ping pong reserved reserved reserved reserved reserved"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got %s, want %s", s, want)
	}
	if s := fmt.Sprint(wsframe.ErrTooBig, "; ", wsframe.ErrKey); s != "wsframe: message too big; wsframe: Missing or invalid Sec-WebSocket-Key header" {
		t.Error(s)
	}
}

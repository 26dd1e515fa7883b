//go:build !race

package packet_test

import (
	"encoding/json"
	"testing"

	"github.com/gannet-io/gannet/internal/packet"
)

func checkAllocs(t *testing.T, name string, f func()) {
	t.Helper()
	f()
	if n := testing.AllocsPerRun(200, f); n != 0 {
		t.Errorf("%s: %v allocations, want 0", name, n)
	}
}

func TestParseAllocs(t *testing.T) {
	var p packet.Packet
	scratch := make([]byte, 0, 64)
	for _, s := range samples {
		in := []byte(s.in)
		checkAllocs(t, s.name, func() {
			if err := packet.Parse(in, nil, &p); err != nil {
				t.Fatal(err)
			}
			p.EventName(scratch)
		})
	}
	for name, in := range map[string][]byte{
		"escaped name":  []byte(`2["\u0061\u0062",1]`),
		"number name":   []byte(`2[12,1]`),
		"bad type":      []byte(`8`),
		"bad payload":   []byte(`2["a"`),
		"bad count":     []byte(`5x-`),
		"reserved":      []byte(`2["connect"]`),
		"binary header": []byte(`51-["a",{"_placeholder":true,"num":0}]`),
		"connect":       []byte(`0/ns,{"token":"abc"}`),
	} {
		checkAllocs(t, name, func() {
			if packet.Parse(in, nil, &p) == nil {
				p.EventName(scratch)
			}
		})
	}
}

func TestAppendAllocs(t *testing.T) {
	dst := make([]byte, 0, 1024)
	atts := make([][]byte, 0, 4)
	for name, args := range map[string][]any{
		"nothing": nil,
		"string":  {"hello <there> é\n"},
		"numbers": {1, 2.5, -3e100, int64(4), uint8(5), float32(0.5)},
		"raw":     {json.RawMessage(`{"a":[1,2,3]}`)},
		"words":   {true, false, nil},
		"array":   {[]any{1, "a", nil}},
		"map":     {map[string]any{"b": 1, "a": "x", "c": nil}},
		"binary":  {[]byte("abc"), []any{[]byte("def")}},
		"strings": {[]string{"a", "b"}},
	} {
		checkAllocs(t, "event "+name, func() {
			if _, _, err := packet.AppendEvent(dst, "/ns", 7, "event", args, nil, atts); err != nil {
				t.Fatal(err)
			}
		})
		checkAllocs(t, "ack "+name, func() {
			if _, _, err := packet.AppendAck(dst, "/", 7, "", args, nil, atts); err != nil {
				t.Fatal(err)
			}
		})
	}
	checkAllocs(t, "connect", func() { packet.AppendConnect(dst, "/ns", "sid", "pid") })
	checkAllocs(t, "disconnect", func() { packet.AppendDisconnect(dst, "/ns") })
}

// TestMsgpackAllocs is the budget of the other dialect: parsing, scalars and
// binary, writing and passing on cost nothing.
func TestMsgpackAllocs(t *testing.T) {
	var p packet.Packet
	in, _, err := packet.Msgpack.AppendEvent(nil, "/chat", 12, "message", []any{"hello", 5, 1.5, []byte{1, 2, 3}, true, map[string]any{"a": 1}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	scratch := make([]byte, 0, 64)
	checkAllocs(t, "Parse", func() {
		if err := packet.Msgpack.Parse(in, nil, &p); err != nil {
			t.Fatal(err)
		}
		packet.Msgpack.EventName(&p, scratch)
	})
	var n int
	var f float64
	var b []byte
	var ok bool
	checkAllocs(t, "Decode", func() {
		for i, v := range []any{&n, &f, &b, &ok} {
			if err := packet.Msgpack.Decode(p.Args[2+i], nil, nil, v); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := packet.Msgpack.Bytes(p.Args[4], nil); !ok {
			t.Fatal("not binary")
		}
	})
	dst := make([]byte, 0, 1024)
	args := []any{"hello", 5, 1.5, []byte{1, 2, 3}, true, map[string]any{"a": 1, "b": "x"}, []any{1, "y"}}
	raw := &packet.RawArg{Parser: packet.Msgpack, Raw: p.Args[6]}
	forward := []any{raw}
	checkAllocs(t, "write", func() {
		dst, _, _ = packet.Msgpack.AppendEvent(dst[:0], "/chat", -1, "message", args, nil, nil)
		dst, _, _ = packet.Msgpack.AppendAck(dst, "/chat", 5, "", args, nil, nil)
		dst, _, _ = packet.Msgpack.AppendEvent(dst, "/chat", -1, "message", forward, nil, nil)
		dst = packet.Msgpack.AppendConnect(dst, "/", "sid", "")
		dst = packet.Msgpack.AppendDisconnect(dst, "/")
	})
	hostile := append(make([]byte, 0, 32), "\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd\xff\xff\xff\xff\xc0"...)
	checkAllocs(t, "A108", func() {
		if packet.Msgpack.Parse(hostile, nil, &p) == nil {
			t.Fatal("accepted")
		}
	})
}

package packet_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

// msgpackVectors is what testdata/gen_msgpack.mjs has recorded of the official
// parser.
type msgpackVectors struct {
	Encode []struct {
		Packet struct {
			Type int
			Nsp  string
			ID   *int64
			Data any
		}
		Bytes []byte
		SHA1  string
	}
	Decode []struct {
		Name  string
		Bytes []byte
		Error string
		Type  int
		Nsp   string
		ID    *string
		Data  any
	}
}

func loadMsgpack(tb testing.TB) *msgpackVectors {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "msgpack_vectors.json"))
	if err != nil {
		tb.Fatal(err)
	}
	v := new(msgpackVectors)
	if err := json.Unmarshal(b, v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// realValue is the function real of gen_msgpack.mjs.
func realValue(tb testing.TB, v any) any {
	tb.Helper()
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = realValue(tb, item)
		}
		return out
	case map[string]any:
		if n, ok := v["$bytes"].(float64); ok {
			return bytes.Repeat([]byte{7}, int(n))
		}
		if n, ok := v["$str"].(float64); ok {
			return strings.Repeat("x", int(n))
		}
		if r, ok := v["$rep"].([]any); ok {
			n, _ := r[0].(float64)
			out := make([]any, int(n))
			for i := range out {
				out[i] = realValue(tb, r[1])
			}
			return out
		}
		if ms, ok := v["$date"].(float64); ok {
			return time.UnixMilli(int64(ms))
		}
		for key := range v {
			if strings.HasPrefix(key, "$") {
				return revive(tb, v)
			}
		}
		out := map[string]any{}
		for k, item := range v {
			out[k] = realValue(tb, item)
		}
		return out
	default:
		return v
	}
}

// TestMsgpackEncode compares byte for byte with the official encoder.
func TestMsgpackEncode(t *testing.T) {
	t.Parallel()
	for i, v := range loadMsgpack(t).Encode {
		data := realValue(t, v.Packet.Data)
		list, _ := data.([]any)
		obj, _ := data.(map[string]any)
		id := int64(-1)
		if v.Packet.ID != nil {
			id = *v.Packet.ID
		}
		var got []byte
		var err error
		switch packet.Type(v.Packet.Type) {
		case packet.Event:
			name, _ := list[0].(string)
			got, _, err = packet.Msgpack.AppendEvent(nil, v.Packet.Nsp, id, name, list[1:], nil, nil)
		case packet.Ack:
			got, _, err = packet.Msgpack.AppendAck(nil, v.Packet.Nsp, uint64(id), "", list, nil, nil)
		case packet.Connect:
			sid, _ := obj["sid"].(string)
			pid, _ := obj["pid"].(string)
			got = packet.Msgpack.AppendConnect(nil, v.Packet.Nsp, sid, pid)
		case packet.ConnectError:
			message, _ := obj["message"].(string)
			got, err = packet.Msgpack.AppendConnectError(nil, v.Packet.Nsp, message, obj["data"], nil)
		case packet.Disconnect:
			got = packet.Msgpack.AppendDisconnect(nil, v.Packet.Nsp)
		default:
			t.Fatalf("%d: type %d", i, v.Packet.Type)
		}
		sum := sha1.Sum(got)
		if err != nil || v.SHA1 == "" && !bytes.Equal(got, v.Bytes) || v.SHA1 != "" && v.SHA1 != hex.EncodeToString(sum[:]) {
			t.Errorf("%d, %.80v: %v\n got %.80x\nwant %.80x", i, v.Packet, err, got, v.Bytes)
		}
	}
}

// stricterMsgpack are packets that the official parser takes and that are
// refused here: names that are none or reserved (row A102), acknowledgement ids
// that no client sends, keys that JavaScript makes up from arrays and bytes.
var stricterMsgpack = map[string]error{
	"event with id -1": packet.ErrID,
	"event, no name":   packet.ErrPayload, "event, null name": packet.ErrPayload, "event, array name": packet.ErrPayload, "event, reserved": packet.ErrPayload,
	"map, array key": packet.ErrPayload, "map, bin key": packet.ErrPayload,
}

// milderMsgpack are those that it refuses and that are taken here: nil where
// JavaScript says undefined.
var milderMsgpack = map[string]bool{"connect with null": true, "disconnect with null": true, "event with id null": true}

// timestamps are values that the official parser does not know as Dates.
var timestamps = map[string]string{
	"timestamp 32": `"1970-01-01T00:00:01.000Z"`, "timestamp 64": `"2106-02-07T06:28:17.000Z"`, "timestamp 96": `"1970-01-01T00:00:01.000Z"`,
}

// TestMsgpackDecode compares with the official decoder; rows A102, A103, A108.
func TestMsgpackDecode(t *testing.T) {
	t.Parallel()
	var p packet.Packet
	for _, v := range loadMsgpack(t).Decode {
		before := bytes.Clone(v.Bytes)
		err := packet.Msgpack.Parse(v.Bytes, nil, &p)
		if !bytes.Equal(before, v.Bytes) {
			t.Fatalf("%s: the bytes were changed", v.Name)
		}
		if want := stricterMsgpack[v.Name]; want != nil {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", v.Name, err, want)
			}
			continue
		}
		if milderMsgpack[v.Name] {
			v.Error = ""
			if err != nil || p.HasID {
				t.Errorf("%s: %v", v.Name, err)
			}
			continue
		}
		if (err != nil) != (v.Error != "") {
			t.Errorf("%s: %v, the reference says %q", v.Name, err, v.Error)
			continue
		}
		if err != nil {
			if _, ok := errors.AsType[packet.ParseError](err); !ok {
				t.Errorf("%s: %T", v.Name, err)
			}
			continue
		}
		if int(p.Type) != v.Type || string(p.Namespace) != v.Nsp || p.HasID != (v.ID != nil) {
			t.Errorf("%s: %v %q, id %v", v.Name, p.Type, p.Namespace, p.HasID)
		}
		if want, ok := timestamps[v.Name]; ok {
			checkArg(t, v.Name, p.Args[1], mustAny(t, want))
			continue
		}
		if v.Data != nil || p.Data != nil {
			checkArg(t, v.Name, p.Data, v.Data)
		}
		if list, ok := v.Data.([]any); ok && len(list) != len(p.Args) {
			t.Errorf("%s: %d arguments, want %d", v.Name, len(p.Args), len(list))
		} else if ok {
			for i := range list {
				checkArg(t, v.Name, p.Args[i], list[i])
			}
		}
	}
}

func mustAny(tb testing.TB, text string) (v any) {
	tb.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// checkArg decodes an argument into an empty interface and compares.
func checkArg(t *testing.T, name string, raw []byte, want any) {
	t.Helper()
	var got any
	if err := packet.Msgpack.Decode(raw, nil, nil, &got); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if got = showBinary(got); !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %#v\nwant %#v", name, got, want)
	}
	// What is passed on is the same again, in this dialect and through JSON.
	for _, p := range []packet.Parser{packet.Msgpack, packet.Text} {
		arg := packet.RawArg{Parser: packet.Msgpack, Raw: raw}
		out, atts, err := p.AppendEvent(nil, "/", -1, "e", []any{&arg}, nil, nil)
		if err != nil {
			t.Errorf("%s: passed on: %v", name, err)
			return
		}
		var q packet.Packet
		if err := p.Parse(out, &packet.Limits{MaxAttachments: -1}, &q); err != nil {
			t.Errorf("%s: passed on as %q: %v", name, out, err)
			return
		}
		var again any
		if err := p.Decode(q.Args[1], atts, nil, &again); err != nil || !reflect.DeepEqual(showBinary(again), want) {
			t.Errorf("%s: passed on as %q: %#v, %v", name, out, again, err)
		}
		if p == packet.Msgpack && !bytes.Equal(q.Args[1], raw) {
			t.Errorf("%s: passed on as %x, was %x", name, q.Args[1], raw)
		}
		// And back into this dialect from JSON.
		back := packet.RawArg{Parser: p, Raw: q.Args[1], Atts: atts}
		var third any
		out, _, err = packet.Msgpack.AppendAck(nil, "/", 0, "", []any{&back}, nil, nil)
		if err == nil {
			err = packet.Msgpack.Parse(out, nil, &q)
		}
		if err == nil {
			err = packet.Msgpack.Decode(q.Args[0], nil, nil, &third)
		}
		if err != nil || !reflect.DeepEqual(showBinary(third), want) {
			t.Errorf("%s: back: %#v, %v", name, third, err)
		}
	}
}

// TestMsgpackParity holds the bytes of PARITY 2.7.
func TestMsgpackParity(t *testing.T) {
	t.Parallel()
	var p packet.Packet
	if err := packet.Msgpack.Parse(unhexed(t, "82 a474797065 00 a36e7370 a12f"), nil, &p); err != nil || p.Type != packet.Connect || string(p.Namespace) != "/" || p.Data != nil {
		t.Errorf("CONNECT: %v, %+v", err, p)
	}
	// The reference adds a pid of undefined.
	want := unhexed(t, "83 a474797065 00 a464617461 81 a3736964 b4 6162636465666768696a6b6c6d6e6f7071727374 a36e7370 a12f")
	if got := packet.Msgpack.AppendConnect(nil, "/", "abcdefghijklmnopqrst", ""); !bytes.Equal(got, want) {
		t.Errorf("the answer\n got %x\nwant %x", got, want)
	}
	want = unhexed(t, "82 a474797065 00 a36e7370 a12f")
	if got := packet.Msgpack.AppendConnect(nil, "/", "", ""); !bytes.Equal(got, want) {
		t.Errorf("the answer without a sid\n got %x\nwant %x", got, want)
	}
}

func unhexed(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestMsgpackLimits is row A108 and its neighbours A94 and A104.
func TestMsgpackLimits(t *testing.T) {
	t.Parallel()
	event := func(tail string) []byte {
		return append(unhexed(t, "83 a474797065 02 a36e7370 a12f a464617461 92 a26576"), unhexed(t, tail)...)
	}
	list := func(n int) []byte {
		head := append(unhexed(t, "83 a474797065 02 a36e7370 a12f a464617461 dd"), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		return append(append(head, "\xa1e"...), bytes.Repeat([]byte{1}, n-1)...)
	}
	long, _, _ := packet.Msgpack.AppendEvent(nil, "/", -1, strings.Repeat("n", 257), nil, nil, nil)
	for _, tt := range []struct {
		name string
		in   []byte
		lim  *packet.Limits
		want error
	}{
		{"127 arrays in the list", event(strings.Repeat("91", 127) + "c0"), nil, nil},
		{"128 arrays in the list", event(strings.Repeat("91", 128) + "c0"), nil, packet.ErrTooDeep},
		{"a million arrays", event(strings.Repeat("91", 1_000_000)), &packet.Limits{MaxDepth: -1}, packet.ErrTooDeep},
		{"a million maps", event(strings.Repeat("81a0", 1_000_000)), nil, packet.ErrTooDeep},
		{"depth below a key that means nothing", append(unhexed(t, "81 a178"), unhexed(t, strings.Repeat("91", 129)+"c0")...), nil, packet.ErrTooDeep},
		{"event name", long, nil, packet.ErrEventName},
		{"event name, larger limit", long, &packet.Limits{MaxName: 300}, nil},
		{"namespace", packet.Msgpack.AppendDisconnect(nil, "/"+strings.Repeat("n", 256)), nil, packet.ErrNamespace},
		{"namespace with a line feed", packet.Msgpack.AppendDisconnect(nil, "/a\nb"), nil, packet.ErrNamespace},
		{"namespace that is not UTF-8", unhexed(t, "82 a474797065 01 a36e7370 a22fff"), nil, packet.ErrNamespace},
		{"as many arguments as may be", list(packet.MaxArgs), nil, nil},
		{"one argument more", list(packet.MaxArgs + 1), nil, packet.ErrTooManyArgs},
		{"a billion pairs", unhexed(t, "df 3fffffff a0 a0"), nil, packet.ErrPayload},
	} {
		var p packet.Packet
		if err := packet.Msgpack.Parse(tt.in, tt.lim, &p); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestMsgpackKeys has the keys of a packet in any order, and more than once: the
// last counts, and what an earlier one has left is gone.
func TestMsgpackKeys(t *testing.T) {
	t.Parallel()
	const typ, nsp, data = "a474797065", "a36e7370 a12f", "a464617461"
	for name, tt := range map[string]struct {
		hex  string
		want []string // Args, as bytes; nil for an error
	}{
		"data first":               {"83" + data + "92a16ea162" + typ + "02" + nsp, []string{"\xa1n", "\xa1b"}},
		"two lists":                {"84" + data + "93a178a179a17a" + data + "91a16e" + typ + "02" + nsp, []string{"\xa1n"}},
		"a map, then a list":       {"84" + data + "80" + data + "91a16e" + typ + "02" + nsp, []string{"\xa1n"}},
		"a list, then a map":       {"84" + data + "91a16e" + data + "80" + typ + "02" + nsp, nil},
		"a list, then nil":         {"84" + data + "91a16e" + data + "c0" + typ + "02" + nsp, nil},
		"CONNECT, a list then nil": {"84" + data + "91a16e" + data + "c0" + typ + "00" + nsp, []string{}},
		"CONNECT with a list":      {"83" + data + "91a16e" + typ + "00" + nsp, nil},
		"no data":                  {"82" + typ + "02" + nsp, nil},
	} {
		var p packet.Packet
		err := packet.Msgpack.Parse(unhexed(t, tt.hex), nil, &p)
		if (err == nil) != (tt.want != nil) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		got := []string{}
		for _, a := range p.Args {
			got = append(got, string(a))
		}
		if err == nil && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: arguments %q, want %q", name, got, tt.want)
		}
	}
}

func TestParserText(t *testing.T) {
	t.Parallel()
	var p packet.Packet
	if err := packet.Text.Parse([]byte(`51-/a,7["n",{"_placeholder":true,"num":0},"x"]`), nil, &p); err != nil {
		t.Fatal(err)
	}
	atts := [][]byte{{1, 2}}
	if name, ok := packet.Text.EventName(&p, nil); !ok || string(name) != "n" {
		t.Errorf("name %q, %v", name, ok)
	}
	if b, ok := packet.Text.Bytes(p.Args[1], atts); !ok || !bytes.Equal(b, atts[0]) {
		t.Errorf("binary %x, %v", b, ok)
	}
	if _, ok := packet.Text.Bytes(p.Args[2], atts); ok {
		t.Error("text is binary")
	}
	var s string
	if err := packet.Text.Decode(p.Args[2], atts, nil, &s); err != nil || s != "x" {
		t.Errorf("%q, %v", s, err)
	}
	for _, parser := range []packet.Parser{packet.Text, packet.Msgpack} {
		v := any(1)
		if err := parser.Decode(nil, nil, nil, &v); err != nil || v != nil {
			t.Errorf("what was not sent: %v, %v", v, err)
		}
		if out, err := parser.AppendJSON(nil, nil, nil); string(out) != "null" || err != nil {
			t.Errorf("what was not sent: %s, %v", out, err)
		}
	}
	var list [][]byte
	if out, err := packet.Text.AppendJSON(nil, p.Args[1], &list); err != nil || string(out) != `{"_placeholder":true,"num":0}` {
		t.Errorf("%s, %v", out, err)
	}
}

// TestMsgpackEventName: a number is its text.
func TestMsgpackEventName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"83 a474797065 02 a36e7370 a12f a464617461 91 05": "5", "83 a474797065 02 a36e7370 a12f a464617461 91 cb3ff8000000000000": "1.5", "83 a474797065 02 a36e7370 a12f a464617461 91 a161": "a"} {
		var p packet.Packet
		if err := packet.Msgpack.Parse(unhexed(t, in), nil, &p); err != nil {
			t.Fatal(err)
		}
		if name, ok := packet.Msgpack.EventName(&p, nil); !ok || string(name) != want {
			t.Errorf("%q, %v, want %q", name, ok, want)
		}
	}
}

func TestMsgpackArgError(t *testing.T) {
	t.Parallel()
	dst := []byte("x")
	out, _, err := packet.Msgpack.AppendEvent(dst, "/", -1, "e", []any{1, make(chan int)}, nil, nil)
	var ae *packet.ArgError
	if !errors.As(err, &ae) || ae.Index != 1 || string(out) != "x" {
		t.Errorf("%v, %q", err, out)
	}
	if _, err := packet.Msgpack.AppendConnectError(nil, "/", "m", json.RawMessage("{"), nil); !errors.Is(err, jsonx.ErrInvalidJSON) {
		t.Errorf("connect error: %v", err)
	}
}

// TestRawArg passes a text packet's binary on behind other binary: its
// placeholder is counted anew, and in the other dialect it is binary.
func TestRawArg(t *testing.T) {
	t.Parallel()
	arg := &packet.RawArg{Parser: packet.Text, Raw: []byte(`{"a":[{"_placeholder":true,"num":0}]}`), Atts: [][]byte{{9}}}
	args := []any{[]byte{1}, arg}
	out, atts, err := packet.Text.AppendEvent(nil, "/", -1, "e", args, nil, nil)
	want := `52-["e",{"_placeholder":true,"num":0},{"a":[{"_placeholder":true,"num":1}]}]`
	if err != nil || string(out) != want || len(atts) != 2 || !bytes.Equal(atts[1], []byte{9}) {
		t.Errorf("text: %s, %x, %v", out, atts, err)
	}
	out, _, err = packet.Msgpack.AppendEvent(nil, "/", -1, "e", args, nil, nil)
	if err != nil || !bytes.Contains(out, []byte("\xc4\x01\x01\x81\xa1a\x91\xc4\x01\x09")) {
		t.Errorf("msgpack: %x, %v", out, err)
	}
	if text, err := json.Marshal(arg); err != nil || !bytes.Equal(text, arg.Raw) {
		t.Errorf("in a value of the user's: %s, %v", text, err)
	}
}

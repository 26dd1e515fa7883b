package packet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

type upper string

func (u upper) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"up": string(bytes.ToUpper([]byte(u)))})
}

func TestAppendEvent(t *testing.T) {
	t.Parallel()
	type point struct {
		X    int    `json:"x"`
		Blob []byte `json:"blob,omitempty"`
	}
	ph := func(s string) string { return `{"_placeholder":true,"num":` + s + `}` }
	for _, c := range []struct {
		row  string
		nsp  string
		id   int64
		args []any
		want string
		atts []string
	}{
		{"2.1", "/", -1, nil, `2["ev"]`, nil},
		{"2.1 id", "/", 0, nil, `20["ev"]`, nil},
		{"2.1 big id", "/", math.MaxInt64, nil, `29223372036854775807["ev"]`, nil},
		{"2.1 namespace", "/ns", 12, []any{1}, `2/ns,12["ev",1]`, nil},
		{"2.1 no namespace", "", -1, []any{1}, `2["ev",1]`, nil},
		{"2.1 values", "/", -1, []any{"x", true, nil, 1.5, -7, uint8(3), json.RawMessage(`{"a": 1}`)}, `2["ev","x",true,null,1.5,-7,3,{"a": 1}]`, nil},
		{"2.1 no html escapes", "/", -1, []any{"<&>", point{X: 1}, map[string]string{"<": "\u2028"}}, `2["ev","<&>",{"x":1},{"<":"` + "\u2028" + `"}]`, nil},
		{"2.1 NaN", "/", -1, []any{math.NaN(), math.Inf(-1), math.Copysign(0, -1)}, `2["ev",null,null,0]`, nil},
		{"2.1 Date", "/", -1, []any{time.Date(2025, 1, 2, 3, 4, 5, 6_999_999, time.FixedZone("", 3600))}, `2["ev","2025-01-02T02:04:05.006Z"]`, nil},
		{"2.1 toJSON", "/", -1, []any{upper("a"), []any{upper("b")}}, `2["ev",{"up":"A"},[{"up":"B"}]]`, nil},
		{"2.3", "/", -1, []any{[]byte{1}}, `51-["ev",` + ph("0") + `]`, []string{"\x01"}},
		{
			"2.3 all", "/ns", 7,
			[]any{[]byte{1}, []any{[]byte{2}}, map[string]any{"b": []byte{4}, "a": []byte{3}}},
			`54-/ns,7["ev",` + ph("0") + `,[` + ph("1") + `],{"a":` + ph("2") + `,"b":` + ph("3") + `}]`,
			[]string{"\x01", "\x02", "\x03", "\x04"},
		},
		{
			"2.3 eleven", "/", -1,
			[]any{[]any{[]byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte(nil)}},
			`511-["ev",[` + ph("0") + "," + ph("1") + "," + ph("2") + "," + ph("3") + "," + ph("4") + "," + ph("5") + "," + ph("6") + "," + ph("7") +
				"," + ph("8") + "," + ph("9") + "," + ph("10") + `]]`, make([]string, 11),
		},
		{
			"2.3 other types stay base64", "/", -1,
			[]any{point{Blob: []byte{1}}, [][]byte{{2}}, map[string][]byte{"a": {3}}},
			`2["ev",{"x":0,"blob":"AQ=="},["Ag=="],{"a":"Aw=="}]`, nil,
		},
	} {
		out, atts, err := packet.AppendEvent([]byte("head"), c.nsp, c.id, "ev", c.args, nil, [][]byte{[]byte("old")})
		if err != nil || string(out) != "head"+c.want {
			t.Errorf("%s: %v\n got %s\nwant head%s", c.row, err, out, c.want)
		}
		if len(atts) != 1+len(c.atts) || string(atts[0]) != "old" {
			t.Errorf("%s: attachments %q", c.row, atts)
			continue
		}
		for i, want := range c.atts {
			if string(atts[1+i]) != want {
				t.Errorf("%s: attachment %d is %q, want %q", c.row, i, atts[1+i], want)
			}
		}
	}
}

func TestAppendOthers(t *testing.T) {
	t.Parallel()
	str := func(b []byte, err error) string {
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	ack := func(nsp string, id uint64, big string, args ...any) string {
		out, atts, err := packet.AppendAck(nil, nsp, id, big, args, nil, nil)
		for _, att := range atts {
			out = append(append(out, '|'), att...)
		}
		return str(out, err)
	}
	for _, c := range []struct{ row, got, want string }{
		{"2.1 ACK", ack("/", 12, "", "r"), `312["r"]`},
		{"2.1 ACK empty", ack("/ns", 13, ""), `3/ns,13[]`},
		{"2.1 ACK two", ack("/", 0, "", 1, 2), `30[1,2]`},
		{"2.1 BINARY_ACK", ack("/", 0, "", []byte("\x09")), `61-0[{"_placeholder":true,"num":0}]` + "|\x09"},
		{"2.2 ACK big", ack("/", math.MaxUint64, "1e+21", 1), `31e+21[1]`},
		{"2.2 ACK uint64", ack("/", math.MaxUint64, "", 1), `318446744073709551615[1]`},
		{"2.1 CONNECT", string(packet.AppendConnect(nil, "/", "abc", "")), `0{"sid":"abc"}`},
		{"2.1 CONNECT recovery", string(packet.AppendConnect(nil, "/ns", "abc", "def")), `0/ns,{"sid":"abc","pid":"def"}`},
		{"2.8 CONNECT", string(packet.AppendConnect(nil, "/", "", "def")), `0`},
		{"2.8 CONNECT namespace", string(packet.AppendConnect(nil, "/ns", "", "")), `0/ns,`},
		{"2.1 DISCONNECT", string(packet.AppendDisconnect(nil, "/")), `1`},
		{"2.1 DISCONNECT namespace", string(packet.AppendDisconnect([]byte("x"), "/ns")), `x1/ns,`},
		{"8.57 CONNECT_ERROR", str(packet.AppendConnectError(nil, "/", "bad2", nil, nil)), `4{"message":"bad2"}`},
		{"9 CONNECT_ERROR", str(packet.AppendConnectError(nil, "/", "bad auth", map[string]any{"code": 7}, nil)), `4{"message":"bad auth","data":{"code":7}}`},
		{"2.1 CONNECT_ERROR", str(packet.AppendConnectError(nil, "/nope", "Invalid namespace", nil, nil)), `4/nope,{"message":"Invalid namespace"}`},
		{"2.3 CONNECT_ERROR is never scanned", str(packet.AppendConnectError(nil, "/", "", []byte{1}, nil)), `4{"message":"","data":"AQ=="}`},
		{"2.1 CONNECT_ERROR raw", str(packet.AppendConnectError(nil, "/", "m", json.RawMessage(`[1]`), nil)), `4{"message":"m","data":[1]}`},
		{"2.8 CONNECT_ERROR", str(packet.AppendLegacyConnectError(nil, "/", "message", nil, nil)), `4"message"`},
		{"2.8 CONNECT_ERROR data", str(packet.AppendLegacyConnectError(nil, "/ns", "message", 7, nil)), `4/ns,7`},
		{"CONNECT_ERROR invalid", str(packet.AppendConnectError([]byte("x"), "/", "m", json.RawMessage(`[`), nil)), jsonx.ErrInvalidJSON.Error()},
		{"CONNECT_ERROR legacy invalid", str(packet.AppendLegacyConnectError(nil, "/", "m", json.RawMessage(`[`), nil)), jsonx.ErrInvalidJSON.Error()},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.row, c.got, c.want)
		}
	}
}

// TestArgError shows that an argument which cannot be written is named, and
// that nothing of the packet is left behind.
func TestArgError(t *testing.T) {
	t.Parallel()
	loop := map[string]any{}
	loop["self"] = loop
	for _, c := range []struct {
		name string
		bad  any
		want error
	}{
		{"raw syntax", json.RawMessage(`{"a":`), jsonx.ErrInvalidJSON},
		{"raw breaks out", json.RawMessage(`1],"x"`), jsonx.ErrInvalidJSON},
		{"raw two values", json.RawMessage(`1,2`), jsonx.ErrInvalidJSON},
		{"raw empty", json.RawMessage{}, jsonx.ErrInvalidJSON},
		{"raw separator", json.RawMessage("\"\x1e\""), jsonx.ErrInvalidJSON},
		{"raw within", []any{1, map[string]any{"k": json.RawMessage(`nope`)}}, jsonx.ErrInvalidJSON},
		{"loop", loop, jsonx.ErrTooDeep},
		{"raw placeholder", json.RawMessage(`{"_placeholder":true,"num":1}`), jsonx.ErrAttachment},
		{"raw placeholder, deep", []any{1, json.RawMessage(`[{"a":{"_placeholder":true,"num":"x"}}]`)}, jsonx.ErrAttachment},
		{"map like a placeholder", map[string]any{"_placeholder": true, "num": -1}, jsonx.ErrAttachment},
		{"channel", make(chan int), nil},
		{"function", func() {}, nil},
	} {
		args := []any{1, []byte("att"), c.bad}
		for kind, encode := range map[string]func() ([]byte, [][]byte, error){
			"event": func() ([]byte, [][]byte, error) {
				return packet.AppendEvent([]byte("head"), "/ns", 1, "ev", args, nil, [][]byte{[]byte("old")})
			},
			"ack": func() ([]byte, [][]byte, error) {
				return packet.AppendAck([]byte("head"), "/ns", 1, "", args, nil, [][]byte{[]byte("old")})
			},
		} {
			out, atts, err := encode()
			var ae *packet.ArgError
			if !errors.As(err, &ae) || ae.Index != 2 || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("%s, %s: error %v", c.name, kind, err)
			}
			if string(out) != "head" || len(atts) != 1 {
				t.Errorf("%s, %s: left %q, %d attachments", c.name, kind, out, len(atts))
			}
		}
	}
	err := &packet.ArgError{Index: 2, Err: jsonx.ErrInvalidJSON}
	if got, want := err.Error(), "packet: argument 2: jsonx: invalid JSON"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReservedEvent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		if !packet.ReservedEvent(name) {
			t.Errorf("%q is not reserved", name)
		}
	}
	for _, name := range []string{"", "connection", "error", "Connect", "connect ", "message"} {
		if packet.ReservedEvent(name) {
			t.Errorf("%q is reserved", name)
		}
	}
}

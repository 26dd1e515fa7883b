package packet_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

func mustParse(tb testing.TB, in []byte) *packet.Packet {
	tb.Helper()
	p := &packet.Packet{}
	if err := packet.Parse(in, nil, p); err != nil {
		tb.Fatalf("%q: %v", in, err)
	}
	return p
}

// TestAssembler is PARITY 2.3: the packet is complete with its last
// attachment, as EVENT or ACK, and owns its bytes.
func TestAssembler(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`52-/ns,7["b",{"_placeholder":true,"num":1}]`, `EVENT /ns 7 ["b",{"_placeholder":true,"num":1}] ["b" {"_placeholder":true,"num":1}] +2`},
		{`62-1[{"_placeholder":true,"num":0}]`, `ACK / 1 [{"_placeholder":true,"num":0}] [{"_placeholder":true,"num":0}] +2`},
		{`62-99999999999999999999[]`, `ACK / 18446744073709551615=100000000000000000000 [] [] +2`},
		{`52-`, `EVENT / - - [] +2`},
	} {
		var a packet.Assembler
		if a.Active() || a.Packet() != nil || a.Attachments() != nil {
			t.Error("zero Assembler is not empty")
		}
		in := []byte(c.in)
		a.Start(mustParse(t, in))
		clear(in)
		if !a.Active() {
			t.Errorf("%s: not active", c.in)
		}
		buf := []byte{1, 2, 3}
		if done, err := a.Add(buf); done || err != nil {
			t.Errorf("%s: first: %v, %v", c.in, done, err)
		}
		clear(buf)
		if done, err := a.Add(nil); !done || err != nil {
			t.Errorf("%s: last: %v, %v", c.in, done, err)
		}
		if got := describe(a.Packet()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.in, got, c.want)
		}
		atts := a.Attachments()
		if len(atts) != 2 || !bytes.Equal(atts[0], []byte{1, 2, 3}) || atts[1] == nil || len(atts[1]) != 0 {
			t.Errorf("%s: attachments %v", c.in, atts)
		}
		if a.Active() {
			t.Errorf("%s: still active", c.in)
		}
		if _, err := a.Add(nil); !errors.Is(err, packet.ErrUnexpectedBinary) {
			t.Errorf("%s: one more: %v", c.in, err)
		}
		// What was handed out stays as it is when the next packet comes.
		p := a.Packet()
		a.Start(mustParse(t, []byte(`51-/other,3["other"]`)))
		if _, err := a.Add([]byte("zzz")); err != nil {
			t.Error(err)
		}
		a.Reset()
		if got := describe(p); got != c.want || !bytes.Equal(atts[0], []byte{1, 2, 3}) {
			t.Errorf("%s: became %s, %v", c.in, got, atts)
		}
	}
}

// TestAssemblerPending is A100: what is pending is bounded, and dropped whole.
func TestAssemblerPending(t *testing.T) {
	t.Parallel()
	var a packet.Assembler
	if _, err := a.Add([]byte{1}); !errors.Is(err, packet.ErrUnexpectedBinary) {
		t.Errorf("binary alone: %v", err)
	}
	a.Start(mustParse(t, []byte(`510-["a"]`)))
	for i := range 9 {
		if done, err := a.Add([]byte{byte(i)}); done || err != nil {
			t.Fatalf("%d: %v, %v", i, done, err)
		}
	}
	if !a.Active() {
		t.Error("not active with 9 of 10")
	}
	a.Reset()
	if a.Active() || a.Attachments() != nil {
		t.Error("something is left after Reset")
	}

	a.MaxBytes = 5
	a.Start(mustParse(t, []byte(`53-["a"]`)))
	if _, err := a.Add([]byte("12345")); err != nil {
		t.Fatal(err)
	}
	if done, err := a.Add([]byte("6")); done || !errors.Is(err, packet.ErrAttachmentBytes) || a.Active() {
		t.Errorf("beyond MaxBytes: %v, %v, active %v", done, err, a.Active())
	}
	a.Start(mustParse(t, []byte(`51-["a"]`)))
	if done, err := a.Add([]byte("12345")); !done || err != nil || a.MaxBytes != 5 {
		t.Errorf("the next packet: %v, %v", done, err)
	}
}

// TestPlaceholders is A101: an index that is no attachment closes, at the
// moment the last attachment arrives, wherever the placeholder hides.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, num string
		ok        bool
	}{
		{"first", `0`, true},
		{"last", `1`, true},
		{"1.0", `1.0`, true},
		{"10e-1", `10e-1`, true},
		{"minus zero", `-0`, true},
		{"count", `2`, false},
		{"negative", `-1`, false},
		{"fraction", `1.5`, false},
		{"small fraction", `0.5`, false},
		{"text", `"length"`, false},
		{"digit as text", `"0"`, false},
		{"null", `null`, false},
		{"true", `true`, false},
		{"array", `[0]`, false},
		{"object", `{"valueOf":0}`, false},
		{"huge", `1e400`, false},
		{"2^32", `4294967296`, false},
		{"2^64", `18446744073709551616`, false},
	} {
		for _, where := range []string{
			`["a",%]`, `["a",[[{"x":[%]}]]]`, `[1,{"_placeholder":true,"num":0},%]`, `["a",{"__proto__":%}]`, `["a" , { "y" : 1 , "x" : % } ]`,
		} {
			mark := `{"_placeholder":true,"num":` + c.num + `}`
			checkAssembled(t, c.name, strings.Replace(where, "%", mark, 1), c.ok)
		}
	}
	for _, c := range []struct {
		name, data string
		ok         bool
	}{
		{"none used", `["a"]`, true},
		{"no num", `["a",{"_placeholder":true}]`, false},
		{"not true", `["a",{"_placeholder":false,"num":9}]`, true},
		{"truthy", `["a",{"_placeholder":1,"num":9}]`, true},
		{"text", `["a",{"_placeholder":"true","num":9}]`, true},
		{"other case", `["a",{"_Placeholder":true,"num":9}]`, true},
		{"num first", `["a",{"num":0,"_placeholder":true}]`, true},
		{"num first, illegal", `["a",{"num":9,"_placeholder":true}]`, false},
		{"escaped", `["a",{"\u005fplaceholder":true,"num":9}]`, false},
		{"escaped num", `["a",{"_placeholder":true,"\u006e\u0075\u006d":1}]`, true},
		{"last num wins", `["a",{"_placeholder":true,"num":9,"num":1}]`, true},
		{"last num wins, illegal", `["a",{"_placeholder":true,"num":1,"num":9}]`, false},
		{"last mark wins", `["a",{"_placeholder":true,"num":9,"_placeholder":false}]`, true},
		{"in a placeholder", `["a",{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":9}}]`, true},
		{"in a placeholder, before", `["a",{"x":[{"_placeholder":true,"num":9}],"_placeholder":true,"num":0}]`, true},
		{"in an illegal one", `["a",{"_placeholder":true,"num":9,"x":{"_placeholder":true,"num":0}}]`, false},
		{"before a legal one", `["a",{"_placeholder":true,"num":9},{"_placeholder":true,"num":0}]`, false},
		{"key of a string", `["_placeholder",true,"num",9]`, true},
	} {
		checkAssembled(t, c.name, c.data, c.ok)
	}
}

func checkAssembled(t *testing.T, name, data string, ok bool) {
	t.Helper()
	var a packet.Assembler
	a.Start(mustParse(t, []byte("52-"+data)))
	if _, err := a.Add([]byte{1}); err != nil {
		t.Errorf("%s: %s: refused before the last attachment: %v", name, data, err)
	}
	done, err := a.Add([]byte{2})
	if ok != done || ok != (err == nil) || (!ok && !errors.Is(err, packet.ErrIllegalAttachments)) {
		t.Errorf("%s: %s: %v, %v, want ok %v", name, data, done, err, ok)
	}
	if !ok {
		if a.Packet() != nil || a.Active() {
			t.Errorf("%s: %s: something is kept", name, data)
		}
		return
	}
	var v []any
	if err := jsonx.Decode(a.Packet().Data, a.Attachments(), nil, &v); err != nil {
		t.Errorf("%s: %s: %v", name, data, err)
	}
}

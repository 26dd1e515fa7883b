package packet_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

// TestParseAccepts pins the fields of good packets, the rows of PARITY 2.1,
// 2.2 and 9.
func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ row, in, want string }{
		{"2.1 CONNECT", `0`, `CONNECT / - - []`},
		{"2.1 CONNECT auth", `0{"t":1}`, `CONNECT / - {"t":1} []`},
		{"2.1 CONNECT namespace", `0/ns,`, `CONNECT /ns - - []`},
		{"2.1 CONNECT comma optional, 8.59", `0/ns`, `CONNECT /ns - - []`},
		{"2.1 CONNECT namespace auth", `0/ns,{"t":1}`, `CONNECT /ns - {"t":1} []`},
		{"2.1 DISCONNECT", `1`, `DISCONNECT / - - []`},
		{"2.1 DISCONNECT namespace", `1/ns,`, `DISCONNECT /ns - - []`},
		{"2.1 EVENT", `2["ev",1]`, `EVENT / - ["ev",1] ["ev" 1]`},
		{"2.1 EVENT namespace", `2/ns,["ev"]`, `EVENT /ns - ["ev"] ["ev"]`},
		{"2.1 EVENT id", `212["ev"]`, `EVENT / 12 ["ev"] ["ev"]`},
		{"2.1 EVENT all", `2/ns,0["ev",{"a":[1,2]},null]`, `EVENT /ns 0 ["ev",{"a":[1,2]},null] ["ev" {"a":[1,2]} null]`},
		{"2.1 ACK", `312["r"]`, `ACK / 12 ["r"] ["r"]`},
		{"2.1 ACK empty", `3/ns,13[]`, `ACK /ns 13 [] []`},
		{"2.1 CONNECT_ERROR", `4{"message":"x"}`, `CONNECT_ERROR / - {"message":"x"} []`},
		{"2.1 CONNECT_ERROR string", `4"x"`, `CONNECT_ERROR / - "x" []`},
		{"2.1 BINARY_EVENT", `51-["b",0]`, `BINARY_EVENT / - ["b",0] ["b" 0] +1`},
		{"2.1 BINARY_ACK", `61-0[1]`, `BINARY_ACK / 0 [1] [1] +1`},
		{"2.2 ten attachments", `510-/n,7["b"]`, `BINARY_EVENT /n 7 ["b"] ["b"] +10`},
		{"2.2 leading zero", `501-["b"]`, `BINARY_EVENT / - ["b"] ["b"] +1`},
		{"2.2 query is part of the name", `0/a?x=1,`, `CONNECT /a?x=1 - - []`},
		{"2.2 CONNECT with id", `0/ns,1`, `CONNECT /ns 1 - []`},
		{"2.2 no payload, 8.35", `2`, `EVENT / - - []`},
		{"2.2 no payload, ack", `3`, `ACK / - - []`},
		{"2.2 no payload, id", `27`, `EVENT / 7 - []`},
		{"2.2 no payload, binary", `52-`, `BINARY_EVENT / - - [] +2`},
		{"2.2 numeric name, 8.36", `2[1]`, `EVENT / - [1] [1]`},
		{"2.2 white space in the payload", "2[ \"a\"\t,\r\n1 ] ", "EVENT / - [ \"a\"\t,\r\n1 ]  [\"a\" 1]"},
		{"9 echo", `212["echo","é",null]`, `EVENT / 12 ["echo","é",null] ["echo" "é" null]`},
		{"9 ack of nothing", `30[]`, `ACK / 0 [] []`},
		{"8.39 literal placeholder", `2["a",{"_placeholder":true,"num":9}]`, `EVENT / - ["a",{"_placeholder":true,"num":9}] ["a" {"_placeholder":true,"num":9}]`},
	} {
		t.Run(c.row, func(t *testing.T) {
			t.Parallel()
			var p packet.Packet
			if err := packet.Parse([]byte(c.in), nil, &p); err != nil {
				t.Fatalf("%q: %v", c.in, err)
			}
			if got := describe(&p); got != c.want {
				t.Errorf("%q:\n got %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

func describe(p *packet.Packet) string {
	id, data := "-", "-"
	if p.HasID {
		id = fmt.Sprint(p.ID)
	}
	if p.BigID != "" {
		id += "=" + p.BigID
	}
	if p.Data != nil {
		data = string(p.Data)
	}
	s := fmt.Sprintf("%s %s %s %s %s", p.Type, p.Namespace, id, data, p.Args)
	if p.Attachments > 0 {
		s += fmt.Sprintf(" +%d", p.Attachments)
	}
	return s
}

// TestParseRefuses has every refusal of PARITY 9 and ATTACKS A98 to A106 that
// a single text shows.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		row  string
		want packet.ParseError
		in   []string
	}{
		{"PARITY 9", packet.ErrType, []string{`8`, `9["a"]`}},
		{"PARITY 9", packet.ErrPayload, []string{`2{}`, `2[]`, `2[null]`, `2["a"`, `30{}`, `1{"a":1}`, `0[]`, `0"x"`, `0null`, `2["disconnect"]`}},
		{"PARITY 9", packet.ErrAttachmentCount, []string{`50-["a"]`, `5-["a"]`, `51["a"]`}},
		{"PARITY 9", packet.ErrTooManyAttachments, []string{`511-["a"]`}},
		{"PARITY 9 empty message", packet.ErrEmpty, []string{``}},
		{"A98", packet.ErrType, []string{`7`, `a`, ` `, `-1`, "\x00", "\xff", `/ns,`, `"2"`}},
		{"A99", packet.ErrAttachmentCount, []string{
			`5`, `6`, `51`, `51.5-["a"]`, `5+1-["a"]`, `5 1-["a"]`, `51 -["a"]`, `50x1-["a"]`,
			`51e9-["a"]`, `5--["a"]`, `5-1-["a"]`, `500-["a"]`, `6-[]`, `5a-["a"]`, `5:-["a"]`, `51:-["a"]`, `5/ns,["a"]`,
		}},
		{"A99", packet.ErrTooManyAttachments, []string{
			`511-["a"]`, `611-[]`, `5100-["a"]`, `599999999999999999999-["a"]`,
			`518446744073709551617-["a"]`, `54294967297-["a"]`, "5" + strings.Repeat("9", 10000) + "-",
		}},
		{"A102 type", packet.ErrPayload, []string{`2[["a"]]`, `2[{}]`, `2[null]`, `2[true]`, `2[false]`, `2[]`, `51-[[]]`, `51-[null]`}},
		{"A102 reserved", packet.ErrPayload, []string{
			`2["connect"]`, `2["connect_error"]`, `2["disconnect"]`, `2["disconnecting"]`,
			`2["newListener"]`, `2["removeListener"]`, `51-["connect"]`, `2/ns,7["disconnecting",1]`, `2["\u0063onnect"]`, `2["dis\u0063onnect"]`,
		}},
		{"A103", packet.ErrPayload, []string{`2-1["a"]`, `21.5["a"]`, `21e30["a"]`, `2+1["a"]`, `20x1["a"]`, `2:["a"]`, `21:["a"]`, `2/["a"]x,1/["a"]`, `3-1[]`, `3/n,-1[]`}},
		{"A103 blank", packet.ErrPayload, []string{`2 ["a"]`, `2 1["a"]`, `21 ["a"]`, "2\n[\"a\"]", `2/ns, ["a"]`, `0 {}`, `2 `}},
		{"A104", packet.ErrTooDeep, []string{
			`2["a",` + nest(128) + `]`, `3` + nest(129), `0` + strings.Repeat(`{"a":`, 129) + "1" + strings.Repeat("}", 129),
			`2["a",` + strings.Repeat("[", 1_000_000), `3` + strings.Repeat("[", 1_000_000), `0` + strings.Repeat(`{"a":`, 100_000),
		}},
		{"arguments", packet.ErrTooManyArgs, []string{
			`2["a"` + strings.Repeat(",1", packet.MaxArgs) + `]`, `3[1` + strings.Repeat(",1", packet.MaxArgs) + `]`, `2["a"` + strings.Repeat(",1", 2*packet.MaxArgs),
		}},
		{"A105 numbers", packet.ErrPayload, []string{
			`2["a",01]`, `2["a",1.]`, `2["a",.5]`, `2["a",+1]`, `2["a",-]`, `2["a",--1]`, `2["a",0x1]`,
			`2["a",1e]`, `2["a",1e+]`, `2["a",NaN]`, `2["a",Infinity]`, `2["a",-Infinity]`, `2[-]`, `2[-a]`,
		}},
		{"A105 strings", packet.ErrPayload, []string{
			`2["a","\x41"]`, `2["a","\u12"]`, `2["a","\u12G4"]`, `2["a","\`, `2["a","\"]`, `2["a","\u"]`,
			"2[\"a\",\"\t\"]", "2[\"a\",\"\n\"]", "2[\"a\",\"\x00\"]", "2[\"a\",\"12345678\x1f\"]", `2["a",'b']`, `2["a",b]`, `2["a","b]`, `2["\q"]`,
		}},
		{"A105 words", packet.ErrPayload, []string{`2["a",nul]`, `2["a",nulll]`, `2["a",True]`, `2["a",undefined]`, `2["a",tru`, `2["a",f]`}},
		{"A105 structure", packet.ErrPayload, []string{
			`2["a",]`, `2[,"a"]`, `2["a"1]`, `2["a" 1]`, `2["a",[1,]]`, `2["a",{"b"}]`, `2["a",{"b":}]`,
			`2["a",{"b":1,}]`, `2["a",{b:1}]`, `2["a",{,"b":1}]`, `2["a",{"b":1]`, `2["a",[1}]`, `2["a",{1:2}]`, `2["a",{`, `2["a",[`, `2["a",`, `2[`, `2["a"}`,
		}},
		{"A105 trailing bytes", packet.ErrPayload, []string{
			`2["a"]x`, `2["a"]]`, `2["a"],`, `2["a"]["b"]`, `0{}x`, `0{}{}`, `4"a"x`, `3[]x`, "2[\"a\"]\x00",
			"2[\"a\"]\x1e", "2[\"a\"]\u00a0",
		}},
		{"A107", packet.ErrPayload, []string{`1["a"]`, `1null`, `1 `, `1"x"`, `1/ns,{}`}},
		{"2.2 shapes", packet.ErrPayload, []string{`0true`, `01{`, `4[]`, `4null`, `41.5`, `3{}`, `3"a"`, `3null`, `2"a"`, `61-{}`}},
		{"A94", packet.ErrNamespace, []string{`0/` + strings.Repeat("n", 256), `2/` + strings.Repeat("n", 10_000_000) + `,["a"]`, "0/a\x1eb,", "0/\x00", "2/a\n,[\"a\"]"}},
		{"A94", packet.ErrEventName, []string{
			`2["` + strings.Repeat("e", 257) + `"]`, `2["` + strings.Repeat(`\u00e9`, 129) + `"]`,
			`2["` + strings.Repeat("e", 10_000_000) + `"]`, `2["` + strings.Repeat(`\n`, 257) + `"]`,
		}},
	} {
		for _, in := range c.in {
			var p packet.Packet
			if err := packet.Parse([]byte(in), nil, &p); !errors.Is(err, c.want) {
				if len(in) > 100 {
					in = in[:100] + "…"
				}
				t.Errorf("%s: %q: got %v, want %v", c.row, in, err, c.want)
			}
		}
	}
}

// TestLimits shows each limit's last accepted and first refused value.
func TestLimits(t *testing.T) {
	t.Parallel()
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		name string
		lim  packet.Limits
		in   string
		want error
	}{
		{"depth default", packet.Limits{}, `2["a",` + nest(127) + `]`, nil},
		{"depth default", packet.Limits{}, `2["a",` + nest(128) + `]`, packet.ErrTooDeep},
		{"depth of objects", packet.Limits{}, `0` + strings.Repeat(`{"a":`, 128) + "1" + strings.Repeat("}", 128), nil},
		{"depth 1", packet.Limits{MaxDepth: 1}, `2["a",1]`, nil},
		{"depth 1", packet.Limits{MaxDepth: 1}, `2["a",[]]`, packet.ErrTooDeep},
		{"depth 1, object", packet.Limits{MaxDepth: 1}, `0{}`, nil},
		{"depth 1, object", packet.Limits{MaxDepth: 1}, `0{"a":{}}`, packet.ErrTooDeep},
		{"depth ceiling", packet.Limits{MaxDepth: -1}, `3` + nest(10000), nil},
		{"depth ceiling", packet.Limits{MaxDepth: -1}, `3` + nest(10001), packet.ErrTooDeep},
		{"depth ceiling", packet.Limits{MaxDepth: math.MaxInt}, `3` + nest(10001), packet.ErrTooDeep},
		{"attachments 2", packet.Limits{MaxAttachments: 2}, `52-["a"]`, nil},
		{"attachments 2", packet.Limits{MaxAttachments: 2}, `53-["a"]`, packet.ErrTooManyAttachments},
		{"attachments open", packet.Limits{MaxAttachments: -1}, `516777216-["a"]`, nil},
		{"attachments open", packet.Limits{MaxAttachments: -1}, `516777217-["a"]`, packet.ErrTooManyAttachments},
		{"name 3", packet.Limits{MaxName: 3}, `2/ab,["abc"]`, nil},
		{"name 3", packet.Limits{MaxName: 3}, `2/abc,["abc"]`, packet.ErrNamespace},
		{"name 3 at the end", packet.Limits{MaxName: 3}, `0/ab`, nil},
		{"name 3 at the end", packet.Limits{MaxName: 3}, `0/abc`, packet.ErrNamespace},
		{"name 3", packet.Limits{MaxName: 3}, `2["abcd"]`, packet.ErrEventName},
		{"name 3 escaped", packet.Limits{MaxName: 3}, `2["\u0061\u0062\u0063"]`, nil},
		{"name 3 escaped", packet.Limits{MaxName: 3}, `2["\u0061\u0062\u0063d"]`, packet.ErrEventName},
		{"name default escaped", packet.Limits{}, `2["` + strings.Repeat(`\u0061`, 256) + `"]`, nil},
		{"name open", packet.Limits{MaxName: -1}, `2/` + strings.Repeat("n", 1000) + `,["` + strings.Repeat("e", 1000) + `"]`, nil},
		{"name default", packet.Limits{}, `2/` + strings.Repeat("n", 255) + `,["` + strings.Repeat("e", 256) + `"]`, nil},
	} {
		var p packet.Packet
		if err := packet.Parse([]byte(c.in), &c.lim, &p); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// TestAckID is A103 and PARITY 2.2: an id is echoed as JavaScript prints it.
func TestAckID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"0", "0"},
		{"007", "7"},
		{"123456789012345", "123456789012345"},
		{"9007199254740991", "9007199254740991"},
		{"9007199254740992", "9007199254740992=9007199254740992"},
		{"9007199254740993", "9007199254740992=9007199254740992"},
		{"18446744073709549568", "18446744073709549568=18446744073709550000"},
		{"18446744073709551616", "18446744073709551615=18446744073709552000"},
		{"99999999999999999999", "18446744073709551615=100000000000000000000"},
		{"1000000000000000000000", "18446744073709551615=1e+21"},
		{strings.Repeat("0", 400) + "5", "5"},
		{strings.Repeat("9", 308), "18446744073709551615=1e+308"},
		{"1" + strings.Repeat("0", 308), "18446744073709551615=1e+308"},
		{strings.Repeat("9", 309), "18446744073709551615=Infinity"},
		{strings.Repeat("9", 1_000_000), "18446744073709551615=Infinity"},
	} {
		var p packet.Packet
		if err := packet.Parse([]byte("2"+c.in+`["a"]`), nil, &p); err != nil {
			t.Fatalf("%.40s: %v", c.in, err)
		}
		got := fmt.Sprint(p.ID)
		if p.BigID != "" {
			got += "=" + p.BigID
		}
		if !p.HasID || got != c.want {
			t.Errorf("%.40s: got %s, want %s", c.in, got, c.want)
		}
		out, _, err := packet.AppendAck(nil, "/", p.ID, p.BigID, nil, nil, nil)
		_, text, big := strings.Cut(c.want, "=")
		if !big {
			text = c.want
		}
		if want := "3" + text + "[]"; err != nil || string(out) != want {
			t.Errorf("%.40s: ack %s, %v, want %s", c.in, out, err, want)
		}
	}
}

// TestEventName is A102 and PARITY 2.2: names are texts, numbers as JavaScript
// prints them.
func TestEventName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{`2["a"]`, "a", true},
		{`2[""]`, "", true},
		{`2["Größe 😀"]`, "Größe 😀", true},
		{`2["\u0061\n\/\"\\\ud83d\ude00"]`, "a\n/\"\\😀", true},
		{`2["\ud800"]`, "\uFFFD", true},
		{`2["\ud800\u0061"]`, "\uFFFDa", true},
		{`2["a\\u0062"]`, `a\u0062`, true},
		{`2[1]`, "1", true},
		{`2[1.0]`, "1", true},
		{`2[-0]`, "0", true},
		{`2[1e3]`, "1000", true},
		{`2[1e21]`, "1e+21", true},
		{`2[0.5e-6]`, "5e-7", true},
		{`2[123456789012345678]`, "123456789012345680", true},
		{`2[1e400]`, "Infinity", true},
		{`2[-1e400]`, "-Infinity", true},
		{`2[` + strings.Repeat("9", 100_000) + `]`, "Infinity", true},
		{`51-["b"]`, "b", true},
		{`2["__proto__"]`, "__proto__", true},
		{`2["connection"]`, "connection", true},
		{`2["error"]`, "error", true},
		{`2`, "", false},
		{`3["a"]`, "", false},
		{`0{"a":1}`, "", false},
		{`1`, "", false},
	} {
		var p packet.Packet
		if err := packet.Parse([]byte(c.in), nil, &p); err != nil {
			t.Errorf("%.40s: %v", c.in, err)
			continue
		}
		name, ok := p.EventName(make([]byte, 3, 8))
		if string(name) != c.want || ok != c.ok {
			t.Errorf("%.40s: got %q %v, want %q %v", c.in, name, ok, c.want, c.ok)
		}
	}
}

// TestHostileValues is A105: the last of equal keys wins, __proto__ is data,
// and a number out of range is verbatim until it is decoded, then an error.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	var p packet.Packet
	in := `2["a",{"k":1,"k":2,"__proto__":{"x":1},"constructor":3},1e400,-1e400]`
	if err := packet.Parse([]byte(in), nil, &p); err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := jsonx.Decode(p.Args[1], nil, nil, &m); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(m), "map[__proto__:map[x:1] constructor:3 k:2]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, raw := range p.Args[2:] {
		if s := string(raw); s != "1e400" && s != "-1e400" {
			t.Errorf("raw number is %s", s)
		}
		var f float64
		var f32 float32
		var v any
		for _, target := range []any{&f, &f32, &v} {
			if err := jsonx.Decode(raw, nil, nil, target); err == nil {
				t.Errorf("%s into %T: no error", raw, target)
			}
		}
		if f != 0 || f32 != 0 {
			t.Errorf("%s: got %v, %v", raw, f, f32)
		}
	}
}

// TestEscapesAreLinear is A106: a megabyte of escapes is read once, and its
// text is shorter than the JSON.
func TestEscapesAreLinear(t *testing.T) {
	t.Parallel()
	for _, escape := range []string{`\n`, `\\`, `\u0041`, `\ud83d\ude00`, `\ud800`, `\u20ac`} {
		in := []byte(`2["a","` + strings.Repeat(escape, 1_000_000/len(escape)) + `"]`)
		var p packet.Packet
		if err := packet.Parse(in, nil, &p); err != nil {
			t.Fatalf("%s: %v", escape, err)
		}
		raw := p.Args[1]
		if out := jsonx.Unquote(nil, raw[1:len(raw)-1]); len(out) > len(raw) {
			t.Errorf("%s: %d bytes from %d", escape, len(out), len(raw))
		}
	}
}

// TestViews shows that what Parse returns lies within its input and that
// appending to one view cannot reach the next.
func TestViews(t *testing.T) {
	t.Parallel()
	in := []byte(`2/ns,1["ev",{"a":1},true]`)
	before := string(in)
	var p packet.Packet
	if err := packet.Parse(in, nil, &p); err != nil {
		t.Fatal(err)
	}
	for _, arg := range append([][]byte{p.Namespace}, p.Args...) {
		_ = append(arg, 'X')
	}
	name, _ := p.EventName(nil)
	_ = append(name, 'X')
	if string(in) != before {
		t.Errorf("input became %s", in)
	}
	in[len(in)-3] = 'E'
	if string(p.Args[2]) != "trEe" {
		t.Errorf("args are copies: %s", p.Args)
	}
}

// TestParseReusesArgs shows that a Packet is used again, that nothing of the
// packet before shows through, and that a huge Args is not kept.
func TestParseReusesArgs(t *testing.T) {
	t.Parallel()
	var p packet.Packet
	parse := func(in string) {
		t.Helper()
		if err := packet.Parse([]byte(in), nil, &p); err != nil {
			t.Fatal(err)
		}
	}
	parse(`51-/ns,99999999999999999999["a",1,2,3]`)
	parse(`2`)
	if got, want := describe(&p), "EVENT / - - []"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	parse(`3[` + strings.Repeat("1,", 5000) + `1]`)
	if len(p.Args) != 5001 {
		t.Fatalf("%d arguments", len(p.Args))
	}
	parse(`2["a"]`)
	if cap(p.Args) > packet.MaxKeptArgs {
		t.Errorf("kept room for %d arguments", cap(p.Args))
	}
	args := p.Args
	p.Reset()
	if args[0] != nil || p.Data != nil || len(p.Args) != 0 || cap(p.Args) == 0 {
		t.Errorf("after Reset: %+v, first was %q", p, args[0])
	}
	parse(`3[` + strings.Repeat("1,", 5000) + `1]`)
	if p.Reset(); cap(p.Args) > packet.MaxKeptArgs {
		t.Errorf("Reset kept room for %d arguments", cap(p.Args))
	}
}

// TestErrorsAreTyped shows that a refusal is a constant with a text.
func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	var p packet.Packet
	err := packet.Parse([]byte("8"), nil, &p)
	var pe packet.ParseError
	if !errors.As(err, &pe) || pe != packet.ErrType || err.Error() != "packet: unknown packet type" {
		t.Errorf("got %#v, %v", err, err)
	}
	if got := packet.Type(9).String(); got != "UNKNOWN" {
		t.Errorf("Type(9) is %s", got)
	}
}

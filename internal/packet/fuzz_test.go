package packet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

func addVectors(f *testing.F) {
	f.Helper()
	for i, v := range loadVectors(f).Decode {
		if s, ok := v.In[0].(string); ok && (i%5 == 0 || len(v.In) > 1) && len(s) < 500 {
			f.Add([]byte(s))
		}
	}
}

// header splits a packet as the grammar says, by hand and slowly; ok is false
// if what is in front of the payload is malformed.
func header(b string) (typ byte, count int, nsp, id, payload string, ok bool) {
	if b == "" || b[0] < '0' || b[0] > '6' {
		return 0, 0, "", "", "", false
	}
	typ, b, nsp = b[0], b[1:], "/"
	if typ >= '5' {
		digits, rest, found := strings.Cut(b, "-")
		n, err := strconv.ParseUint(digits, 10, 64)
		if !found || err != nil || n < 1 || n > 10 {
			return 0, 0, "", "", "", false
		}
		count, b = int(n), rest
	}
	if strings.HasPrefix(b, "/") {
		nsp, b, _ = strings.Cut(b, ",")
		if len(nsp) > 256 || strings.ContainsFunc(nsp, func(r rune) bool { return r < ' ' }) {
			return 0, 0, "", "", "", false
		}
	}
	payload = strings.TrimLeft(b, "0123456789")
	return typ, count, nsp, b[:len(b)-len(payload)], payload, true
}

// goodPayload says, with encoding/json, whether a payload fits its type.
func goodPayload(typ byte, payload string, depth int) bool {
	if payload == "" {
		return true
	}
	if strings.ContainsRune(" \t\r\n", rune(payload[0])) || !json.Valid([]byte(payload)) || nesting(payload) > depth {
		return false
	}
	switch typ {
	case '0':
		return payload[0] == '{'
	case '1':
		return false
	case '4':
		return payload[0] == '{' || payload[0] == '"'
	}
	var list []json.RawMessage
	if payload[0] != '[' || json.Unmarshal([]byte(payload), &list) != nil {
		return false
	}
	if typ == '3' || typ == '6' {
		return true
	}
	if len(list) == 0 {
		return false
	}
	var name string
	if json.Unmarshal(list[0], &name) == nil && list[0][0] == '"' {
		return len(name) <= 256 && !packet.ReservedEvent(name)
	}
	return list[0][0] == '-' || (list[0][0] >= '0' && list[0][0] <= '9')
}

func nesting(s string) int {
	depth, most, quoted := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '[' || c == '{'):
			depth++
			most = max(most, depth)
		case !quoted && (c == ']' || c == '}'):
			depth--
		}
	}
	return most
}

// FuzzParse compares Parse with the grammar and encoding/json: it accepts the
// same, its arguments put together are its input, and it never panics.
func FuzzParse(f *testing.F) {
	addVectors(f)
	for _, s := range samples {
		f.Add([]byte(s.in))
	}
	lim := &packet.Limits{MaxDepth: 5}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p packet.Packet
		before := string(b)
		err := packet.Parse(b, lim, &p)
		if string(b) != before {
			t.Fatalf("%q was modified", before)
		}
		if len(b) > 85 && !utf8.Valid(b) {
			return // the length of a name is that of its bytes, not of its text
		}
		typ, count, nsp, id, payload, ok := header(string(b))
		ok = ok && goodPayload(typ, payload, 5)
		if ok != (err == nil) {
			t.Fatalf("%q: %v, want accepted %v", b, err, ok)
		}
		if err != nil {
			if _, ok := errors.AsType[packet.ParseError](err); !ok {
				t.Fatalf("%q: error of type %T", b, err)
			}
			return
		}
		if p.Type != packet.Type(typ-'0') || p.Attachments != count || string(p.Namespace) != nsp || string(p.Data) != payload || p.HasID != (id != "") {
			t.Fatalf("%q: got %s", b, describe(&p))
		}
		checkID(t, &p, id)
		checkArgs(t, &p)
	})
}

func checkID(t *testing.T, p *packet.Packet, id string) {
	t.Helper()
	id = strings.TrimLeft(id, "0")
	if len(id) <= 15 && p.HasID && (p.BigID != "" || strconv.FormatUint(p.ID, 10) != "0"[:max(0, 1-len(id))]+id) {
		t.Fatalf("id %q became %d %q", id, p.ID, p.BigID)
	}
	if len(id) > 16 && p.BigID == "" {
		t.Fatalf("id %q has no text", id)
	}
}

// checkArgs shows that the arguments are the elements of the payload.
func checkArgs(t *testing.T, p *packet.Packet) {
	t.Helper()
	var want []json.RawMessage
	if p.Data != nil && p.Type != packet.Connect && p.Type != packet.ConnectError {
		if err := json.Unmarshal(p.Data, &want); err != nil {
			t.Fatalf("%q: %v", p.Data, err)
		}
	}
	if len(p.Args) != len(want) {
		t.Fatalf("%q: %d arguments, want %d", p.Data, len(p.Args), len(want))
	}
	at := 0
	for i, arg := range p.Args {
		if !bytes.Equal(arg, want[i]) {
			t.Fatalf("%q: argument %d is %q, want %q", p.Data, i, arg, want[i])
		}
		// Between arguments there is nothing but a separator.
		n := bytes.Index(p.Data[at:], arg)
		if n < 0 || strings.Trim(string(p.Data[at:at+n]), " \t\r\n[,") != "" {
			t.Fatalf("%q: argument %d is not at its place", p.Data, i)
		}
		at += n + len(arg)
	}
	if len(want) > 0 && strings.Trim(string(p.Data[at:]), " \t\r\n") != "]" {
		t.Fatalf("%q: something follows the arguments", p.Data)
	}
	name, ok := p.EventName(nil)
	isEvent := p.Type == packet.Event || p.Type == packet.BinaryEvent
	if ok != (isEvent && len(want) > 0) || (ok && packet.ReservedEvent(string(name))) {
		t.Fatalf("%q: name %q, %v", p.Data, name, ok)
	}
	var s string
	if ok && want[0][0] == '"' && (json.Unmarshal(want[0], &s) != nil || s != strings.ToValidUTF8(string(name), "\uFFFD")) &&
		!bytes.ContainsRune(want[0], '\uFFFD') && strings.ToValidUTF8(s, "") == s && bytes.Equal(name, bytes.ToValidUTF8(name, nil)) {
		t.Fatalf("%q: name %q, want %q", p.Data, name, s)
	}
}

// FuzzAssemble feeds a header and attachments cut from the same bytes: it
// never panics, and what it completes can be decoded and passed on.
func FuzzAssemble(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var p packet.Packet
		if packet.Parse(b, nil, &p) != nil || p.Attachments == 0 {
			return
		}
		var a packet.Assembler
		a.Start(&p)
		clear(b)
		for i := range p.Attachments {
			done, err := a.Add([]byte{byte(i)})
			if err != nil {
				if i < p.Attachments-1 || a.Packet() != nil {
					t.Fatalf("%v at %d of %d", err, i, p.Attachments)
				}
				return
			}
			if done != (i == p.Attachments-1) || a.Active() == done {
				t.Fatalf("done %v at %d of %d", done, i, p.Attachments)
			}
		}
		got, atts := a.Packet(), a.Attachments()
		values := make([]any, len(got.Args))
		for i, raw := range got.Args {
			if err := jsonx.Decode(raw, atts, nil, &values[i]); err != nil {
				if errors.Is(err, jsonx.ErrAttachment) {
					t.Fatalf("%q was accepted: %v", raw, err)
				}
				return // a number out of range
			}
		}
		out, outAtts, err := packet.AppendAck(nil, string(got.Namespace), got.ID, got.BigID, values, nil, nil)
		if err != nil {
			t.Fatalf("%q: %v", got.Data, err)
		}
		again := replay(t, out, outAtts)
		for i := range values {
			var v any
			if err := jsonx.Decode(again.Args[i], outAtts, nil, &v); err != nil || !reflect.DeepEqual(v, values[i]) {
				t.Fatalf("%q: argument %d became %v, want %v, %v", got.Data, i, v, values[i], err)
			}
		}
	})
}

// replay reads what an encoder has written.
func replay(t *testing.T, out []byte, atts [][]byte) *packet.Packet {
	t.Helper()
	p := &packet.Packet{}
	if err := packet.Parse(out, &packet.Limits{MaxAttachments: -1, MaxDepth: -1, MaxName: -1}, p); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	if p.Attachments != len(atts) {
		t.Fatalf("%q: announces %d of %d attachments", out, p.Attachments, len(atts))
	}
	if len(atts) == 0 {
		return p
	}
	var a packet.Assembler
	a.Start(p)
	for _, att := range atts {
		if _, err := a.Add(att); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
	}
	return a.Packet()
}

// FuzzAppendEvent writes an event from arbitrary parts, some of them raw JSON
// of the user's: either it is refused or what is written reads back.
func FuzzAppendEvent(f *testing.F) {
	f.Add("ev", "text\n", []byte(`{"a":[1]}`), []byte("att"), int64(7))
	f.Add("", "\xff\u2028", []byte(`{"_placeholder":true,"num":0}`), []byte{}, int64(-1))
	f.Add("x\"y", "", []byte(`[1,{"_placeholder":true,"num":5}]`), []byte("a"), int64(0))
	f.Add("ev", "t", []byte(`1],"x"`), []byte(nil), int64(1<<53))
	f.Add("ev", "t", []byte("\"\xff\""), []byte("b"), int64(1))
	f.Fuzz(func(t *testing.T, event, text string, raw, att []byte, id int64) {
		if packet.ReservedEvent(event) {
			return
		}
		args := []any{text, json.RawMessage(raw)}
		if len(att) > 0 {
			args = append(args, map[string]any{text: att}, []any{att, json.RawMessage(raw)})
		}
		out, atts, err := packet.AppendEvent(nil, "/ns", id, event, args, nil, nil)
		if err != nil {
			if json.Valid(raw) && jsonx.CheckPlaceholders(raw, 2) == nil && text != "_placeholder" && nesting(string(raw)) < 9000 {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		p := replay(t, out, atts)
		name, ok := p.EventName(nil)
		if want := strings.Map(func(r rune) rune { return r }, event); !ok || string(name) != want || len(p.Args) != len(args)+1 {
			t.Fatalf("%q: name %q, %d arguments", out, name, len(p.Args))
		}
		if p.HasID != (id >= 0) {
			t.Fatalf("%q: id %v", out, p.HasID)
		}
		if len(raw) > 0 && !bytes.Equal(bytes.Trim(raw, " \t\r\n"), p.Args[2]) && bytes.Equal(raw, bytes.ToValidUTF8(raw, nil)) {
			t.Fatalf("%q: raw %q became %q", out, raw, p.Args[2])
		}
	})
}

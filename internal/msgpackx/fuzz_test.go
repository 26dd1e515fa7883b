package msgpackx_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/gannet-io/gannet/internal/msgpackx"
)

// FuzzBytes gives any bytes: whatever Skip says, no reader panics or loops, and
// what AppendJSON accepts is JSON.
func FuzzBytes(f *testing.F) {
	f.Add([]byte("\x93\x01\xa1a\xc4\x01\x07"))
	f.Add([]byte("\x82\xa1k\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x05\xff\xca\x00\x00\x00\x00"))
	f.Add([]byte("\xdd\xff\xff\xff\xff\xc0"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		end := msgpackx.Skip(raw, 0, 50)
		if end > len(raw) || end == 0 {
			t.Fatalf("%x: ends at %d", raw, end)
		}
		var atts [][]byte
		text, err := msgpackx.AppendJSON(nil, raw, &atts)
		if err == nil && !json.Valid(text) {
			t.Fatalf("%x became %q", raw, text)
		}
		if err == nil && end != len(raw) && end != msgpackx.TooDeep {
			t.Fatalf("%x: Skip says %d, AppendJSON %q", raw, end, text)
		}
		if len(text) > 100+30*len(raw) {
			t.Fatalf("%d bytes became %d", len(raw), len(text))
		}
		msgpackx.Bytes(raw)
		msgpackx.Uint(raw, 0)
		_ = msgpackx.Decode(raw, nil, new(any))
	})
}

// FuzzJSON gives any JSON and expects the same value back.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`null`, ` [ 1 , { "a" : "\u0041\ud83d" } ] `, `-0.0`, `1e400`, `[[],{},""]`, `9223372036854775808`, `{"a":1,"a":2}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want, got any
		if json.Unmarshal([]byte(text), &want) != nil {
			_, _ = msgpackx.FromJSON(nil, []byte(text), nil)
			return
		}
		raw, err := msgpackx.FromJSON([]byte("x"), []byte(text), nil)
		if err != nil || msgpackx.Skip(raw, 1, 10_000) != len(raw) {
			t.Fatalf("%q became %x, %v", text, raw, err)
		}
		if err := msgpackx.Decode(raw[1:], nil, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q as %x: %#v, %v, want %#v", text, raw, got, err, want)
		}
	})
}

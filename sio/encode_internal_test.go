package sio

import (
	"encoding/json"
	"testing"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// BenchmarkEncode makes the frames of one event, as an Emit does before
// anything is sent.
func BenchmarkEncode(b *testing.B) {
	raw := json.RawMessage(`{"room":"lobby","text":"hello there, how are you?","ts":1763755200123}`)
	d := &dialect{codec: jsonx.Std{}}
	for _, c := range []struct {
		name, nsp string
		args      []any
	}{
		{"string", "/", []any{"hello there, how are you?"}},
		{"raw", "/", []any{raw}},
		{"namespace", "/game", []any{raw}},
		{"numbers", "/", []any{48123, 103.25, -47.5}},
		{"binary", "/", []any{[]byte("0123456789abcdef")}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := d.encodeEvent(c.nsp, -1, "message", c.args)
				if err != nil {
					b.Fatal(err)
				}
				f.Release()
			}
		})
	}
}

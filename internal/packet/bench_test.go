package packet_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/packet"
)

// Packets as games, chats and tickers send them.
var samples = []struct{ name, in string }{
	{"ping", `2["ping",1763755200123]`},
	{"chat", `2["chat message",{"room":"lobby","text":"hello there, how are you?","ts":1763755200123}]`},
	{"move", `2["move",{"id":"p1","x":103.25,"y":-47.5,"vx":0.125,"vy":-3,"seq":48123}]`},
	{"call", `2/game,4711["inventory:get",{"page":2,"filter":["sword","shield"]},true]`},
	{"tick", `2["tick",[["BTC",64123.5,1.25],["ETH",3123.75,-0.5],["SOL",151.5,2.75]],1763755200123,{"src":"a"}]`},
	{"text 1k", `2["m","` + strings.Repeat("Ein Satz mit Wörtern. ", 45) + `"]`},
	{"ack", `312["ok",{"id":7}]`},
}

func BenchmarkParse(b *testing.B) {
	for _, s := range samples {
		b.Run(s.name, func(b *testing.B) {
			in := []byte(s.in)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			var p packet.Packet
			for b.Loop() {
				if err := packet.Parse(in, nil, &p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkValid is the scanner of encoding/json on the same JSON, for
// comparison.
func BenchmarkValid(b *testing.B) {
	for _, s := range samples {
		b.Run(s.name, func(b *testing.B) {
			in := []byte(s.in[strings.IndexByte(s.in, '['):])
			b.SetBytes(int64(len(s.in)))
			for b.Loop() {
				if !json.Valid(in) {
					b.Fatal("invalid")
				}
			}
		})
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	raw := json.RawMessage(`{"room":"lobby","text":"hello there, how are you?","ts":1763755200123}`)
	type move struct {
		ID string  `json:"id"`
		X  float64 `json:"x"`
		Y  float64 `json:"y"`
	}
	for _, c := range []struct {
		name string
		args []any
	}{
		{"string", []any{"hello there, how are you?"}},
		{"numbers", []any{48123, 103.25, -47.5, 0.1}},
		{"raw", []any{raw}},
		{"map", []any{map[string]any{"room": "lobby", "text": "hello there, how are you?", "ts": 1763755200}}},
		{"struct", []any{move{"p1", 103.25, -47.5}}},
		{"binary", []any{[]byte("0123456789abcdef")}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			var atts [][]byte
			for b.Loop() {
				var err error
				if dst, atts, err = packet.AppendEvent(dst[:0], "/", -1, "chat message", c.args, nil, atts[:0]); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}

// BenchmarkMsgpack does in the other dialect what an event costs: to write it,
// to parse it, and to decode an argument that takes the detour through JSON.
func BenchmarkMsgpack(b *testing.B) {
	args := []any{"hello", 5, map[string]any{"symbol": "GNT", "price": 1.25, "volume": 1000}}
	in, _, err := packet.Msgpack.AppendEvent(nil, "/", -1, "tick", args, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	var p packet.Packet
	b.Run("append", func(b *testing.B) {
		dst := make([]byte, 0, 512)
		for b.Loop() {
			dst, _, _ = packet.Msgpack.AppendEvent(dst[:0], "/", -1, "tick", args, nil, nil)
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if err := packet.Msgpack.Parse(in, nil, &p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		var v struct {
			Symbol string  `json:"symbol"`
			Price  float64 `json:"price"`
			Volume int     `json:"volume"`
		}
		for b.Loop() {
			if err := packet.Msgpack.Decode(p.Args[3], nil, nil, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

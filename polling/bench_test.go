package polling_test

import (
	"bytes"
	"testing"

	"github.com/gannet-io/gannet/polling"
)

func BenchmarkAppendPoll(b *testing.B) {
	packet := bytes.Repeat([]byte("x"), 64)
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		dst = polling.AppendPoll(dst[:0], nil, packet, packet)
	}
}

func BenchmarkReadPayload(b *testing.B) {
	payload := bytes.Repeat([]byte("42[\"message\",\"hello there\"]\x1e"), 32)
	payload = payload[:len(payload)-1]
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		var r polling.Reader
		r.Init(polling.ValidUTF8Text(payload), 0)
		for {
			if _, ok, err := r.Next(); err != nil {
				b.Fatal(err)
			} else if !ok {
				break
			}
		}
	}
}

func BenchmarkDecodeBase64(b *testing.B) {
	data := bytes.Repeat([]byte{0xff, 0x10, 0x83}, 1000)
	pkt := polling.AppendBinaryPacket(nil, data)
	work := make([]byte, len(pkt))
	b.SetBytes(int64(len(pkt)))
	b.ReportAllocs()
	for b.Loop() {
		copy(work, pkt)
		if _, _, _, err := polling.DecodePacket(work); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCORSHeaders(b *testing.B) {
	cors, err := polling.NewCORS(&polling.CORSOptions{Origins: []string{"https://example.com"}, Credentials: true})
	if err != nil {
		b.Fatal(err)
	}
	origin := []byte("https://example.com")
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		dst = cors.AppendHeaders(dst[:0], origin)
	}
}

package wsframe_test

import (
	"testing"

	"github.com/gannet-io/gannet/wsframe"
)

func TestSmoke(t *testing.T) {
	var in []byte
	key := [4]byte{1, 2, 3, 4}
	in = wsframe.AppendMaskedFrame(in, wsframe.OpText, key, []byte("héllo wörld"))
	in = wsframe.AppendMaskedFrame(in, wsframe.OpPing, key, []byte("x"))
	for split := 0; split <= len(in); split++ {
		var r wsframe.Reader
		var cfg wsframe.Config
		var got []string
		c := append([]byte(nil), in...)
		for _, p := range [][]byte{c[:split], c[split:]} {
			for {
				m, rest, ok, err := r.Next(&cfg, p)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				got = append(got, m.Op.String()+":"+string(m.Payload))
				p = rest
			}
		}
		if len(got) != 2 || got[0] != "text:héllo wörld" || got[1] != "ping:x" {
			t.Fatalf("split %d: %q", split, got)
		}
	}
}

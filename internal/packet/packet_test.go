package packet_test

import (
	"testing"

	"github.com/gannet-io/gannet/internal/packet"
)

func TestEncodeSmoke(t *testing.T) {
	t.Parallel()
	out, atts, err := packet.AppendEvent(nil, "/a", 12, "ev", []any{1, "é\n", []byte{1}, map[string]any{"b": []byte{2}, "a": nil}}, nil, nil)
	if err != nil || len(atts) != 2 {
		t.Fatal(err, len(atts))
	}
	want := `52-/a,12["ev",1,"é\n",{"_placeholder":true,"num":0},{"a":null,"b":{"_placeholder":true,"num":1}}]`
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	var p packet.Packet
	if err := packet.Parse(out, nil, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Args) != 5 || p.ID != 12 || string(p.Namespace) != "/a" || p.Attachments != 2 {
		t.Errorf("got %+v", p)
	}
}

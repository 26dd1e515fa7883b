package wsframe_test

import (
	"bytes"
	"compress/flate"
	"testing"

	"github.com/gannet-io/gannet/wsframe"
)

// TestInflateLastBlock takes a message whose sender has closed its stream and
// then taken 00 00 FF FF off the end, as RFC 7692, 7.2.1 allows: the client of
// github.com/gobwas/ws does.
func TestInflateLastBlock(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("gannet "), 100)
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	payload := bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
	frame := wsframe.AppendMaskedFrame(nil, wsframe.OpText, [4]byte{1, 2, 3, 4}, payload)
	frame[0] |= 0x40
	cfg := &wsframe.Config{Inflater: &wsframe.Inflater{}}
	var r wsframe.Reader
	m, _, ok, err := r.Next(cfg, frame)
	if !ok || err != nil || !bytes.Equal(m.Payload, text) {
		t.Errorf("got %.40q, %v, %v", m.Payload, ok, err)
	}
	r.Release()
}

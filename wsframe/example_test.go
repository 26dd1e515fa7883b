package wsframe_test

import (
	"bytes"
	"fmt"

	"github.com/gannet-io/gannet/wsframe"
)

// One connection: the caller reads, and gives Next what it read until nothing
// is left of it.
func Example() {
	cfg := &wsframe.Config{MaxMessage: 1 << 20}
	key := [4]byte{1, 2, 3, 4}
	in := wsframe.AppendMaskedFrame(nil, wsframe.OpText, key, []byte("hello"))
	in = wsframe.AppendMaskedFrame(in, wsframe.OpPing, key, []byte("still there?"))
	in = wsframe.AppendMaskedFrame(in, wsframe.OpText, key, []byte("\xff"))

	var r wsframe.Reader
	defer r.Release()
	var out []byte
	for {
		m, rest, ok, err := r.Next(cfg, in)
		if ce, bad := err.(*wsframe.CloseError); bad { //nolint:errorlint // Next promises the type
			out = wsframe.AppendClose(out, ce.Code, ce.Reason)
			fmt.Println("closed:", err)
			break
		}
		if !ok {
			break // read more, and close if r.Partial() stays true for too long
		}
		switch m.Op {
		case wsframe.OpPing:
			out = wsframe.AppendFrame(out, wsframe.OpPong, m.Payload)
		default:
			fmt.Printf("%v: %s\n", m.Op, m.Payload)
		}
		in = rest
	}
	fmt.Printf("%q\n", out)
	// Output:
	// text: hello
	// closed: wsframe: invalid UTF-8
	// "\x8a\fstill there?\x88\x0f\x03\xefinvalid UTF-8"
}

// A packet for many sockets is encoded once, with room for the header in front.
func ExamplePutHeader() {
	buf := make([]byte, wsframe.MaxHeader, 64)
	buf = append(buf, `42["tick",1]`...)
	start := wsframe.PutHeader(buf, wsframe.MaxHeader, wsframe.OpText, len(buf)-wsframe.MaxHeader)
	fmt.Printf("%q\n", buf[start:])
	// Output: "\x81\f42[\"tick\",1]"
}

// A packet for many sockets is compressed once. Who can read it as it is gets
// it; a peer with a window that is too small gets the plain frame.
func ExampleDeflater() {
	var d wsframe.Deflater
	payload := bytes.Repeat([]byte("all the same "), 1000)
	plain := wsframe.AppendFrame(nil, wsframe.OpText, payload)
	packed, compressed := d.AppendFrame(nil, wsframe.OpText, payload, 15)
	for _, peer := range []wsframe.DeflateParams{{ServerBits: 15}, {ServerBits: 9}, {}} {
		frame := plain
		if compressed && peer.Takes(len(payload)) {
			frame = packed
		}
		fmt.Println(len(frame) < 100, len(frame) == len(plain))
	}
	// Output:
	// true false
	// false true
	// false true
}

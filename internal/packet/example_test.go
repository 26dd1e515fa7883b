package packet_test

import (
	"fmt"

	"github.com/gannet-io/gannet/internal/packet"
)

func Example() {
	var p packet.Packet
	if err := packet.Parse([]byte(`2/chat,12["say","hi",{"loud":true}]`), nil, &p); err != nil {
		fmt.Println(err)
		return
	}
	name, _ := p.EventName(nil)
	fmt.Printf("%s %s %d %s %s\n", p.Type, p.Namespace, p.ID, name, p.Args[1:])

	out, atts, _ := packet.AppendAck(nil, "/chat", p.ID, p.BigID, []any{"ok", []byte{9}}, nil, nil)
	fmt.Printf("%s %d\n", out, atts)

	err := packet.Parse([]byte(`2["disconnect"]`), nil, &p)
	fmt.Println(err)

	// Output:
	// EVENT /chat 12 say ["hi" {"loud":true}]
	// 61-/chat,12["ok",{"_placeholder":true,"num":0}] [[9]]
	// packet: invalid payload
}

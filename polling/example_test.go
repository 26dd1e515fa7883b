package polling_test

import (
	"fmt"
	"strings"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/polling"
)

// Reads the body of a POST.
func ExampleReader() {
	body := []byte("42[\"hello\"]\x1ebAQID\x1e7")
	var r polling.Reader
	r.Init(polling.ValidUTF8Text(body), polling.MaxPackets)
	for {
		p, ok, err := r.Next()
		if err != nil {
			fmt.Println(err)
		}
		if !ok {
			break
		}
		fmt.Printf("%v %q %v\n", p.Type, p.Data, p.Binary)
	}
	// Output:
	// message "2[\"hello\"]" false
	// message "\x01\x02\x03" true
	// polling: unknown packet type
}

// Answers a GET that waited, by what was queued meanwhile.
func ExampleExchange() {
	var x polling.Exchange[string]
	fmt.Println(x.StartGet("connection 1") == polling.Park)
	fmt.Println(x.StartGet("connection 2") == polling.Overlap)
	if conn, ok := x.TakeGet(); ok {
		ping := polling.AppendPacketText(nil, eio.Ping, nil)
		binary := polling.AppendBinaryPacket(nil, []byte{1, 2, 3})
		res := polling.AppendPoll(nil, nil, ping, binary)
		fmt.Println(conn, strings.Count(string(res), "\r\n"))
		fmt.Printf("%q\n", res[len(res)-7:])
	}
	// Output:
	// true
	// true
	// connection 1 5
	// "2\x1ebAQID"
}

// Compiles a CORS configuration once and asks it about each request.
func ExampleNewCORS() {
	cors, err := polling.NewCORS(&polling.CORSOptions{
		Origins:     []string{"https://example.com"},
		Credentials: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", cors.AppendHeaders(nil, []byte("https://example.com")))
	fmt.Printf("%q\n", cors.AppendHeaders(nil, []byte("https://evil.example")))
	// Output:
	// "Access-Control-Allow-Origin: https://example.com\r\nVary: Origin\r\nAccess-Control-Allow-Credentials: true\r\n"
	// "Vary: Origin\r\nAccess-Control-Allow-Credentials: true\r\n"
}

// Protects a server that has no CORS configuration.
func ExampleCheckOrigin() {
	host := []byte("chat.example:3000")
	fmt.Println(polling.CheckOrigin(host, []byte("http://chat.example:3000"), "") == polling.OriginSame)
	fmt.Println(polling.CheckOrigin(host, []byte("http://evil.example"), "") == polling.OriginForeign)
	// Output:
	// true
	// true
}

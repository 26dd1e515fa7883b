//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
)

// shout answers in capitals. It is the handler of one loop.
type shout struct{}

func (shout) Data(c *loop.Conn, b []byte) {
	out := bufpool.Get(len(b))
	for _, ch := range b {
		if 'a' <= ch && ch <= 'z' {
			ch -= 'a' - 'A'
		}
		out.B = append(out.B, ch)
	}
	c.Send(out)
	c.Loop().Defer(out) // released when the turn's bytes are written
}

func (shout) Open(*loop.Conn)                  {}
func (shout) Moved(*loop.Conn, []byte, any)    {}
func (shout) Closed(*loop.Conn, error)         {}
func (shout) Drained(*loop.Conn)               {}
func (shout) Deadline(*loop.Conn)              {}
func (shout) Timer(*loop.Timer)                {}
func (shout) Message(*loop.Message)            {}
func (shout) Dropped(*loop.Message)            {}
func (shout) BeforeFlush()                     {}
func (shout) Panicked(*loop.Conn, any, []byte) {}
func newShout(*loop.Loop) loop.Handler         { return shout{} }

func Example() {
	r, err := loop.New(&loop.Options{NewHandler: newShout})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := r.Start(); err != nil {
		fmt.Println(err)
		return
	}
	addr, err := r.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	nc, err := net.Dial("tcp", addr.String())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.WriteString(nc, "hello")
	answer := make([]byte, 5)
	_, _ = io.ReadFull(nc, answer)
	fmt.Printf("%s\n", answer)
	_ = nc.Close()
	fmt.Println(r.Shutdown(context.Background()))
	// Output:
	// HELLO
	// <nil>
}

// A driven loop runs on the caller's goroutine and clock, without descriptors.
func ExampleNewDriven() {
	l := loop.NewDriven(&loop.Options{NewHandler: newShout})
	c := l.NewFake(func(b []byte) (int, error) {
		fmt.Printf("sent %q\n", b)
		return len(b), nil
	})
	c.Inject([]byte("hello"))
	// Output:
	// sent "HELLO"
}

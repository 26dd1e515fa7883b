// Command zishang520 serves the testbed's profile bench by zishang520's
// Socket.IO server for Go.
//
//	zishang520 -addr 127.0.0.1:0
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/zishang520/socket.io/servers/socket/v3"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "zishang520:", err)
		os.Exit(1)
	}
}

func run(addr string) error {
	io := socket.NewServer(nil, nil)
	err := io.On("connection", func(clients ...any) {
		events(io, clients[0].(*socket.Socket))
	})
	if err != nil {
		return err
	}
	http.Handle("/socket.io/", io.ServeHandler(nil))

	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(ln, nil) }() // stops with the process
	fmt.Fprintf(os.Stdout, "listening on http://%s\n", ln.Addr())
	select {
	case <-stop:
		return nil
	case err := <-failed:
		return err
	}
}

// events answers a client's events.
func events(io *socket.Server, s *socket.Socket) {
	room := func(args []any) socket.Room { name, _ := args[0].(string); return socket.Room(name) }
	handlers := map[string]func(args ...any){
		"echo": func(args ...any) {
			if ack := ackOf(args); ack != nil {
				ack(args[:1], nil)
				return
			}
			_ = s.Emit("echo", args[0])
		},
		"broadcast": func(args ...any) { _ = io.Emit("broadcast", args[0]) },
		"volatile":  func(args ...any) { _ = io.Volatile().Emit("broadcast", args[0]) },
		"room":      func(args ...any) { _ = io.To(room(args)).Emit("room", args[1]) },
		"join": func(args ...any) {
			s.Join(room(args))
			if ack := ackOf(args); ack != nil {
				ack([]any{true}, nil)
			}
		},
		"leave": func(args ...any) {
			s.Leave(room(args))
			if ack := ackOf(args); ack != nil {
				ack([]any{true}, nil)
			}
		},
	}
	var errs []error
	for name, handler := range handlers {
		errs = append(errs, s.On(name, handler))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, "zishang520:", err)
	}
}

// ackOf returns the acknowledgement that the client asked for, or nil.
func ackOf(args []any) socket.Ack {
	ack, _ := args[len(args)-1].(socket.Ack)
	return ack
}

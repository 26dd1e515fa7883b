// Command gnet-gobwas serves the messages of the testbed's profile bench over
// bare WebSocket: gnet's event loop with the frames of gobwas/ws, without
// Socket.IO. A broadcast and an echo send the bytes that came.
//
//	gnet-gobwas -addr 127.0.0.1:0
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/panjf2000/gnet/v2"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	h := &handler{all: set{}, rooms: map[string]set{}, booted: make(chan gnet.Engine, 1)}
	failed := make(chan error, 1)
	go func() { // stops with the engine
		failed <- gnet.Run(h, "tcp://"+*addr, gnet.WithNumEventLoop(1), gnet.WithLogger(silent{}))
	}()
	if err := announce(h, failed); err != nil {
		fmt.Fprintln(os.Stderr, "gnet-gobwas:", err)
		os.Exit(1)
	}
}

// announce prints one line when the server listens, and stops it at SIGTERM.
func announce(h *handler, failed chan error) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	var engine gnet.Engine
	select {
	case engine = <-h.booted:
	case err := <-failed:
		return err
	}
	port, err := listenPort(engine)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "listening on http://127.0.0.1:%d\n", port)
	select {
	case <-stop:
		return engine.Stop(context.Background())
	case err := <-failed:
		return err
	}
}

func listenPort(engine gnet.Engine) (int, error) {
	fd, err := engine.Dup()
	if err != nil {
		return 0, err
	}
	defer func() { _ = syscall.Close(fd) }()
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	in, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return 0, errors.New("it listens on something else than IPv4")
	}
	return in.Port, nil
}

// silent keeps gnet from logging that it starts.
type silent struct{}

func (silent) Debugf(string, ...any) {}
func (silent) Infof(string, ...any)  {}
func (silent) Warnf(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) {}

// Command gws serves the messages of the testbed's profile bench over bare
// WebSocket, by gws and without Socket.IO. A broadcast and an echo send the
// bytes that came.
//
//	gws -addr 127.0.0.1:0
package main

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/lxzan/gws"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "gws:", err)
		os.Exit(1)
	}
}

func run(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	h := &handler{all: set{}, rooms: map[string]set{}}
	// What is not set is off: compression, parallel handlers of one
	// connection, the check for UTF-8.
	server := gws.NewServer(h, &gws.ServerOption{ReadMaxPayloadSize: 1e6})
	server.OnError = func(net.Conn, error) {}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	failed := make(chan error, 1)
	go func() { failed <- server.RunListener(ln) }() // stops with the process
	fmt.Fprintf(os.Stdout, "listening on http://%s\n", ln.Addr())
	select {
	case <-stop:
		return nil
	case err := <-failed:
		return err
	}
}

type set map[*gws.Conn]struct{}

type handler struct {
	gws.BuiltinEventHandler

	mu    sync.RWMutex // guards following
	all   set
	rooms map[string]set
}

func (h *handler) OnOpen(c *gws.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all[c] = struct{}{}
}

func (h *handler) OnClose(c *gws.Conn, _ error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, c)
	c.Session().Range(func(room string, _ any) bool {
		h.leave(c, room)
		return true
	})
}

func (h *handler) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	b := m.Bytes()
	if len(b) < 5 {
		c.WriteClose(1002, nil)
		return
	}
	switch b[4] { // the first letter of the event's name
	case 'e':
		_ = c.WriteMessage(m.Opcode, b)
	case 'b':
		h.mu.RLock()
		defer h.mu.RUnlock()
		send(h.all, bytes.Clone(b))
	case 'v':
		h.mu.RLock()
		defer h.mu.RUnlock()
		send(h.all, bytes.Replace(b, []byte("volatile"), []byte("broadcast"), 1))
	case 'r':
		room, rest := name(b, "room")
		h.mu.RLock()
		defer h.mu.RUnlock()
		send(h.rooms[string(room)], append([]byte(`42["room"`), rest...))
	case 'j':
		room, _ := name(b, "join")
		h.join(c, string(room))
		_ = c.WriteMessage(gws.OpcodeText, fmt.Appendf(nil, `42["joined","%s"]`, room))
	case 'l':
		room, _ := name(b, "leave")
		c.Session().Delete(string(room))
		h.mu.Lock()
		h.leave(c, string(room))
		h.mu.Unlock()
		_ = c.WriteMessage(gws.OpcodeText, fmt.Appendf(nil, `42["left","%s"]`, room))
	default:
		c.WriteClose(1002, nil)
	}
}

func (h *handler) join(c *gws.Conn, room string) {
	c.Session().Store(room, nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms[room] == nil {
		h.rooms[room] = set{}
	}
	h.rooms[room][c] = struct{}{}
}

// leave must be called with mu held.
func (h *handler) leave(c *gws.Conn, room string) {
	delete(h.rooms[room], c)
	if len(h.rooms[room]) == 0 {
		delete(h.rooms, room)
	}
}

// send writes one frame, made once, to many.
func send(to set, payload []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, payload)
	defer b.Close()
	for c := range to {
		_ = b.Broadcast(c)
	}
}

// name returns the string behind `42["EVENT",` and what follows it.
func name(b []byte, event string) (room, rest []byte) {
	begin := len(`42["",`) + len(event)
	if len(b) <= begin {
		return nil, nil
	}
	room, rest, _ = bytes.Cut(b[begin+1:], []byte{'"'})
	return room, rest
}

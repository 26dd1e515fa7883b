package parity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/gannet-io/gannet/sio"
)

// The servers that a script may be for.
const (
	gannet    = "gannet"
	reference = "reference"
)

// A server is what scripts are played against.
type server interface {
	address() string
	// kind is gannet or reference.
	kind() string
	// fate waits until the application has been told of the end ("disconnect")
	// or of a bad packet ("error") of a socket, and returns the reason.
	fate(ctx context.Context, kind, namespace, id string) (string, error)
	// stop tells the server to shut down; close waits until it has.
	stop() error
	close(ctx context.Context) error
}

// A local server runs in this process.
type local struct {
	srv     *sio.Server
	addr    string
	book    book
	stopped chan error // has what Shutdown returned
	once    sync.Once

	mu     sync.Mutex // guards following
	log    map[string][]any
	guards map[string]bool // by socket
}

// startLocal starts a server with the profile of the scripts: that of
// cmd/testbed by the name of parity, as far as they need it.
func startLocal(ctx context.Context, set []string) (server, error) {
	o, err := options(set)
	if err != nil {
		return nil, err
	}
	o.Loops = 2
	o.Logger = slog.New(slog.DiscardHandler)
	o.ClientFiles = fstest.MapFS{"socket.io.js": {Data: []byte("// the client")}}
	s := &local{stopped: make(chan error, 1), log: map[string][]any{}, guards: map[string]bool{}}
	s.book.changed = make(chan struct{})
	if s.srv, err = sio.NewServer(o); err != nil {
		return nil, err
	}
	s.serve(ctx)
	addr, err := s.srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.addr = addr.String()
	return s, nil
}

func (s *local) address() string { return s.addr }

func (s *local) kind() string { return gannet }

func (s *local) stop() error {
	s.once.Do(func() {
		go func() { // stops when the server has shut down, or after patience
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			s.stopped <- s.srv.Shutdown(ctx)
		}()
	})
	return nil
}

func (s *local) close(context.Context) error {
	_ = s.stop() // never fails
	if err := <-s.stopped; err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	return nil
}

func (s *local) fate(ctx context.Context, kind, namespace, id string) (string, error) {
	return s.book.wait(ctx, entry{kind, namespace, id})
}

// An entry is what happened to a socket.
type entry struct{ kind, namespace, id string }

// A book is what the application was told.
type book struct {
	mu      sync.Mutex // guards following
	entries map[entry]string
	changed chan struct{} // closed and replaced by write
}

func (b *book) write(e entry, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries == nil {
		b.entries = map[entry]string{}
	}
	b.entries[e] = text
	close(b.changed)
	b.changed = make(chan struct{})
}

// wait returns the text of an entry when it is there.
func (b *book) wait(ctx context.Context, e entry) (string, error) {
	for {
		b.mu.Lock()
		text, ok := b.entries[e]
		changed := b.changed
		b.mu.Unlock()
		if ok {
			return text, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", fmt.Errorf("the application was not told: %s", e.kind)
		}
	}
}

// A family is a namespace, or those of a pattern or a function.
type family interface {
	sio.Registrar
	OnConnection(func(*sio.Socket))
	OnDisconnecting(func(*sio.Socket, sio.DisconnectReason))
	OnDisconnect(func(*sio.Socket, sio.DisconnectReason))
	OnError(func(*sio.Socket, error))
}

// isOpen allows the namespaces /fn-NAME.
func isOpen(name string, auth json.RawMessage) (bool, error) {
	var v struct{ Open bool }
	return len(name) > 4 && name[:4] == "/fn-" && json.Unmarshal(auth, &v) == nil && v.Open, nil
}

// record adds to what the op log answers.
func (s *local) record(kind string, socket *sio.Socket, text string, args any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := socket.Namespace().Name()
	s.log[name] = append(s.log[name], []any{kind, socket.ID(), text, args})
}

// follow records the events of a socket, and has guard refuse some.
func (s *local) follow(socket *sio.Socket) {
	event := func(kind string) func(*sio.Event) {
		return func(e *sio.Event) {
			args := []json.RawMessage{}
			for i := range e.Len() {
				args = append(args, bytes.Clone(e.Arg(i)))
			}
			s.record(kind, socket, e.Name(), args)
		}
	}
	socket.OnAny(event("in"))
	socket.OnAnyOutgoing(event("out"))
	socket.Use(func(e *sio.Event) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.guards[socket.ID()] && strings.HasPrefix(e.Name(), "bad") {
			return errRefused
		}
		return nil
	})
}

var errRefused = errors.New("refused")

// gone records the end of a socket, with the rooms that it is in. That it is
// disconnecting is told with them.
func (s *local) gone(kind string, socket *sio.Socket, reason sio.DisconnectReason) {
	rooms, _ := s.rooms(socket, nil)
	s.record(kind, socket, string(reason), rooms)
	if kind == "disconnecting" {
		text, _ := json.Marshal(rooms)
		s.book.write(entry{kind, socket.Namespace().Name(), socket.ID()}, string(reason)+" "+string(text))
	}
}

// serve sets the namespaces up.
func (s *local) serve(ctx context.Context) {
	for _, name := range []string{"/", "/guarded"} {
		useAuth(s.srv.Of(name))
	}
	s.srv.Of("/guarded").Use(func(socket *sio.Socket) error {
		var auth struct{ Token string }
		if _ = socket.Auth(&auth); auth.Token != "secret" {
			return &sio.Error{Message: "unauthorized", Data: map[string]any{"code": 401}}
		}
		return nil
	})
	families := []family{s.srv.OfRegexp(regexp.MustCompile(`^/dyn-\d+$`)), s.srv.OfFunc(isOpen)}
	for _, name := range []string{"/", "/custom", "/guarded"} {
		families = append(families, s.srv.Of(name))
	}
	for _, n := range families {
		n.OnConnection(func(socket *sio.Socket) {
			s.follow(socket)
			greet(socket)
		})
		n.OnDisconnecting(func(socket *sio.Socket, reason sio.DisconnectReason) {
			s.gone("disconnecting", socket, reason)
		})
		n.OnDisconnect(func(socket *sio.Socket, reason sio.DisconnectReason) {
			s.gone("disconnect", socket, reason)
			s.book.write(entry{"disconnect", socket.Namespace().Name(), socket.ID()}, string(reason))
		})
		n.OnError(func(socket *sio.Socket, err error) {
			s.record("error", socket, err.Error(), nil)
			s.book.write(entry{"error", socket.Namespace().Name(), socket.ID()}, err.Error())
		})
		n.Handle("echo", func(e *sio.Event) error {
			if e.WantsAck() {
				return e.Ack(e.Args()...)
			}
			return e.Socket().Emit("echo", e.Args()...)
		})
		n.Handle("ctl", func(e *sio.Event) error { return s.control(ctx, e) })
	}
}

var errUnknownOp = errors.New("no such op")

package main

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gannet-io/gannet/sio"
)

// parity is the profile of that name: the whole server API by remote control.
type parity struct {
	// Immutable.
	srv      *sio.Server
	config   *config
	stopping <-chan struct{} // closed when the server is about to shut down

	mu    sync.Mutex       // guards following
	books map[string]*book // by namespace
}

// A parityNamespace is one namespace of it.
type parityNamespace struct {
	*parity
	*sio.Namespace
	book *book
}

// A family is a namespace, or those of a pattern or a function.
type family interface {
	sio.Registrar
	OnConnection(func(*sio.Socket))
	OnDisconnecting(func(*sio.Socket, sio.DisconnectReason))
	OnDisconnect(func(*sio.Socket, sio.DisconnectReason))
	OnError(func(*sio.Socket, error))
	OnServerSide(string, func(*sio.ServerEvent))
}

var dynamicName = regexp.MustCompile(`^/dyn-\d+$`)

// isOpen allows the namespaces /fn-NAME.
func isOpen(name string, auth json.RawMessage) (bool, error) {
	var v struct {
		Open bool `json:"open"`
	}
	if !strings.HasPrefix(name, "/fn-") || len(name) == len("/fn-") {
		return false, nil
	}
	return json.Unmarshal(auth, &v) == nil && v.Open, nil
}

func startParity(ctx context.Context, c *config) (service, error) {
	o := &sio.Options{CORS: anyOrigin()}
	if err := c.set.apply(o); err != nil {
		return nil, err
	}
	return newSIO(c, o, func(srv *sio.Server) {
		p := &parity{srv: srv, config: c, stopping: ctx.Done(), books: map[string]*book{}}
		for _, name := range []string{"/", "/guarded"} {
			useAuth(srv.Of(name))
		}
		srv.Of("/guarded").Use(wantsToken)
		for _, name := range []string{"/", "/custom", "/guarded"} {
			p.serve(srv.Of(name))
		}
		p.serve(srv.OfRegexp(dynamicName))
		p.serve(srv.OfFunc(isOpen))
	})
}

// readAuth reads the auth payload. One of another shape says nothing.
func readAuth(s *sio.Socket, v any) { _ = s.Auth(v) }

// useAuth adds the middlewares that do what the auth payload says.
func useAuth(n *sio.Namespace) {
	n.Use(func(s *sio.Socket) error {
		var auth struct {
			Fail *string         `json:"fail"`
			Data json.RawMessage `json:"data"`
		}
		if readAuth(s, &auth); auth.Fail == nil {
			return nil
		}
		refusal := &sio.Error{Message: *auth.Fail}
		if auth.Data != nil {
			refusal.Data = auth.Data
		}
		return refusal
	})
	n.Use(func(s *sio.Socket) error {
		var auth struct {
			Join []string `json:"join"`
		}
		readAuth(s, &auth)
		return s.Join(auth.Join...)
	})
	n.Use(func(s *sio.Socket) error {
		var auth struct {
			Hello json.RawMessage `json:"hello"`
		}
		if readAuth(s, &auth); auth.Hello == nil {
			return nil
		}
		return s.Emit("from-middleware", auth.Hello)
	})
}

// wantsToken is the middleware of /guarded alone.
func wantsToken(s *sio.Socket) error {
	var auth struct {
		Token string `json:"token"`
	}
	if readAuth(s, &auth); auth.Token != "secret" {
		return &sio.Error{Message: "unauthorized", Data: map[string]any{"code": 401}}
	}
	return nil
}

// at returns the namespace of a socket, with its book.
func (p *parity) at(s *sio.Socket) *parityNamespace {
	n := s.Namespace()
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.books[n.Name()]
	if b == nil {
		b = &book{}
		p.books[n.Name()] = b
	}
	return &parityNamespace{parity: p, Namespace: n, book: b}
}

// serve sets a namespace up, or a family of them.
func (p *parity) serve(n family) {
	n.OnConnection(func(s *sio.Socket) {
		p.at(s).book.follow(s)
		greet(s)
	})
	n.OnDisconnecting(func(s *sio.Socket, r sio.DisconnectReason) { p.at(s).book.disconnecting(s, r) })
	n.OnDisconnect(func(s *sio.Socket, r sio.DisconnectReason) { p.at(s).book.disconnect(s, r) })
	n.OnError(func(s *sio.Socket, err error) { p.at(s).book.error(s, err) })
	n.Handle("echo", func(e *sio.Event) error {
		if e.WantsAck() {
			return e.Ack(e.Args()...)
		}
		return e.Socket().Emit("echo", e.Args()...)
	})
	n.Handle("ctl", func(e *sio.Event) error { return p.at(e.Socket()).ctl(e) })
	n.OnServerSide("", p.fromServer)
}

// fromServer does what another node of the cluster asks for.
func (p *parity) fromServer(e *sio.ServerEvent) {
	if e.Name() == "ask" && e.WantsAck() {
		_ = e.Ack(map[string]any{"node": p.config.node, "x": e.Arg(0)}) // what came as JSON can be sent
		return
	}
	_ = e.Namespace().Local().Emit("told", append([]any{p.config.node, e.Name()}, e.Args()...)...)
}

// A welcome is what every socket is told first.
type welcome struct {
	ID           string          `json:"id"`
	Recovered    bool            `json:"recovered"`
	Rooms        []string        `json:"rooms"`
	Auth         json.RawMessage `json:"auth"`
	Query        map[string]any  `json:"query"`
	HeadersCount int             `json:"headersCount"`
}

func greet(s *sio.Socket) {
	var auth struct {
		User json.RawMessage `json:"user"`
	}
	if readAuth(s, &auth); auth.User != nil && !s.Recovered() {
		s.SetData(map[string]any{"user": auth.User})
	}
	h := s.Handshake()
	_ = s.Emit("welcome", welcome{ // a socket that has gone needs no welcome
		ID:           s.ID(),
		Recovered:    s.Recovered(),
		Rooms:        sortedRooms(s),
		Auth:         authOf(s),
		Query:        nodeQuery(h.Query),
		HeadersCount: len(h.Headers),
	})
}

// sortedRooms returns the rooms of a socket, never nil.
func sortedRooms(s *sio.Socket) []string { return sorted(s.Rooms()) }

func sorted(rooms []string) []string {
	rooms = append([]string{}, rooms...)
	slices.Sort(rooms)
	return rooms
}

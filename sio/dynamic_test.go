package sio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

var rooms = regexp.MustCompile(`^/room-\d+$`)

func invalid(namespace string) string { return "44" + namespace + `,{"message":"Invalid namespace"}` }

// enter joins a namespace and returns the id of the socket.
func (c *wsClient) enter(namespace, auth string) string {
	c.t.Helper()
	c.send("40" + namespace + "," + auth)
	return c.entered(namespace)
}

func (c *wsClient) entered(namespace string) string {
	c.t.Helper()
	head := "40" + namespace + `,{"sid":"`
	id, _, _ := strings.Cut(strings.TrimPrefix(c.wantPrefix(head), head), `"`)
	return id
}

func openWS(tb testing.TB, addr string) *wsClient {
	tb.Helper()
	c := dialWS(tb, addr, "", nil)
	c.wantPrefix(`0{"sid":"`)
	return c
}

func TestNamespacesByPattern(t *testing.T) {
	t.Parallel()
	var d diary
	var parent *sio.ParentNamespace
	srv, addr := newServer(t, nil, func(srv *sio.Server) {
		parent = srv.OfRegexp(rooms)
		parent.Use(func(s *sio.Socket) error { d.add("use %s", s.Namespace().Name()); return nil })
		parent.OnConnection(func(s *sio.Socket) { d.add("connection %s", s.Namespace().Name()) })
		parent.OnDisconnect(func(s *sio.Socket, r sio.DisconnectReason) { d.add("disconnect %s: %s", s.Namespace().Name(), r) })
		parent.Handle("name", func(e *sio.Event) error { return e.Ack(e.Socket().Namespace().Name()) })
		parent.Inline().Handle("inline", func(e *sio.Event) error { return e.Ack(true) })
	})
	c := openWS(t, addr)
	for _, name := range []string{"/room-", "/room-1x", "/x/room-1", "/_0"} {
		c.send("40" + name + ",")
		c.want(invalid(name))
	}
	if n := srv.Stats().DynamicNamespaces; n != 0 {
		t.Errorf("%d namespaces for names that were refused", n)
	}
	c.enter("/room-1", "")
	c.send(`42/room-1,0["name"]`)
	c.want(`43/room-1,0["/room-1"]`)
	c.send(`42/room-1,0["inline"]`)
	c.want(`43/room-1,0[true]`)

	parent.Handle("later", func(e *sio.Event) error { return e.Ack(e.Socket().Namespace().Name()) })
	c.enter("/room-2", "")
	c.send(`42/room-1,0["later"]`) // nobody listens
	c.send(`42/room-2,0["later"]`)
	c.want(`43/room-2,0["/room-2"]`)

	if n := srv.Of("room-3"); n.Len() != 0 || n == srv.Of("/room-2") || n != srv.Of("/room-3") {
		t.Errorf("Of: got %v with %d sockets", n.Name(), n.Len())
	}
	var names []string
	for _, n := range parent.Children() {
		names = append(names, n.Name())
	}
	slices.Sort(names)
	if got := fmt.Sprint(names); got != "[/room-1 /room-2 /room-3]" {
		t.Errorf("children %s", got)
	}
	c.enter("/room-3", "") // with what the parent had
	c.send(`42/room-3,0["later"]`)
	c.want(`43/room-3,0["/room-3"]`)
	if n := srv.Of("/room-3").Len(); n != 1 {
		t.Errorf("%d sockets in /room-3, want 1", n)
	}
	c.send("41/room-3,")
	c.send(`42/room-1,0["name"]`)
	c.want(`43/room-1,0["/room-1"]`)
	eventually(t, "the disconnect", func() bool { return srv.Of("/room-3").Len() == 0 })
	if n := srv.Stats().DynamicNamespaces; n != 3 {
		t.Errorf("%d dynamic namespaces, want 3", n)
	}
	srv.Of("/plain") // not a child
	if n := len(parent.Children()); n != 3 {
		t.Errorf("%d children, want 3", n)
	}
	want := []string{
		"use /room-1", "connection /room-1", "use /room-2", "connection /room-2",
		"use /room-3", "connection /room-3", "disconnect /room-3: client namespace disconnect",
	}
	var got []string
	eventually(t, "the hooks", func() bool { got = append(got, d.take()...); return len(got) >= len(want) })
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNamespacesByFunction(t *testing.T) {
	t.Parallel()
	var d diary
	release := make(chan struct{})
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.OnConnection(func(*sio.Socket) {})
		srv.Handle("ping", func(e *sio.Event) error { return e.Ack() })
		family := func(name string, p *sio.ParentNamespace) {
			p.Handle("who", func(e *sio.Event) error { return e.Ack(name) })
		}
		family("first", srv.OfRegexp(regexp.MustCompile(`^/x-first$`)))
		family("function", srv.OfFunc(func(name string, auth json.RawMessage) (bool, error) {
			d.add("%s %s", name, auth)
			switch name {
			case "/x-slow":
				<-release
			case "/x-panic":
				panic("in a matcher")
			case "/x-error":
				return true, errors.New("no")
			}
			return string(auth) != "{}", nil
		}))
		family("behind", srv.OfRegexp(regexp.MustCompile(`^/x-(error|behind)$`)))
	})
	c := openWS(t, addr)
	c.send("40/nobody,")
	c.want(invalid("/nobody"))
	c.send("40/x-panic,")
	c.want(invalid("/x-panic"))
	for name, want := range map[string]string{"/x-first": "first", "/x-error": "behind", "/x-behind": "behind"} {
		c.enter(name, "")
		c.send("42" + name + `,0["who"]`)
		c.want("43" + name + `,0["` + want + `"]`)
	}
	c.enter("/x-open", `{"a":1}`)
	c.send(`42/x-open,0["who"]`)
	c.want(`43/x-open,0["function"]`)

	// Everything else goes on while the function has not decided.
	c.send(`40/x-slow,{"a":1}`)
	c.send("40")
	c.wantPrefix(`40{"sid":"`)
	c.send(`420["ping"]`)
	c.want("430[]")
	other := openWS(t, addr)
	other.send(`40/x-slow,{"a":2}`)
	other.send("40")
	other.wantPrefix(`40{"sid":"`)
	twice := openWS(t, addr)
	twice.send(`40/x-slow,{"a":3}`)
	twice.send(`40/x-slow,{"a":3}`)
	twice.wantClose(0)
	early := openWS(t, addr)
	early.send(`40/x-slow,{"a":4}`)
	early.send(`42/x-slow,["who"]`)
	early.wantClose(0)
	close(release)
	c.entered("/x-slow")
	other.entered("/x-slow")
	c.send(`42/x-slow,0["who"]`)
	c.want(`43/x-slow,0["function"]`)
	asked := d.take()
	for _, want := range []string{"/nobody {}", "/x-panic {}", "/x-error {}", "/x-behind {}", `/x-open {"a":1}`, `/x-slow {"a":4}`} {
		if !slices.Contains(asked, want) {
			t.Errorf("the function was not asked for %s: %q", want, asked)
		}
	}
	if slices.Contains(asked, "/x-first {}") {
		t.Error("the function was asked for what a pattern in front of it allows")
	}
}

// Clients that ask for the same namespaces at the same moment, on several loops
// and by pattern or function, all get into one.
func TestOneNamespaceForAll(t *testing.T) {
	t.Parallel()
	var made atomic.Int64
	for _, hooked := range []bool{false, true} {
		srv, addr := newServer(t, &sio.Options{Loops: 4}, func(srv *sio.Server) {
			srv.OfFunc(func(name string, _ json.RawMessage) (bool, error) { return strings.HasPrefix(name, "/fn-"), nil })
			srv.OfRegexp(rooms)
			if hooked {
				srv.OnNewNamespace(func(*sio.Namespace) { made.Add(1) })
			}
		})
		const clients, names = 16, 8
		var entered, leave sync.WaitGroup
		leave.Add(1)
		for i := range clients {
			entered.Add(1)
			c := openWS(t, addr)
			go func() {
				defer entered.Done()
				for j := range names {
					c.send(fmt.Sprintf("40%s-%d,", []string{"/room", "/fn"}[j%2], (i+j)%names/2))
				}
				for range names {
					if got := c.wantPrefix("40"); !strings.Contains(got, `{"sid":"`) {
						t.Errorf("got %q", got)
					}
				}
			}()
		}
		entered.Wait()
		if n := srv.Stats().DynamicNamespaces; n != names {
			t.Errorf("%d namespaces, want %d", n, names)
		}
		for j := range names / 2 {
			for _, name := range []string{"/room", "/fn"} {
				if n := srv.Of(fmt.Sprintf("%s-%d", name, j)); n.Len() == 0 {
					t.Errorf("%s: nobody is there", n.Name())
				}
			}
		}
		if hooked && made.Load() != names {
			t.Errorf("%d calls of the hook, want %d", made.Load(), names)
		}
	}
}

func TestEmptyNamespacesAreRemoved(t *testing.T) {
	t.Parallel()
	closed := make(chan sio.DisconnectReason, 8)
	srv, addr := newServer(t, &sio.Options{CleanupEmptyChildNamespaces: true}, func(srv *sio.Server) {
		p := srv.OfRegexp(rooms)
		p.Use(func(s *sio.Socket) error {
			var auth struct{ Bad bool }
			if _ = s.Auth(&auth); auth.Bad {
				return &sio.Error{Message: "bad"}
			}
			return nil
		})
		p.OnDisconnect(func(_ *sio.Socket, r sio.DisconnectReason) { closed <- r })
		srv.OfFunc(func(name string, _ json.RawMessage) (bool, error) { return name == "/fn", nil })
		srv.Of("/fixed")
	})
	gone := func(n int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d dynamic namespaces", n), func() bool { return srv.Stats().DynamicNamespaces == n })
	}
	a, b := openWS(t, addr), openWS(t, addr)
	a.enter("/room-1", "")
	b.enter("/room-1", "")
	first := srv.Of("/room-1")
	a.send("41/room-1,")
	recv(t, "disconnect", closed)
	if srv.Of("/room-1") != first {
		t.Error("removed while somebody is there")
	}
	_ = b.conn.Close()
	recv(t, "disconnect", closed)
	gone(0)
	a.enter("/room-1", "") // again
	if srv.Of("/room-1") == first {
		t.Error("not removed")
	}
	a.send("41/room-1,")
	gone(0)
	a.send(`40/room-2,{"bad":true}`)
	a.want(`44/room-2,{"message":"bad"}`)
	gone(0)
	a.enter("/fn", "")
	gone(1)
	a.send("41/fn,")
	gone(0)
	a.enter("/fixed", "")
	a.send("41/fixed,")
	a.enter("/fixed", "")
	if srv.Of("/fixed").Len() != 1 {
		t.Error("a namespace of Of was removed")
	}
}

// Clients that come and go do not lose a namespace that another has just got.
func TestComingAndGoing(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, &sio.Options{CleanupEmptyChildNamespaces: true, Loops: 4}, func(srv *sio.Server) {
		srv.OfRegexp(rooms).Inline().Handle("self", func(e *sio.Event) error {
			return e.Socket().Namespace().To(e.Socket().ID()).Emit("self")
		})
	})
	var all sync.WaitGroup
	for range 8 {
		c := openWS(t, addr)
		all.Go(func() {
			for range 100 {
				c.enter("/room-1", "")
				c.send(`42/room-1,["self"]`)
				c.want(`42/room-1,["self"]`)
				c.send("41/room-1,")
			}
		})
	}
	all.Wait()
	eventually(t, "the end of the namespace", func() bool { return srv.Stats().DynamicNamespaces == 0 })
}

func TestTooManyNamespaces(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, &sio.Options{MaxDynamicNamespaces: 3}, func(srv *sio.Server) {
		srv.OfRegexp(rooms)
		srv.OfFunc(func(name string, _ json.RawMessage) (bool, error) { return strings.HasPrefix(name, "/fn-"), nil })
	})
	c := openWS(t, addr)
	for _, name := range []string{"/room-1", "/fn-1", "/room-2"} {
		c.enter(name, "")
	}
	for _, name := range []string{"/room-3", "/fn-2"} {
		c.send("40" + name + ",")
		c.want(invalid(name))
	}
	other := openWS(t, addr)
	other.enter("/room-1", "") // that is there
	srv.Of("/room-4")          // the application may
	if st := srv.Stats(); st.DynamicNamespaces != 4 || st.NamespacesRefused != 2 || st.ConnectsRefused != 2 {
		t.Errorf("got %d namespaces, %d and %d refused, want 4, 2 and 2", st.DynamicNamespaces, st.NamespacesRefused, st.ConnectsRefused)
	}
}

func TestOnNewNamespace(t *testing.T) {
	t.Parallel()
	var d diary
	began, release := make(chan struct{}, 8), make(chan struct{})
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.OnNewNamespace(func(n *sio.Namespace) {
			d.add("%s", n.Name())
			if srv.Of(n.Name()) != n {
				t.Error("Of returns another one")
			}
			if n.Name() == "/room-7" {
				began <- struct{}{}
				<-release
			}
			n.Handle("hook", func(e *sio.Event) error { return e.Ack(true) })
		})
		srv.Of("/fixed")
		srv.Of("/fixed")
		srv.Of("/")
		srv.OfRegexp(rooms)
	})
	if got := fmt.Sprint(d.take()); got != "[/fixed]" {
		t.Errorf("got %s", got)
	}
	a, b := openWS(t, addr), openWS(t, addr)
	a.send("40/room-7,")
	recv(t, "the hook", began)
	b.send("40/room-7,") // it is there, but not ready
	for _, c := range []*wsClient{a, b} {
		c.enter("/fixed", "")
	}
	close(release)
	for _, c := range []*wsClient{a, b} {
		c.entered("/room-7")
		c.send(`42/room-7,0["hook"]`)
		c.want(`43/room-7,0[true]`)
	}
	if got := fmt.Sprint(d.take()); got != "[/room-7]" {
		t.Errorf("got %s", got)
	}
}

// A client that is gone before the function decides leaves nothing.
func TestGoneBeforeTheNamespace(t *testing.T) {
	t.Parallel()
	asked, release, made := make(chan struct{}, 1), make(chan struct{}), make(chan struct{}, 1)
	srv, addr := newServer(t, &sio.Options{CleanupEmptyChildNamespaces: true}, func(srv *sio.Server) {
		srv.OnNewNamespace(func(*sio.Namespace) { made <- struct{}{} })
		srv.OfFunc(func(string, json.RawMessage) (bool, error) {
			asked <- struct{}{}
			<-release
			return true, nil
		})
	})
	c := openWS(t, addr)
	c.send("40/fn,")
	recv(t, "the question", asked)
	_ = c.conn.Close()
	eventually(t, "the end of the session", func() bool { return srv.Stats().Sessions == 0 })
	close(release)
	recv(t, "the namespace", made)
	eventually(t, "the end of the namespace", func() bool { return srv.Stats().DynamicNamespaces == 0 })
	if st := srv.Stats(); st.Sockets != 0 || st.SocketsOpened != 0 {
		t.Errorf("%d sockets of %d", st.Sockets, st.SocketsOpened)
	}
}

func TestTargetsOfParents(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var parent *sio.ParentNamespace
	_, addr := newServer(t, nil, func(srv *sio.Server) { parent = srv.OfRegexp(rooms) })
	c := openWS(t, addr)
	one, two := c.enter("/room-1", ""), c.enter("/room-2", "")
	got := func() string {
		t.Helper()
		list := []string{c.next(), c.next()}
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	both := `42/room-1,["x",1] 42/room-2,["x",1]`
	if err := parent.Emit("x", 1); err != nil || got() != both {
		t.Error("Emit:", err)
	}
	m, err := sio.Encode("x", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Send(m); err != nil || got() != both {
		t.Error("Send:", err)
	}
	if err := parent.All().Join("r"); err != nil {
		t.Error("Join:", err)
	}
	if err := parent.In("r").Emit("x", 1); err != nil || got() != both {
		t.Error("In:", err)
	}
	if err := parent.Except(one).Emit("y"); err != nil {
		t.Error("Except:", err)
	}
	c.want(`42/room-2,["y"]`)
	found, err := parent.To("r").FetchSockets(ctx)
	if err != nil || len(found) != 2 || found[0].ID != one && found[0].ID != two {
		t.Errorf("FetchSockets: %d, %v", len(found), err)
	}
	if _, err := parent.All().EmitWithAck(ctx, "x"); !errors.Is(err, sio.ErrParentNamespace) {
		t.Errorf("EmitWithAck: %v", err)
	}
	if err := parent.Emit("connect"); err == nil || !strings.Contains(err.Error(), "reserved event name") {
		t.Errorf("Emit of a reserved name: %v", err)
	}
	if err := parent.To("r").Disconnect(false); err != nil || got() != "41/room-1, 41/room-2," {
		t.Error("Disconnect:", err)
	}
	if err := c.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

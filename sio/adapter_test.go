package sio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A hub is a cluster in one process: each namespace of each server has a spoke.
type hub struct {
	mu     sync.Mutex // guards following
	spokes []*spoke
	closed []string
	broken error // what every operation answers
}

type spoke struct {
	h *hub
	n *sio.Namespace
}

func (h *hub) adapter(n *sio.Namespace) (sio.Adapter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &spoke{h, n}
	h.spokes = append(h.spokes, s)
	return s, nil
}

// copied is a message as it comes from another server.
func copied(m *sio.Message) *sio.Message {
	c, err := sio.NewMessage(slices.Clone(m.Data()), m.Attachments())
	if err != nil {
		panic(err)
	}
	return c
}

func (s *spoke) Broadcast(m *sio.Message, o sio.BroadcastOptions) error {
	return s.each(func(n *sio.Namespace) error { return o.Target(n).Send(copied(m)) })
}

func (s *spoke) BroadcastWithAck(ctx context.Context, m *sio.Message, o sio.BroadcastOptions, answered func(json.RawMessage, [][]byte)) error {
	return s.each(func(n *sio.Namespace) error {
		clients := make(chan int, 1)
		answers := 0
		for r, err := range o.Target(n).GatherMessage(ctx, copied(m), func(c int) { clients <- c }) {
			if err != nil {
				return err
			}
			answers++
			answered(r.Arg(0), nil)
		}
		if n := <-clients; n != answers {
			return fmt.Errorf("%d answers of %d", answers, n)
		}
		return nil
	})
}

func (s *spoke) AddSockets(o sio.BroadcastOptions, rooms []string) error {
	return s.each(func(n *sio.Namespace) error { return o.Target(n).Join(rooms...) })
}

func (s *spoke) DelSockets(o sio.BroadcastOptions, rooms []string) error {
	return s.each(func(n *sio.Namespace) error { return o.Target(n).Leave(rooms...) })
}

func (s *spoke) DisconnectSockets(o sio.BroadcastOptions, closeConn bool) error {
	return s.each(func(n *sio.Namespace) error { return o.Target(n).Disconnect(closeConn) })
}

func (s *spoke) FetchSockets(ctx context.Context, o sio.BroadcastOptions) (list []*sio.RemoteSocket, err error) {
	err = s.each(func(n *sio.Namespace) error {
		found, err := o.Target(n).FetchSockets(ctx)
		for _, r := range found {
			list = append(list, &sio.RemoteSocket{ID: r.ID, Rooms: r.Rooms, Data: r.Data, Handshake: r.Handshake})
		}
		return err
	})
	return list, err
}

func (s *spoke) ServerSideEmit(m *sio.Message) error {
	return s.each(func(n *sio.Namespace) error { n.DeliverServerSide(copied(m), nil); return nil })
}

func (s *spoke) ServerSideEmitWithAck(_ context.Context, m *sio.Message, answered func(json.RawMessage, [][]byte)) error {
	return s.each(func(n *sio.Namespace) error { n.DeliverServerSide(copied(m), answered); return nil })
}

func (s *spoke) ServerCount(context.Context) (int, error) { return 1 + len(s.others()), s.h.broken }

func (s *spoke) Close(context.Context) error {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.closed = append(s.h.closed, s.n.Name())
	s.h.spokes = slices.DeleteFunc(s.h.spokes, func(o *spoke) bool { return o == s })
	return nil
}

// others returns the namespaces of that name on the other servers.
func (s *spoke) others() (list []*sio.Namespace) {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	for _, o := range s.h.spokes {
		if o != s && o.n.Name() == s.n.Name() {
			list = append(list, o.n)
		}
	}
	return list
}

func (s *spoke) each(f func(*sio.Namespace) error) error {
	if s.h.broken != nil {
		return s.h.broken
	}
	for _, n := range s.others() {
		if err := f(n); err != nil {
			return err
		}
	}
	return nil
}

// cluster starts two servers on one hub, with a client each.
func cluster(t *testing.T, o *sio.Options) (h *hub, servers [2]*sio.Server, clients [2]*wsClient, ids [2]string) {
	t.Helper()
	h = &hub{}
	for i := range servers {
		own := *o
		own.Adapter = h.adapter
		var addr string
		servers[i], addr = newServer(t, &own, nil)
		clients[i], ids[i] = connectWS(t, addr, "/")
	}
	return h, servers, clients, ids
}

func TestClusterBroadcast(t *testing.T) {
	t.Parallel()
	_, servers, c, ids := cluster(t, &sio.Options{})
	n := servers[0].Root()
	want := func(texts ...string) {
		t.Helper()
		for i, text := range texts {
			if text != "" {
				c[i].want(text)
			}
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	check(n.Emit("a", 1))
	want(`42["a",1]`, `42["a",1]`)
	check(n.Local().Emit("b"))
	check(n.Except(ids[0]).Emit("c", []byte{7}))
	want(`42["b"]`, `451-["c",{"_placeholder":true,"num":0}]`)
	c[1].wantBinary([]byte{7})
	check(n.To(ids[1]).Join("far", "away"))
	check(n.To(ids[1]).Leave("away"))
	m, err := sio.Encode("d")
	check(err)
	check(n.To("far", "away").Send(m))
	want("", `42["d"]`)
	here, err := n.To(ids[0]).Sockets(t.Context())
	check(err)
	check(here[0].Broadcast().Emit("e"))
	check(here[0].Timeout(0).Emit("f"))
	check(here[0].Timeout(0).Join("near"))
	want(`42["f"]`, `42["e"]`)
	check(n.In("near").Emit("g"))
	want(`42["g"]`)

	all, err := n.FetchSockets(t.Context())
	check(err)
	slices.SortFunc(all, func(a, b *sio.RemoteSocket) int { return strings.Compare(a.ID, b.ID) })
	sorted := []string{ids[0], ids[1]}
	slices.Sort(sorted)
	if len(all) != 2 || all[0].ID != sorted[0] || all[1].ID != sorted[1] {
		t.Fatalf("%d sockets", len(all))
	}
	far := all[slices.IndexFunc(all, func(r *sio.RemoteSocket) bool { return r.ID == ids[1] })]
	check(far.Emit("h"))
	check(far.Join("later"))
	check(n.To("later").Emit("i"))
	want("", `42["h"]`)
	want("", `42["i"]`)
	if count, err := n.ServerCount(t.Context()); count != 2 || err != nil {
		t.Errorf("%d servers, %v", count, err)
	}
	if list, err := n.Local().FetchSockets(t.Context()); len(list) != 1 || err != nil {
		t.Errorf("%d sockets here, %v", len(list), err)
	}
	check(far.Disconnect(false))
	want("", "41")
	check(n.All().Disconnect(true))
	want("41")
	c[0].wantClose(0)
}

func TestClusterAcks(t *testing.T) {
	t.Parallel()
	_, servers, c, ids := cluster(t, &sio.Options{})
	n := servers[0].Root()
	type result struct {
		replies []*sio.Reply
		err     error
	}
	results := make(chan result, 1)
	ask := func(target sio.Target) {
		go func() {
			replies, err := target.EmitWithAck(context.Background(), "q")
			results <- result{replies, err}
		}()
	}
	ask(n.All())
	c[0].want(`420["q"]`)
	c[1].want(`420["q"]`) // its server counts by itself
	c[1].send(`430["far"]`)
	c[0].send(`430["near"]`)
	res := recv(t, "answers", results)
	var got []string
	for _, r := range res.replies {
		got = append(got, string(r.Arg(0)))
	}
	slices.Sort(got)
	if res.err != nil || fmt.Sprint(got) != `["far" "near"]` {
		t.Errorf("got %s, %v", got, res.err)
	}
	ask(n.Timeout(50 * time.Millisecond)) // one is silent
	c[0].want(`421["q"]`)
	c[0].send(`431["near"]`)
	if res := recv(t, "answers", results); !errors.Is(res.err, sio.ErrAckTimeout) || len(res.replies) != 1 {
		t.Errorf("got %d answers, %v", len(res.replies), res.err)
	}
	c[1].want(`421["q"]`)
	ask(n.To("nobody"))
	if res := recv(t, "answers", results); res.err != nil || len(res.replies) != 0 {
		t.Errorf("got %d answers of nobody, %v", len(res.replies), res.err)
	}
	found, err := n.To(ids[1]).FetchSockets(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatal(len(found), err)
	}
	go func() {
		r, err := found[0].EmitWithAck(context.Background(), "one")
		results <- result{[]*sio.Reply{r}, err}
	}()
	c[1].want(`423["one"]`) // the third was asked for its count
	c[1].send(`433[{"a":[1]},2]`)
	var v struct{ A []int }
	res = recv(t, "the answer", results)
	if res.err != nil || res.replies[0].Len() != 1 || res.replies[0].Decode(&v) != nil || len(v.A) != 1 || res.replies[0].Socket() != nil {
		t.Errorf("got %+v, %v", res.replies, res.err)
	}
	_ = c[1].conn.Close()
	eventually(t, "its end", func() bool { return servers[1].Stats().Sockets == 0 })
	if _, err := found[0].EmitWithAck(t.Context(), "one"); !errors.Is(err, sio.ErrSocketClosed) {
		t.Errorf("a socket that is gone: %v", err)
	}
}

func TestServerSideEmit(t *testing.T) {
	t.Parallel()
	h, servers, _, _ := cluster(t, &sio.Options{CleanupEmptyChildNamespaces: true})
	n := servers[0].Root()
	var d diary
	servers[0].Root().OnServerSide("told", func(*sio.ServerEvent) { d.add("the sender itself") })
	servers[1].Root().OnServerSide("told", func(e *sio.ServerEvent) {
		var x int
		err := e.Decode(&x)
		d.add("%s %d %v %v %v", e.Name(), x, err, e.WantsAck(), e.Ack(1))
	})
	servers[1].Root().OnServerSide("ask", func(e *sio.ServerEvent) {
		d.add("ask: %v, twice: %v", e.Ack(map[string]any{"x": e.Arg(0)}), e.Ack(2))
	})
	servers[1].Root().OnServerSide("", func(e *sio.ServerEvent) { d.add("any %s %d %s", e.Name(), e.Len(), e.Arg(9)) })
	servers[1].Root().OnServerSide("panic", func(*sio.ServerEvent) { panic("in a handler") })
	for _, event := range []string{"told", "other", "panic"} {
		if err := n.ServerSideEmit(event, 5); err != nil {
			t.Error(err)
		}
	}
	replies, err := n.ServerSideEmitWithAck(t.Context(), "ask", "y")
	if err != nil || len(replies) != 1 || string(replies[0].Arg(0)) != `{"x":"y"}` {
		t.Errorf("got %v, %v", replies, err)
	}
	want := []string{fmt.Sprintf("told 5 <nil> false %v", sio.ErrNoAck), "any other 1 ", "ask: <nil>, twice: <nil>"}
	if got := d.take(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, event := range []string{"connect", "connection", "new_namespace"} {
		err := n.ServerSideEmit(event)
		_, err2 := n.ServerSideEmitWithAck(t.Context(), event)
		if err == nil || err2 == nil || !strings.Contains(err.Error(), "reserved event name") {
			t.Errorf("%s: %v, %v", event, err, err2)
		}
	}
	alone, _ := newServer(t, nil, nil)
	if replies, err := alone.Root().ServerSideEmitWithAck(t.Context(), "ask"); err != nil || len(replies) != 0 {
		t.Errorf("alone: %v, %v", replies, err)
	}
	if err := alone.Root().ServerSideEmit("told"); err != nil {
		t.Error(err)
	}
	if n, err := alone.Root().ServerCount(t.Context()); n != 1 || err != nil {
		t.Errorf("alone: %d servers, %v", n, err)
	}
	h.broken = errors.New("the line is cut")
	if err := n.ServerSideEmit("told"); !errors.Is(err, h.broken) {
		t.Errorf("broken: %v", err)
	}
	if err := n.Emit("local part"); err != nil {
		t.Errorf("broken: %v", err)
	}
}

func TestAdaptersAreClosed(t *testing.T) {
	t.Parallel()
	h := &hub{}
	o := &sio.Options{CleanupEmptyChildNamespaces: true, Adapter: h.adapter}
	srv, addr := newServer(t, o, func(srv *sio.Server) {
		srv.Of("/fixed")
		srv.OfRegexp(rooms).OnServerSide("x", func(*sio.ServerEvent) {})
	})
	c := openWS(t, addr)
	c.enter("/room-1", "")
	c.send("41/room-1,")
	closed := func() []string {
		h.mu.Lock()
		defer h.mu.Unlock()
		return slices.Sorted(slices.Values(h.closed))
	}
	eventually(t, "the end of the namespace's adapter", func() bool { return slices.Equal(closed(), []string{"/room-1"}) })
	_ = c.conn.Close()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(closed()); got != "[/ /fixed /room-1]" {
		t.Errorf("closed %s", got)
	}
	failing, _ := newServer(t, &sio.Options{Adapter: func(*sio.Namespace) (sio.Adapter, error) { return nil, errors.New("no") }}, nil)
	if n, err := failing.Root().ServerCount(t.Context()); n != 1 || err != nil {
		t.Errorf("without an adapter: %d, %v", n, err)
	}
}

func TestEmitAcks(t *testing.T) {
	t.Parallel()
	type result struct {
		n   int
		err error
	}
	results := make(chan result, 1)
	done := func(r []*sio.Reply, err error) { results <- result{len(r), err} }
	srv, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Root().Inline().Handle("ask", func(e *sio.Event) error {
			return e.Socket().Namespace().Timeout(50*time.Millisecond).EmitAcks("q", done, e.Args()...)
		})
	})
	a, _ := connectWS(t, addr, "/")
	b, _ := connectWS(t, addr, "/")
	a.send(`42["ask",1]`)
	a.want(`420["q",1]`)
	b.want(`420["q",1]`)
	a.send(`430[]`)
	a.send(`430["again"]`)
	if got := recv(t, "the answers", results); got.n != 1 || !errors.Is(got.err, sio.ErrAckTimeout) {
		t.Errorf("got %+v", got)
	}
	b.send(`430["late"]`)
	if err := srv.To("nobody").EmitAcks("q", done); err != nil {
		t.Error(err)
	}
	if got := recv(t, "the answers", results); got.n != 0 || got.err != nil {
		t.Errorf("nobody: got %+v", got)
	}
	if err := srv.Root().All().EmitAcks("connect", done); err == nil {
		t.Error("a reserved name was taken")
	}
}

func TestTraceOfRooms(t *testing.T) {
	t.Parallel()
	var d diary
	left := make(chan struct{}, 4)
	srv, addr := newServer(t, &sio.Options{Loops: 2, Trace: &sio.Trace{
		RoomCreated:  func(n *sio.Namespace, room string) { d.add("create %s %s", n.Name(), room) },
		RoomJoined:   func(s *sio.Socket, room string) { d.add("join %s %s", s.ID(), room) },
		RoomLeft:     func(s *sio.Socket, room string) { d.add("leave %s %s", s.ID(), room) },
		RoomDeleted:  func(n *sio.Namespace, room string) { d.add("delete %s %s", n.Name(), room) },
		Disconnected: func(s *sio.Socket, _ sio.DisconnectReason) { d.add("gone %s", s.ID()); left <- struct{}{} },
	}}, func(srv *sio.Server) {
		srv.Use(func(s *sio.Socket) error {
			var auth struct{ Bad bool }
			if _ = s.Auth(&auth); auth.Bad {
				_ = s.Join("early")
				return &sio.Error{Message: "bad"}
			}
			return nil
		})
	})
	expect := func(want ...string) {
		t.Helper()
		if got := d.take(); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	ctx := t.Context()
	a, one := connectWS(t, addr, "/")
	expect("create / "+one, "join "+one+" "+one)
	_, two := connectWS(t, addr, "/")
	d.take()
	sockets, err := srv.To(one).Sockets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := sockets[0]
	_ = s.Join("r", "r", one)
	_ = srv.To(two).Join("r")
	_ = s.Leave("r", "r", "unknown")
	_ = s.Rooms() // waits
	if _, err := srv.To(two).FetchSockets(ctx); err != nil {
		t.Fatal(err)
	}
	got := d.take() // on two loops
	slices.Sort(got)
	for _, want := range []string{"join " + one + " r", "join " + two + " r", "leave " + one + " r"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if n := len(got); n != 4 && n != 6 { // r ended in between if two was late
		t.Errorf("got %q", got)
	}
	_ = srv.To(one).Join("own")
	_ = s.Rooms()
	d.take()
	a.send("41")
	recv(t, "the end", left)
	expect("leave "+one+" "+one, "delete / "+one, "leave "+one+" own", "delete / own", "gone "+one)
	a.send(`40{"bad":true}`)
	a.want(`44{"message":"bad"}`)
	got = d.take()
	if len(got) != 4 || got[0] != "create / early" || got[3] != "delete / early" {
		t.Errorf("refused: got %q", got)
	}
}

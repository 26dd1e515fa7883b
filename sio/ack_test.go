package sio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// An asked is what came of a question.
type asked struct {
	replies []*sio.Reply
	err     error
}

// first returns the first value of each answer, in their order.
func (a asked) first() (list []string) {
	for _, r := range a.replies {
		list = append(list, string(r.Arg(0)))
	}
	return list
}

// askAll has the sockets of a target asked, and returns where the answers come.
func askAll(to sio.Target, args ...any) <-chan asked {
	results := make(chan asked, 1)
	go func() {
		replies, err := to.EmitWithAck(context.Background(), "q", args...)
		results <- asked{replies, err}
	}()
	return results
}

// TestTimeoutZero: nobody can be in time, however fast; the event is sent all
// the same, and the answer is ignored.
func TestTimeoutZero(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, echoServer)
	c, id := connectWS(t, addr, "/")
	s := socketOf(t, srv, id)
	errs := make(chan error, 1)
	for i, ask := range []func() error{
		func() error { _, err := s.Timeout(0).EmitWithAck(t.Context(), "q"); return err },
		func() error { _, err := s.Timeout(-time.Second).EmitWithAck(t.Context(), "q"); return err },
		func() error { _, err := srv.Root().Timeout(0).EmitWithAck(t.Context(), "q"); return err },
		func() error {
			if err := s.Timeout(0).EmitAck("q", func(_ *sio.Reply, err error) { errs <- err }); err != nil {
				return err
			}
			return recv(t, "the callback", errs)
		},
		func() error {
			if err := srv.Root().Timeout(0).EmitAcks("q", func(_ []*sio.Reply, err error) { errs <- err }); err != nil {
				return err
			}
			return recv(t, "the callback", errs)
		},
	} {
		if err := ask(); !errors.Is(err, sio.ErrAckTimeout) {
			t.Errorf("%d: %v, want ErrAckTimeout", i, err)
		}
		c.want(fmt.Sprintf(`42%d["q"]`, i))
		c.send(fmt.Sprintf(`43%d["late"]`, i))
	}
	c.wantSilence(`420["echo"]`, `430[]`)
	if n := srv.PendingAcks(); n != 0 {
		t.Errorf("%d acknowledgements are still waited for", n)
	}
}

// TestTimeoutZeroAndAFastClient: the answer is there in the turn in which the
// event was sent.
func TestTimeoutZeroAndAFastClient(t *testing.T) {
	t.Parallel()
	errs := make(chan error, 2)
	srv, l, conns := driven(t, &sio.Options{}, func(*sio.Server) {}, []string{"/"})
	s := srv.LocalSockets()[0]
	for i, to := range []sio.Target{s.Timeout(0), s.Timeout(time.Millisecond)} {
		if err := to.EmitAck("q", func(_ *sio.Reply, err error) { errs <- err }); err != nil {
			t.Fatal(err)
		}
		conns[0].Inject(masked(fmt.Sprintf("43%d[1]", i)))
		l.Drive()
	}
	if err := recv(t, "the first", errs); !errors.Is(err, sio.ErrAckTimeout) {
		t.Errorf("no time: %v, want ErrAckTimeout", err)
	}
	l.Drive() // the worker is done
	eventually(t, "the second", func() bool { l.Drive(); return len(errs) == 1 })
	if err := <-errs; err != nil {
		t.Errorf("a millisecond: %v", err)
	}
}

func socketOf(tb testing.TB, srv *sio.Server, id string) *sio.Socket {
	tb.Helper()
	found, err := srv.To(id).Sockets(context.Background())
	if err != nil || len(found) != 1 {
		tb.Fatalf("%d sockets with this id, %v", len(found), err)
	}
	return found[0]
}

// TestSomeAnswers: who asks many gets the answers that came in time, in the
// order of their coming and each client's first alone, and an error for the
// rest; nothing is left behind.
func TestSomeAnswers(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, echoServer)
	var c []*wsClient
	for range 4 {
		one, _ := connectWS(t, addr, "/")
		c = append(c, one)
	}
	all := askAll(srv.Root().Timeout(300*time.Millisecond), 1)
	for _, one := range c {
		one.want(`420["q",1]`) // one id for all
	}
	for _, i := range []int{2, 0, 3} {
		c[i].send(fmt.Sprintf(`430[%d,"more"]`, i))
		c[i].send(`430["again"]`)
		c[i].wantSilence(`427["echo"]`, `437[]`)
	}
	got := recv(t, "the answers", all)
	if want := []string{"2", "0", "3"}; !slices.Equal(got.first(), want) || !errors.Is(got.err, sio.ErrAckTimeout) {
		t.Errorf("got %q, %v; want %q and ErrAckTimeout", got.first(), got.err, want)
	}
	if n := srv.PendingAcks(); n != 0 {
		t.Errorf("%d acknowledgements are still waited for", n)
	}
	c[1].send(`430["late"]`)
	c[1].wantSilence(`427["echo"]`, `437[]`)

	// Who leaves cannot answer: nobody waits for the timeout.
	all = askAll(srv.Root().Timeout(time.Hour))
	for i, one := range c {
		one.want(`421["q"]`)
		if i > 0 {
			one.send(fmt.Sprintf(`431[%d]`, i))
		}
	}
	_ = c[0].conn.Close()
	got = recv(t, "the answers", all)
	values := got.first()
	slices.Sort(values)
	if want := []string{"1", "2", "3"}; !slices.Equal(values, want) || !errors.Is(got.err, sio.ErrSocketClosed) {
		t.Errorf("got %q, %v; want %q and ErrSocketClosed", values, got.err, want)
	}

	// Without a timeout it is the context that ends the waiting.
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan asked, 1)
	go func() {
		replies, err := srv.Root().All().EmitWithAck(ctx, "q")
		results <- asked{replies, err}
	}()
	for _, one := range c[1:] {
		one.want(`422["q"]`)
	}
	c[1].send(`432[{"a":[1]}]`)
	c[1].wantSilence(`427["echo"]`, `437[]`)
	cancel()
	got = recv(t, "the answers", results)
	if len(got.replies) > 1 || !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %q, %v", got.first(), got.err)
	}
	eventually(t, "nothing is waited for", func() bool { return srv.PendingAcks() == 0 })
}

// TestRemoteSocketAcks: one socket found by FetchSockets answers for itself, with
// one value and one error.
func TestRemoteSocketAcks(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, echoServer)
	c, id := connectWS(t, addr, "/")
	other, _ := connectWS(t, addr, "/")
	found, err := srv.To(id).FetchSockets(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatal(len(found), err)
	}
	results := make(chan asked, 1)
	ask := func(f func() (*sio.Reply, error)) <-chan asked {
		go func() {
			r, err := f()
			results <- asked{[]*sio.Reply{r}, err}
		}()
		return results
	}
	ask(func() (*sio.Reply, error) { return found[0].EmitWithAck(context.Background(), "q", "x") })
	c.want(`420["q","x"]`)
	other.send(`430["not asked"]`)
	other.wantSilence(`427["echo"]`, `437[]`)
	c.send(`430["yes"]`)
	if got := recv(t, "the answer", results); got.err != nil || got.first()[0] != `"yes"` {
		t.Errorf("got %q, %v", got.first(), got.err)
	}
	replies, err := found[0].Timeout(50*time.Millisecond).EmitWithAck(t.Context(), "q")
	if len(replies) != 0 || !errors.Is(err, sio.ErrAckTimeout) {
		t.Errorf("no answer: got %d, %v", len(replies), err)
	}
	c.want(`421["q"]`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r, err := found[0].EmitWithAck(ctx, "q"); r != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer: got %v, %v", r, err)
	}
	c.want(`422["q"]`)
}

// TestAnEventIsAnsweredOnce, whoever answers, and an event without a handler too
// if a listener answers it.
func TestAnEventIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.OnConnection(func(s *sio.Socket) {
			s.OnAny(func(e *sio.Event) {
				if e.Name() == "nobody's" {
					if !e.WantsAck() || e.Len() != 1 {
						t.Errorf("wants an ack: %v, %d arguments", e.WantsAck(), e.Len())
					}
					_ = e.Ack("any")
				}
			})
		})
		srv.Handle("twice", func(e *sio.Event) error {
			later := e.Acker()
			return errors.Join(e.Ack(1), e.Ack(2), e.Acker().Ack(3), later.Ack(4))
		})
		srv.Handle("again", func(e *sio.Event) error { return errors.Join(e.Ack("once"), e.Ack("again")) })
		srv.Handle("later", func(e *sio.Event) error {
			later := e.Acker()
			go func() { _ = errors.Join(later.Ack("later"), later.Ack("again")) }()
			return nil
		})
		srv.Handle("not asked", func(e *sio.Event) error {
			if err := e.Ack(1); !errors.Is(err, sio.ErrNoAck) {
				t.Errorf("got %v, want ErrNoAck", err)
			}
			return nil
		})
		echoServer(srv)
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`420["twice"]`)
	c.want(`430[1]`)
	c.send(`425["again"]`)
	c.want(`435["once"]`)
	c.send(`421["later"]`)
	c.want(`431["later"]`)
	c.send(`422["nobody's",true]`)
	c.want(`432["any"]`)
	c.send(`42["not asked"]`)
	c.send(`423["unknown"]`)
	c.wantSilence(`424["echo"]`, `434[]`)
}

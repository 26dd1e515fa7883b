package sio_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/sio"
)

// A receiver is a client of a driven server whose frames are recorded.
type receiver struct {
	conn   *loop.Conn
	socket *sio.Socket
	input  []byte // what was written to it
	writes int
	stuck  bool // takes nothing
}

func (r *receiver) write(b []byte) (int, error) {
	if r.stuck {
		return 0, syscall.EAGAIN
	}
	r.writes++
	r.input = append(r.input, b...)
	return len(b), nil
}

// take returns the text frames that have arrived, and forgets them.
func (r *receiver) take(tb testing.TB) []string {
	tb.Helper()
	var list []string
	for b := r.input; len(b) > 0; {
		if b[0] != 0x81 || b[1] >= 126 || len(b) < 2+int(b[1]) {
			tb.Fatalf("not a short text frame: %x", b[:min(len(b), 16)])
		}
		list = append(list, string(b[2:2+b[1]]))
		b = b[2+b[1]:]
	}
	r.input, r.writes = r.input[:0], 0
	return list
}

// receivers returns a server without goroutines and n clients in "/".
func receivers(tb testing.TB, n int) (*sio.Server, *loop.Loop, []*receiver) {
	tb.Helper()
	return receiversWith(tb, n, &sio.Options{})
}

// receiversWith is receivers with options, to which it adds.
func receiversWith(tb testing.TB, n int, o *sio.Options) (*sio.Server, *loop.Loop, []*receiver) {
	tb.Helper()
	o.Loops, o.Logger = 1, slog.New(slog.DiscardHandler)
	srv, loops, err := sio.NewDriven(o)
	if err != nil {
		tb.Fatal(err)
	}
	list := make([]*receiver, n)
	for i := range list {
		r := &receiver{}
		r.conn = srv.OpenFake(0, r.write)
		r.conn.Inject([]byte(upgradeRequest))
		r.conn.Inject(masked("40"))
		loops[0].Drive()
		sockets := srv.LocalSockets()
		r.socket = sockets[len(sockets)-1]
		r.input = r.input[:0]
		list[i] = r
	}
	return srv, loops[0], list
}

func TestBroadcastsOfATurnAreOneWrite(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 5)
	for _, r := range clients {
		r.take(t)
	}
	var want []string
	for i := range 20 {
		_ = srv.Emit("tick", i)
		want = append(want, fmt.Sprintf(`42["tick",%d]`, i))
	}
	l.Drive()
	for i, r := range clients {
		if r.writes != 1 {
			t.Errorf("client %d: %d writes for 20 broadcasts of a turn, want 1", i, r.writes)
		}
		if got := r.take(t); !slices.Equal(got, want) {
			t.Errorf("client %d got %v", i, got)
		}
	}
}

// TestFanoutOrder compares what every client gets with what it would get if
// every operation were carried out at once.
func TestFanoutOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		fanoutOrder(t, rand.New(rand.NewPCG(seed, 1)))
	}
}

func fanoutOrder(t *testing.T, rnd *rand.Rand) {
	t.Helper()
	srv, l, clients := receivers(t, 6)
	rooms := []string{"a", "b", "c"}
	members := map[string]map[int]bool{"a": {}, "b": {}, "c": {}}
	gone := map[int]bool{}
	want := make([][]string, len(clients))
	for _, r := range clients {
		r.take(t)
	}
	for op := range 60 {
		room, i := rooms[rnd.IntN(len(rooms))], rnd.IntN(len(clients))
		packet := fmt.Sprintf(`42["e",%d]`, op)
		send := func(to func(int) bool) {
			for j := range clients {
				if !gone[j] && to(j) {
					want[j] = append(want[j], packet)
				}
			}
		}
		switch rnd.IntN(12) {
		case 0, 1, 2:
			_ = srv.Emit("e", op)
			send(func(int) bool { return true })
		case 3, 4, 5:
			_ = srv.To(room).Emit("e", op)
			send(func(j int) bool { return members[room][j] })
		case 6:
			_ = srv.Root().Except(room).Emit("e", op)
			send(func(j int) bool { return !members[room][j] })
		case 7:
			_ = clients[i].socket.Emit("e", op)
			send(func(j int) bool { return j == i })
		case 8:
			_ = clients[i].socket.Join(room)
			members[room][i] = true
		case 9:
			_ = clients[i].socket.Leave(room)
			delete(members[room], i)
		case 10:
			_ = srv.To(room).Join(rooms[(i+1)%3])
			for j := range members[room] {
				members[rooms[(i+1)%3]][j] = true
			}
		case 11:
			if op > 50 && !gone[i] {
				clients[i].socket.Disconnect(false)
				want[i] = append(want[i], "41")
				gone[i] = true
				for _, m := range members {
					delete(m, i)
				}
			}
		}
		if rnd.IntN(10) == 0 {
			l.Drive()
		}
	}
	l.Drive()
	for i, r := range clients {
		if got := r.take(t); !slices.Equal(got, want[i]) {
			t.Fatalf("client %d got\n%s\nwant\n%s", i, strings.Join(got, " "), strings.Join(want[i], " "))
		}
	}
}

func TestFanoutToABlockedClient(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 2)
	clients[0].stuck = true
	var want []string
	for i := range 6 {
		_ = srv.Emit("tick", i)
		want = append(want, fmt.Sprintf(`42["tick",%d]`, i))
		if i%2 == 1 {
			l.Drive()
		}
	}
	if got := clients[1].take(t); !slices.Equal(got, want) {
		t.Errorf("the client that reads got %v", got)
	}
	if got := clients[0].take(t); len(got) != 0 {
		t.Errorf("the client that does not read got %v", got)
	}
	clients[0].stuck = false
	clients[0].conn.FakeWritable()
	l.Drive()
	if got := clients[0].take(t); !slices.Equal(got, want) {
		t.Errorf("after it reads again it got %v, want %v", got, want)
	}
	if st := srv.Stats(); st.EventsOut != 12 {
		t.Errorf("%d packets counted as emitted, want 12", st.EventsOut)
	}
}

func TestFanoutKeepsItsPlaceAmongAcksAndCloses(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 1)
	srv.Root().Inline().Handle("ask", func(e *sio.Event) error {
		_ = srv.Emit("before")
		_ = e.Ack("answer")
		return srv.Emit("behind")
	})
	clients[0].conn.Inject(masked(`427["ask"]`))
	l.Drive()
	want := []string{`42["before"]`, `437["answer"]`, `42["behind"]`}
	if got := clients[0].take(t); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	_ = srv.Emit("last")
	clients[0].socket.Disconnect(true)
	l.Drive()
	clients[0].input = clients[0].input[:len(clients[0].input)-2] // the close frame
	want = []string{`42["last"]`, `41`}
	if got := clients[0].take(t); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFanoutReachesAClientThatIsClosed(t *testing.T) {
	t.Parallel()
	srv, l, clients := receivers(t, 2)
	_ = srv.Emit("last")
	srv.LocalSockets()                   // nothing that settles
	clients[1].conn.Inject(masked(`47`)) // no packet type of Socket.IO
	l.Drive()
	if got := string(clients[1].input); !strings.HasPrefix(got, "\x81\x0a"+`42["last"]`) {
		t.Errorf("got %q, want the broadcast in front of the close", got)
	}
}

// TestDeflatedTurnIsOneWrite sends clients with permessage-deflate all packets of
// a turn in one write and in order, long and short ones, broadcast or not.
func TestDeflatedTurnIsOneWrite(t *testing.T) {
	t.Parallel()
	srv, l, plain := receiversWith(t, 2, &sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{}})
	var clients []*receiver
	for range 3 {
		clients = append(clients, deflating(srv, l))
	}
	clients = append(clients, plain...)
	for _, r := range clients {
		r.input, r.writes = nil, 0
	}
	long := strings.Repeat("gannet ", 1000)
	var want strings.Builder
	for range 10 {
		for _, event := range []struct {
			name string
			arg  string
			emit func(event string, args ...any) error
		}{
			{"tick", "1", srv.Emit},
			{"long", long, srv.Emit},
			{"tick", "2", srv.Root().Compress(false).Emit},
			{"other", long, srv.Except("nobody").Emit},
			{"one", long, clients[0].socket.Emit},
			{"long", long[1:], srv.Emit},
		} {
			if err := event.emit(event.name, event.arg); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&want, `42["%s","%s"]`, event.name, event.arg)
		}
	}
	l.Drive()
	for i, r := range clients[:3] {
		if r.writes != 1 || len(r.input) > 16<<10 {
			t.Errorf("client %d: %d bytes in %d writes, want them compressed and in one", i, len(r.input), r.writes)
		}
	}
	if got := inflated(t, clients[0].input); got != want.String() {
		t.Errorf("got %.200q, want %.200q", got, want.String())
	}
}

// deflating returns a client of a driven server that has agreed on
// permessage-deflate, in "/".
func deflating(srv *sio.Server, l *loop.Loop) *receiver {
	r := &receiver{}
	r.conn = srv.OpenFake(0, r.write)
	r.conn.Inject([]byte(strings.Replace(upgradeRequest, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 1)))
	r.conn.Inject(masked("40"))
	l.Drive()
	sockets := srv.LocalSockets()
	r.socket = sockets[len(sockets)-1]
	r.input, r.writes = r.input[:0], 0
	return r
}

// TestFanoutOfDeflated sends clients with and without permessage-deflate short
// and long packets in any mixture: each gets its own in order and in one write,
// and compressed are the long ones for those who have agreed, and no others.
func TestFanoutOfDeflated(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		fanoutOfDeflated(t, rand.New(rand.NewPCG(seed, 2)))
	}
}

func fanoutOfDeflated(t *testing.T, rnd *rand.Rand) {
	t.Helper()
	const plain = 3 // of six clients
	srv, l, clients := receiversWith(t, plain, &sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{}})
	for range 3 {
		clients = append(clients, deflating(srv, l))
	}
	for _, r := range clients {
		r.input, r.writes = r.input[:0], 0
	}
	type packet struct {
		text string
		long bool
	}
	for range 1 + rnd.IntN(4) {
		want := make([][]packet, len(clients))
		sent := false
		mostly := rnd.IntN(3) // 0: short packets alone
		only := 0
		for op := range 1 + rnd.IntN(30) {
			text := fmt.Sprint(op)
			long := rnd.IntN(6) < mostly
			if long {
				text += strings.Repeat(" gannet", 200)
			}
			compress := rnd.IntN(4) > 0
			p := packet{`42["x","` + text + `"]`, long && compress}
			if rnd.IntN(3) > 0 { // or the same as before
				only = rnd.IntN(2 * len(clients)) // everybody, as often as not
			}
			var err error
			switch {
			case only >= len(clients):
				err = srv.Root().Compress(compress).Emit("x", text)
			case compress:
				err = clients[only].socket.Emit("x", text)
			default:
				err = clients[only].socket.Compress(false).Emit("x", text)
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range clients {
				if only >= len(clients) || i == only {
					want[i] = append(want[i], p)
					sent = true
				}
			}
		}
		l.Drive()
		for i, r := range clients {
			if sent && len(want[i]) > 0 && r.writes != 1 {
				t.Errorf("client %d: %d writes for a turn", i, r.writes)
			}
			in := bytes.NewReader(r.input)
			for n, p := range want[i] {
				f, err := ws.ReadFrame(in)
				if err != nil {
					t.Fatalf("client %d: packet %d of %d: %v", i, n, len(want[i]), err)
				}
				if text, compressed := textOf(t, f); text != p.text || compressed != (p.long && i >= plain) {
					t.Fatalf("client %d: packet %d is %.40q, compressed %v; want %.40q, %v", i, n, text, compressed, p.text, p.long)
				}
			}
			if in.Len() > 0 {
				t.Fatalf("client %d: %d bytes more", i, in.Len())
			}
			r.input, r.writes = r.input[:0], 0
		}
	}
}

//go:build linux && !race

package sio

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/wsframe"
)

// TestMillion measures what a great many sockets cost, without descriptors:
// GANNET_MILLION of them (make million has a million), 2,000 to see that it
// works. It asserts that all arrives, and no figure: those are a table, written
// to the file GANNET_MILLION_TABLE.
func TestMillion(t *testing.T) {
	n := 2000
	if text := os.Getenv("GANNET_MILLION"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("GANNET_MILLION: %v", err)
		}
	}
	runtime.LockOSThread() // whose CPU time is measured
	defer runtime.UnlockOSThread()
	m := &million{t: t, n: n}
	m.row("what", "measured", "goal")
	m.row("---", "---", "---")
	m.populate()
	m.broadcasts()
	m.heartbeats()
	m.pauses()
	m.forget()
	m.manyRooms()
	m.busySocket()
	t.Logf("%d sockets on %d loops\n%s", n, millionLoops, m.table.String())
	if path := os.Getenv("GANNET_MILLION_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(m.table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const millionLoops = 2

// A million is one run of TestMillion.
type million struct {
	t       *testing.T
	n       int
	srv     *Server
	loops   []*loop.Loop
	sockets []*Socket
	conns   []*loop.Conn
	table   strings.Builder
}

func (m *million) row(cells ...string) {
	m.table.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func (m *million) drive() {
	for _, l := range m.loops {
		l.Drive()
	}
}

// open makes n clients in "/", on all loops in turn.
func (m *million) open() {
	m.t.Helper()
	var err error
	m.srv, m.loops, err = NewDriven(&Options{
		Loops: millionLoops, DropHandshake: true, MaxRooms: 1 << 20, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.srv.Root().Inline().Handle("echo", func(*Event) error { return nil })
	const request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n" +
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	connect := wsframe.AppendMaskedFrame(nil, wsframe.OpText, [4]byte{1, 2, 3, 4}, []byte("40"))
	input := make([]byte, len(request))
	for i := range m.n {
		c := m.srv.OpenFake(i%millionLoops, nil)
		c.Inject(input[:copy(input, request)])
		c.Inject(input[:copy(input, connect)])
		if m.conns = append(m.conns, c); i%100 == 0 {
			m.drive()
		}
	}
	m.drive()
	if st := m.srv.Stats(); st.Sockets != m.n {
		m.t.Fatalf("%d sockets connected, want %d", st.Sockets, m.n)
	}
}

// find notes the sockets: it is not a part of what they cost.
func (m *million) find() {
	for _, c := range m.conns {
		s, _ := c.Ctx.(*engine.Session)
		m.sockets = append(m.sockets, &(*client)(unsafe.Pointer(s)).first)
	}
}

// heap returns the live bytes and objects.
func heap() (bytes, objects int64) {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc), int64(s.HeapObjects)
}

// populate opens the sockets and puts each in two rooms: one of all, and one of
// a hundred.
func (m *million) populate() {
	m.conns, m.sockets = make([]*loop.Conn, 0, m.n), make([]*Socket, 0, m.n)
	names := make([]string, m.n/100+1)
	for i := range names {
		names[i] = "room " + strconv.Itoa(i)
	}
	bytes0, objects0 := heap()
	begin := processTime()
	m.open()
	opened := processTime() - begin
	bytes1, objects1 := heap()
	m.find()
	begin = threadTime()
	for i, s := range m.sockets {
		if err := s.Join("all", names[i/100]); err != nil {
			m.t.Fatal(err)
		}
	}
	joined := threadTime() - begin
	bytes2, objects2 := heap()
	per := func(a, b int64) float64 { return float64(b-a) / float64(m.n) }
	m.row("heap of an idle socket", fmt.Sprintf("%.0f B, %.2f objects", per(bytes0, bytes1), per(objects0, objects1)), "3 objects")
	m.row("in two rooms", fmt.Sprintf("%.0f B, %.2f objects", per(bytes0, bytes2), per(objects0, objects2)), "400 B")
	m.row("handshake and CONNECT, without the kernel", m.each(opened, m.n), "")
	m.row("join, one room of all and one of 100", m.each(joined, 2*m.n), "")
}

func (m *million) each(d time.Duration, n int) string {
	return fmt.Sprintf("%d ns of CPU", d.Nanoseconds()/int64(max(n, 1)))
}

// broadcasts sends to everyone, and to the room that everyone is in.
func (m *million) broadcasts() {
	text := strings.Repeat("x", 100)
	for _, tc := range []struct{ name, room, goal string }{
		{"broadcast to all", "", "150 ms"},
		{"broadcast to one room of all", "all", ""},
	} {
		target := m.srv.Root().All()
		if tc.room != "" {
			target = target.To(tc.room)
		}
		const rounds = 5
		before := m.srv.Stats().PacketsOut
		send := func() {
			if err := target.Emit("tick", text); err != nil {
				m.t.Fatal(err)
			}
			m.drive()
		}
		send()
		begin := processTime()
		for range rounds {
			send()
		}
		took := (processTime() - begin) / rounds
		if sent := m.srv.Stats().PacketsOut - before; sent != uint64(m.n)*(rounds+1) {
			m.t.Fatalf("%s: %d packets, want %d", tc.name, sent, m.n*(rounds+1))
		}
		m.row(tc.name+", 128 B", fmt.Sprintf("%.1f ms of CPU, %s each", float64(took.Microseconds())/1000, m.each(took, m.n)), tc.goal)
	}
}

// pauses collects garbage a few times.
func (m *million) pauses() {
	begin := time.Now()
	for range 3 {
		runtime.GC()
	}
	took := time.Since(begin) / 3
	m.row("longest stop of the world until here", longestPause().String(), "1 ms")
	m.row("one garbage collection, concurrent", took.Round(time.Millisecond).String(), "")
}

// forget lets all sockets go.
func (m *million) forget() {
	m.srv, m.loops, m.sockets, m.conns = nil, nil, nil, nil
	debug.FreeOSMemory()
}

// manyRooms puts every socket in ten rooms of ten.
func (m *million) manyRooms() {
	names := make([]string, m.n)
	for i := range names {
		names[i] = "room " + strconv.Itoa(i)
	}
	m.conns = make([]*loop.Conn, 0, m.n)
	m.open()
	m.find()
	// Members of a room are on one loop: sockets i, i+loops, i+2·loops and so on.
	room := func(i, k int) string {
		return names[(i+k*millionLoops)%m.n]
	}
	bytes0, objects0 := heap()
	begin := threadTime()
	for i, s := range m.sockets {
		for k := range 10 {
			if err := s.Join(room(i, k)); err != nil {
				m.t.Fatal(err)
			}
		}
	}
	joined := threadTime() - begin
	bytes1, objects1 := heap()
	per := func(a, b int64) float64 { return float64(b-a) / float64(m.n) }
	what := fmt.Sprintf("%s rooms of ten", thousands(m.n))
	m.row(what+", heap of each", fmt.Sprintf("%.0f B, %.1f objects", per(bytes0, bytes1), per(objects0, objects1)), "")
	m.row(what+", join", m.each(joined, 10*m.n), "")
	const emits = 1000
	text := strings.Repeat("x", 100)
	before := m.srv.Stats().PacketsOut
	begin = threadTime()
	for i := range emits {
		if err := m.srv.Root().To(names[i*7919%m.n]).Emit("tick", text); err != nil {
			m.t.Fatal(err)
		}
		m.drive()
	}
	emitted := threadTime() - begin
	if sent := m.srv.Stats().PacketsOut - before; sent != 10*emits {
		m.t.Fatalf("%d packets to rooms of ten, want %d", sent, 10*emits)
	}
	m.row(what+", emit to one, encoding and turn included", m.each(emitted, emits), "")
	begin = threadTime()
	for i, s := range m.sockets {
		if err := s.Leave(room(i, 3)); err != nil {
			m.t.Fatal(err)
		}
	}
	m.row(what+", leave", m.each(threadTime()-begin, m.n), "")
}

// busySocket joins, emits to and leaves with a socket that is in 100 rooms.
func (m *million) busySocket() {
	s := m.sockets[0]
	names := make([]string, 100)
	for i := range names {
		names[i] = "busy " + strconv.Itoa(i)
	}
	const rounds = 200
	var join, emit, leave time.Duration
	for range rounds {
		begin := threadTime()
		if err := s.Join(names...); err != nil {
			m.t.Fatal(err)
		}
		now := threadTime()
		join += now - begin
		begin = now
		for _, name := range names {
			if err := m.srv.Root().To(name).Emit("tick"); err != nil {
				m.t.Fatal(err)
			}
			m.drive()
		}
		now = threadTime()
		emit += now - begin
		begin = now
		if err := s.Leave(names...); err != nil {
			m.t.Fatal(err)
		}
		leave += threadTime() - begin
	}
	m.row("a socket in 100 rooms: join", m.each(join, 100*rounds), "")
	m.row("a socket in 100 rooms: emit to one, encoding and turn included", m.each(emit, 100*rounds), "")
	m.row("a socket in 100 rooms: leave", m.each(leave, 100*rounds), "")
}

// heartbeats lets the clock run for two intervals while every client answers
// its pings. The first shows when each is pinged, the second is measured: the
// pings, the pongs and the timers.
func (m *million) heartbeats() {
	const step = 100 // ms, the tick of the timers
	interval := m.srv.opts.PingInterval.Milliseconds()
	flags, awaiting := pongFlag(m.t)
	waits := func(i int) bool {
		s := m.sockets[i].client
		return *(*uint8)(unsafe.Add(unsafe.Pointer(s), flags))&awaiting != 0
	}
	pong := wsframe.AppendMaskedFrame(nil, wsframe.OpText, [4]byte{1, 2, 3, 4}, []byte("3"))
	input := make([]byte, len(pong))
	answer := func(i int) { m.conns[i].Inject(input[:copy(input, pong)]) }
	now, steps := int64(0), int(interval/step)
	advance := func() {
		now += step
		for _, l := range m.loops {
			l.SetNow(now)
			l.Drive()
		}
	}
	var pinged [][]int32 // by step
	first, most := 0, 0
	for answered := 0; answered < m.n && len(pinged) < 2*steps; { // learn
		advance()
		var list []int32
		for i := range m.conns {
			if waits(i) {
				list = append(list, int32(i))
				answer(i)
			}
		}
		pinged = append(pinged, list)
		answered += len(list)
		if len(list) > 0 && first == 0 {
			first = len(pinged)
		}
		most = max(most, len(list))
	}
	before := m.srv.Stats()
	var took time.Duration
	timed := func(f func()) {
		begin := threadTime()
		f()
		took += threadTime() - begin
	}
	var expected, waiting []int32
	for at, answered := len(pinged), 0; answered < m.n && at < 3*steps; at++ {
		timed(advance)
		if k := at - steps; k < len(pinged) {
			expected = append(expected, pinged[k]...)
		}
		rest := expected[:0]
		waiting = waiting[:0]
		for _, i := range expected {
			if waits(int(i)) {
				waiting = append(waiting, i)
			} else {
				rest = append(rest, i)
			}
		}
		expected = rest
		timed(func() {
			for _, i := range waiting {
				answer(int(i))
			}
		})
		answered += len(waiting)
	}
	after := m.srv.Stats()
	if pings := after.PacketsOut - before.PacketsOut; pings != uint64(m.n) || after.Sockets != m.n {
		m.t.Fatalf("%d pings, %d sockets left, want %d", pings, after.Sockets, m.n)
	}
	share := took.Seconds() / (float64(interval) / 1000)
	m.row("heartbeats, pings and pongs", fmt.Sprintf("%.2f %% of a core, %s for each ping", share*100, m.each(took, m.n)), "0.5 %")
	m.row("first pings, all connected at once", fmt.Sprintf("over %.1f s, at most %d in 100 ms", float64(len(pinged)-first+1)*step/1000, most), "spread")
}

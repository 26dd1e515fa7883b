//go:build unix

package sio_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/sio"
)

// The size of the stress, and of one round of it.
const (
	stressMembers  = 9  // clients that stay
	stressChurners = 6  // clients that come and go
	stressEmitters = 3  // goroutines that emit
	stressSteps    = 80 // what each of them, and each member, does
	stressSlow     = 500
	stressRooms    = 3
	stressQueue    = 512 << 10
	stressWindow   = 4 << 10
)

// stressRounds is how many rounds there are: few in `go test`, as many as
// GANNET_STRESS says for long runs. GANNET_STRESS_SEED repeats one.
func stressRounds(t *testing.T) (rounds int, seed uint64) {
	t.Helper()
	rounds, seed = 1, rand.Uint64()
	if text := os.Getenv("GANNET_STRESS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("GANNET_STRESS: %v", err)
		}
		rounds = n
	}
	if text := os.Getenv("GANNET_STRESS_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("GANNET_STRESS_SEED: %v", err)
		}
		rounds, seed = 1, n
	}
	return rounds, seed
}

// TestStress has everything happen at once, at random, and checks at each
// client what is promised. It is not parallel: it counts goroutines,
// descriptors and packets.
func TestStress(t *testing.T) {
	rounds, seed := stressRounds(t)
	for i := range rounds {
		if !t.Run(fmt.Sprint("seed", seed+uint64(i)), func(t *testing.T) { stressRound(t, seed+uint64(i)) }) {
			return
		}
	}
}

// stressRound is one server from its start to its end.
func stressRound(t *testing.T, seed uint64) {
	t.Helper()
	t.Logf("GANNET_STRESS_SEED=%d", seed)
	goroutines, descriptors, packets := runtime.NumGoroutine(), openDescriptors(), bufpool.Live()
	st := newTurmoil(t, seed)
	for i := range stressMembers {
		st.startMember(i)
	}
	slow := st.startSlow()
	stop := make(chan struct{})
	var churners sync.WaitGroup
	for i := range stressChurners {
		churners.Go(func() { st.churn(i, stop) })
	}
	st.emitAll()
	st.finish()
	st.members.Wait()
	st.checkMembers()
	close(st.checked)
	slow.Wait()
	st.end(stop, &churners)
	st.checkAcks()
	st.checkFigures()
	eventually(t, "goroutines, descriptors and packets are back", func() bool {
		return runtime.NumGoroutine() <= goroutines && openDescriptors() <= descriptors && bufpool.Live() == packets
	})
}

func openDescriptors() int {
	names, _ := os.ReadDir("/proc/self/fd")
	return len(names)
}

// A turmoil is one round.
type turmoil struct {
	// Immutable after newTurmoil.
	t    *testing.T
	seed uint64
	srv  *sio.Server
	addr string

	members sync.WaitGroup // until they have the fin
	rest    sync.WaitGroup // until the server ends
	checked chan struct{}  // closed when the ledgers were checked
	resume  chan struct{}  // closed when the slow readers are to read

	// Written before members.Wait returns.
	ledgers [stressMembers]*ledger
	sockets [stressMembers]*sio.Socket
	voices  [stressMembers]*voice // of the handlers of each member

	// Owned by stressRound after emitAll.
	spoken []*voice

	mu sync.Mutex // guards following

	acks    []*atomic.Int32 // calls of each callback
	dropped map[string]int  // what Trace.Dropped was told, by socket
}

func newTurmoil(t *testing.T, seed uint64) *turmoil {
	t.Helper()
	st := &turmoil{t: t, seed: seed, checked: make(chan struct{}), resume: make(chan struct{}), dropped: map[string]int{}}
	for i := range st.voices {
		st.voices[i] = newVoice(100+i, seed)
	}
	o := &sio.Options{Loops: 2 + int(seed%3), MaxQueue: stressQueue, SoftQueue: 16 << 10, MaxWorkers: 8, MaxPending: 16}
	o.Trace = &sio.Trace{Dropped: func(s *sio.Socket, _ string) {
		st.mu.Lock()
		st.dropped[s.ID()]++
		st.mu.Unlock()
	}}
	o.Trace.PacketError = func(_ netip.AddrPort, err error) {
		if !strings.Contains(err.Error(), "not joined") { // which was sent when the server had ended the socket
			t.Errorf("PacketError: %v", err)
		}
	}
	st.srv, st.addr = newServer(t, o, func(s *sio.Server) {
		for name, p := range map[string]sio.SlowPolicy{
			"/new": sio.SlowDropNewest, "/old": sio.SlowDropOldest, "/conflate": sio.SlowConflate, "/strict": sio.SlowDisconnect,
		} {
			s.Of(name).SetSlowConsumer(p)
		}
		s.Use(st.admit)
		s.Root().Inline().Handle("say", st.say)
		s.Handle("say on a worker", st.say)
		s.Root().Inline().Handle("move", move)
		s.Handle("move on a worker", move)
	})
	return st
}

// stressAuth is what a client tells with its CONNECT.
type stressAuth struct{ Member int }

// admit has a member join its room, and then the test know it.
func (st *turmoil) admit(s *sio.Socket) error {
	auth := stressAuth{-1}
	_ = s.Auth(&auth)
	if auth.Member < 0 {
		return nil // a churner
	}
	s.SetData(auth.Member)
	return s.Join(memberRoom(auth.Member), "everyone")
}

func memberRoom(i int) string { return "room" + strconv.Itoa(i%stressRooms) }

// say has the voice of the socket's handlers emit. They run one after the
// other, inline or not, so it needs no lock.
func (st *turmoil) say(e *sio.Event) error {
	i, _ := e.Socket().Data().(int)
	v := st.voices[i]
	v.speak(st, e.Socket())
	return e.Ack()
}

// move joins or leaves a room and tells the client before and after.
func move(e *sio.Event) error {
	var room string
	var join bool
	if err := e.Decode(&room, &join); err != nil {
		return err
	}
	s := e.Socket()
	_ = s.Emit("room", room, between)
	then := outside
	if join {
		_, then = s.Join(room), inside
	} else {
		_ = s.Leave(room)
	}
	return s.Emit("room", room, then)
}

// A voice is an emitter: a goroutine, or the handlers of one socket.
type voice struct {
	// Owned by whoever speaks.
	id     int
	step   int
	rand   *rand.Rand
	counts map[string]int // of the events to each room
	latest map[string]int // the last step with each key
}

func newVoice(id int, seed uint64) *voice {
	return &voice{id: id, rand: rand.New(rand.NewPCG(seed, uint64(id))), counts: map[string]int{}, latest: map[string]int{}}
}

// next returns the arguments of the next event to a room.
func (v *voice) next(room string) (from, step int, to string, number int) {
	v.step++
	v.counts[room]++
	return v.id, v.step, room, v.counts[room] - 1
}

// speak does one of the things that an emitter can do. self is the socket of
// whose handler it is, or nil.
func (v *voice) speak(st *turmoil, self *sio.Socket) {
	var err error
	switch room := memberRoom(v.rand.IntN(stressRooms)); v.rand.IntN(8) {
	case 0:
		a, b, c, d := v.next("")
		err = st.srv.Emit("plain", a, b, c, d)
	case 1, 2:
		a, b, c, d := v.next(room)
		err = st.srv.To(room, "nobody").Except("none").Emit("plain", a, b, c, d)
	case 3:
		a, b, c, d := v.next(room)
		var m *sio.Message
		if m, err = sio.Encode("plain", a, b, c, d); err == nil {
			err = st.srv.To(room).Send(m)
			m.Release()
		}
	case 4:
		v.step++
		err = st.srv.Root().Volatile().Emit("volatile", v.id, v.step, "", 0)
	case 5:
		v.step++
		key := fmt.Sprint(v.id, "-", v.rand.IntN(3)) // of its own: another would replace its values
		v.latest[key] = v.step
		err = st.srv.To("everyone").Latest(key).Emit("keyed", v.id, v.step, key, 0)
	default:
		i := v.rand.IntN(stressMembers)
		if self != nil {
			i, _ = self.Data().(int)
		}
		a, b, c, d := v.next("member" + strconv.Itoa(i))
		if v.rand.IntN(2) == 0 {
			err = st.sockets[i].Emit("plain", a, b, c, d)
		} else {
			err = st.ask(st.sockets[i], a, b, c, d)
		}
	}
	if err != nil && !errors.Is(err, sio.ErrServerClosed) && !errors.Is(err, sio.ErrSocketClosed) {
		st.t.Errorf("emitter %d: %v", v.id, err)
	}
}

// ask emits an event whose answer is counted.
func (st *turmoil) ask(s *sio.Socket, args ...any) error {
	calls := new(atomic.Int32)
	err := s.EmitAck("plain", func(r *sio.Reply, err error) {
		calls.Add(1)
		var step int
		if err == nil && (r.Decode(&step) != nil || step != args[1]) {
			st.t.Errorf("the answer to %v is %d", args, step)
		}
	}, args...)
	if err == nil {
		st.mu.Lock()
		st.acks = append(st.acks, calls)
		st.mu.Unlock()
	}
	return err
}

// emitAll runs the emitters to their end, with the members' handlers and the
// events for slow readers.
func (st *turmoil) emitAll() {
	var all sync.WaitGroup
	for i := range stressEmitters {
		v := newVoice(1+i, st.seed)
		st.spoken = append(st.spoken, v)
		all.Go(func() {
			for range stressSteps {
				v.speak(st, nil)
			}
		})
	}
	for i, s := range st.sockets {
		st.spoken = append(st.spoken, st.voices[i])
		all.Go(func() { st.prompt(s) })
	}
	all.Go(st.flood)
	all.Wait()
}

// prompt has a member's client say things until all are answered.
func (st *turmoil) prompt(s *sio.Socket) {
	done := make(chan struct{})
	if err := s.EmitAck("prompt", func(*sio.Reply, error) { close(done) }, 0, 0, "", 0); err != nil {
		st.t.Errorf("prompt: %v", err)
		return
	}
	recv(st.t, "the member's answer", done)
}

// flood emits to the slow readers.
func (st *turmoil) flood() {
	pad := strings.Repeat("x", 8<<10)
	for i := range stressSlow {
		for _, name := range []string{"/new", "/old", "/conflate", "/strict"} {
			if err := st.srv.Of(name).Emit("plain", 1, i+1, "", i, pad); err != nil {
				st.t.Errorf("flood: %v", err)
			}
		}
		if i%16 == 0 {
			runtime.Gosched()
		}
	}
}

// finish tells every client that this was all.
func (st *turmoil) finish() {
	close(st.resume)
	for _, name := range []string{"/", "/new", "/old", "/conflate"} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		list, err := st.srv.Of(name).All().Sockets(ctx)
		cancel()
		if err != nil {
			st.t.Error(err)
		}
		for _, s := range list {
			_ = s.EmitAck("fin", func(*sio.Reply, error) {}, 0, 0, "", 0)
		}
	}
}

// end stops the server while goroutines still emit, each as fast as one of the
// members reads, and go on for a while after that.
func (st *turmoil) end(stop chan struct{}, churners *sync.WaitGroup) {
	var late sync.WaitGroup
	for i := range stressEmitters {
		v := newVoice(50+i, st.seed)
		late.Go(func() {
			for left := stressSteps; left > 0; {
				if st.sockets[i].AwaitWritable(st.t.Context()) != nil {
					left--
				}
				v.speak(st, nil)
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := st.srv.Shutdown(ctx); err != nil {
		st.t.Errorf("Shutdown: %v", err)
	}
	close(stop)
	late.Wait()
	churners.Wait()
	st.rest.Wait()
}

// checkMembers checks that every member got all that was for it.
func (st *turmoil) checkMembers() {
	for i, y := range st.ledgers {
		for _, v := range st.spoken {
			for _, room := range []string{"", memberRoom(i), "member" + strconv.Itoa(i)} {
				if last, ok := y.last[roomOf{v.id, room}]; v.counts[room] > 0 && (!ok || last != v.counts[room]-1) {
					st.t.Errorf("member %d: the last of emitter %d to %q is %d, %v, want %d", i, v.id, room, last, ok, v.counts[room]-1)
				}
			}
			for key, step := range v.latest {
				if got := y.latest[roomOf{v.id, key}]; got != step {
					st.t.Errorf("member %d: the last of emitter %d with key %q is %d, want %d", i, v.id, key, got, step)
				}
			}
		}
	}
}

// checkAcks checks that every callback was called once.
func (st *turmoil) checkAcks() {
	eventually(st.t, "every callback was called", func() bool {
		for _, calls := range st.acks {
			if calls.Load() == 0 {
				return false
			}
		}
		return true
	})
	for _, calls := range st.acks {
		if n := calls.Load(); n != 1 {
			st.t.Errorf("a callback was called %d times", n)
		}
	}
}

// checkFigures checks the counters of the stopped server.
func (st *turmoil) checkFigures() {
	s := st.srv.Stats()
	if s.Connections+s.Sessions+s.Sockets != 0 || s.SessionsOpened != s.SessionsClosed || s.SocketsOpened != s.SocketsClosed ||
		s.Panics+s.FrameErrors != 0 {
		st.t.Errorf("%+v", s)
	}
	if sum := uint64(len(st.acks)); sum == 0 || s.NewestDrops == 0 || s.OldestDrops == 0 || s.Conflated == 0 || s.SlowConsumers == 0 {
		st.t.Errorf("the stress was none: %d acks, %+v", sum, s)
	}
}

// random returns the random numbers of a client.
func (st *turmoil) random(client int) *rand.Rand {
	return rand.New(rand.NewPCG(st.seed, uint64(1000+client)))
}

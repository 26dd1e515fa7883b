//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

func TestTimerFiresOnce(t *testing.T) {
	t.Parallel()
	for _, at := range []int64{1, 10, 1999, 2000, 2001, 25_000, 1_000_000} {
		var fired []int64
		h := &hooks{}
		l := driven(h)
		h.timer = func(tm *loop.Timer) {
			if tm.Armed() {
				t.Errorf("at %d: still armed in the callback", at)
			}
			fired = append(fired, l.Now())
		}
		var tm loop.Timer
		l.SetTimer(&tm, at)
		for now := int64(0); now <= at+3000; now += 10 {
			l.SetNow(now)
			l.Drive()
		}
		if len(fired) != 1 || fired[0] < at || fired[0] > at+10 {
			t.Errorf("at %d: fired at %v", at, fired)
		}
		if l.FarTimers() != 0 {
			t.Errorf("at %d: %d far timers are left", at, l.FarTimers())
		}
	}
}

// TestLazyTimers shows that lazy timers fire in the second behind their time,
// without the heap, and exactly when they are near from the start.
func TestLazyTimers(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	l := driven(h)
	fired := map[*loop.Timer]int64{}
	h.timer = func(tm *loop.Timer) { fired[tm] = l.Now() }
	timers := make([]loop.Timer, 5000)
	due := func(i int) int64 { return 25_000 + int64(i%37)*100 }
	for i := range timers {
		timers[i].Lazy = true
		l.SetTimer(&timers[i], due(i))
	}
	near := loop.Timer{Lazy: true}
	l.SetTimer(&near, 500)
	for now := int64(0); now <= 30_000; now += 10 {
		l.SetNow(now)
		l.Drive()
		if _, _, heap := l.TimerTable(); heap > 1 {
			t.Fatalf("at %d: %d heap entries", now, heap)
		}
	}
	if fired[&near] != 500 {
		t.Errorf("the near one fired at %d, want 500", fired[&near])
	}
	for i := range timers {
		if at := fired[&timers[i]]; at < due(i) || at > due(i)+1100 {
			t.Fatalf("timer %d, due at %d, fired at %d", i, due(i), at)
		}
	}
	if l.FarTimers() != 0 {
		t.Errorf("%d far timers are left", l.FarTimers())
	}
}

// TestLazyTimersStopEachOther has the first of many that are due together stop
// all others, and make one of them an exact one.
func TestLazyTimersStopEachOther(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	l := driven(h)
	timers := make([]loop.Timer, 10)
	var fired []*loop.Timer
	h.timer = func(tm *loop.Timer) {
		if fired = append(fired, tm); len(fired) > 1 {
			return
		}
		for i := range timers {
			l.SetTimer(&timers[i], 0)
		}
		timers[5].Lazy = false
		l.SetTimer(&timers[5], 40_000)
	}
	for i := range timers {
		timers[i].Lazy = true
		l.SetTimer(&timers[i], 25_000)
	}
	for now := int64(0); now <= 40_000; now += 10 {
		l.SetNow(now)
		l.Drive()
	}
	if len(fired) != 2 || fired[1] != &timers[5] || l.Now() != 40_000 {
		t.Errorf("%d fired, want the first and number 5", len(fired))
	}
	if l.FarTimers() != 0 {
		t.Errorf("%d far timers are left", l.FarTimers())
	}
}

func TestTimerJump(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	l := driven(h)
	var order []uint8
	h.timer = func(tm *loop.Timer) { order = append(order, tm.Kind) }
	timers := make([]loop.Timer, 100)
	for i := range timers {
		timers[i].Kind = uint8(i)
		l.SetTimer(&timers[i], 50_000-int64(i)*100)
	}
	l.SetNow(60_000)
	l.Drive()
	if len(order) != len(timers) || !slices.IsSortedFunc(order, func(a, b uint8) int { return int(b) - int(a) }) {
		t.Errorf("one jump fired %d of %d, in the order %v", len(order), len(timers), order)
	}
}

func TestTimerRearmInCallback(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	l := driven(h)
	var tm loop.Timer
	fired := 0
	h.timer = func(*loop.Timer) {
		fired++
		l.SetTimer(&tm, l.Now()) // due at once: must not spin within the run
	}
	l.SetTimer(&tm, 5)
	l.SetNow(5)
	for want := 1; want <= 3; want++ {
		l.Drive()
		if fired != want {
			t.Fatalf("fired %d times after %d runs", fired, want)
		}
		if !l.Pending() {
			t.Fatal("a timer that is due is not pending")
		}
	}
}

// TestTimerHeapStaysSmall re-arms near timers all the time: entries that are
// out of date must not pile up.
func TestTimerHeapStaysSmall(t *testing.T) {
	t.Parallel()
	l := driven(&hooks{})
	timers := make([]loop.Timer, 10)
	for now := range int64(20_000) {
		l.SetNow(now)
		for i := range timers {
			l.SetTimer(&timers[i], now+1500)
			if now%3 == 0 {
				l.SetTimer(&timers[i], 0)
				l.SetTimer(&timers[i], now+900+int64(i))
			}
		}
		l.Drive()
		if _, _, heap := l.TimerTable(); heap > 100 {
			t.Fatalf("at %d: %d heap entries for %d timers", now, heap, len(timers))
		}
	}
	for i := range timers {
		l.SetTimer(&timers[i], 0)
	}
	if slots, free, _ := l.TimerTable(); slots != free || slots > len(timers) {
		t.Errorf("%d slots, %d free", slots, free)
	}
}

// TestTimerReal arms near timers on a running loop.
func TestTimerReal(t *testing.T) {
	t.Parallel()
	type firing struct{ want, got int64 }
	fired := make(chan firing, 100)
	wanted := map[*loop.Timer]int64{} // owned by the loop
	r := start(t, &loop.Options{Loops: 1}, func(l *loop.Loop) *hooks {
		return &hooks{timer: func(tm *loop.Timer) {
			fired <- firing{wanted[tm], l.Now()}
		}}
	})
	l := r.Loops()[0]
	delays := []int64{0, 1, 5, 30, 150, 2100}
	on(t, l, func() {
		for _, d := range delays {
			at := l.Now() + d
			tm := new(loop.Timer)
			wanted[tm] = at
			l.SetTimer(tm, at)
		}
		stopped := new(loop.Timer)
		l.SetTimer(stopped, l.Now()+20)
		l.SetTimer(stopped, 0)
	})
	for range delays {
		if f := recv(t, fired); f.got < f.want {
			t.Errorf("fired at %d, %d ms early", f.got, f.want-f.got)
		}
	}
	if len(fired) != 0 {
		t.Error("a stopped timer fired")
	}
}

// TestIdleLoopSleeps shows that a loop with nothing armed has no tick.
func TestIdleLoopSleeps(t *testing.T) {
	t.Parallel()
	var ticks atomic.Int64
	r := start(t, &loop.Options{Loops: 2}, func(l *loop.Loop) *hooks {
		return &hooks{timer: func(*loop.Timer) { ticks.Add(1) }}
	})
	sleeper, clock := r.Loops()[0], r.Loops()[1]
	on(t, sleeper, func() {
		var tm loop.Timer
		sleeper.SetTimer(&tm, sleeper.Now()+60_000)
		sleeper.SetTimer(&tm, 0)
	})
	before := r.Counters().Turns
	// Half a second passes on the other loop.
	for range 5 {
		n := ticks.Load()
		on(t, clock, func() { clock.SetTimer(new(loop.Timer), clock.Now()+100) })
		until(t, "the other loop's timer", func() bool { return ticks.Load() > n })
	}
	if after := r.Counters().Turns; after-before > 20 {
		t.Errorf("%d turns in half a second of nothing", after-before)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	l := driven(h)
	var hits []int64
	h.deadline = func(*loop.Conn) { hits = append(hits, l.Now()) }
	c := l.NewFake(nil)
	run := func(to int64) {
		for now := l.Now(); now <= to; now += 50 {
			l.SetNow(now)
			l.Drive()
		}
	}
	c.SetDeadline(300)
	c.SetDeadline(5000)
	run(4000)
	c.SetDeadline(0)
	run(8000)
	if len(hits) != 0 {
		t.Fatalf("cleared deadline hit at %v", hits)
	}
	c.SetDeadline(9000)
	run(20_000)
	if len(hits) != 1 || hits[0] != 9000 {
		t.Fatalf("hits = %v, want [9000]", hits)
	}
	c.SetDeadline(30_000)
	c.Close(nil)
	c.SetDeadline(30_000)
	run(40_000)
	if len(hits) != 1 {
		t.Errorf("a closed connection met its deadline: %v", hits)
	}
}

// FuzzTimers compares the timers with a map of deadlines. Three bytes are one
// operation: what, which timer, how far.
func FuzzTimers(f *testing.F) {
	f.Add([]byte{0, 1, 10, 3, 0, 1, 3, 0, 200})
	f.Add([]byte{1, 1, 30, 3, 0, 250, 3, 0, 250, 2, 1, 0, 1, 1, 40, 4, 0, 255})
	f.Add([]byte{0, 1, 200, 0, 1, 100, 0, 1, 50, 0, 1, 220, 3, 0, 255, 3, 0, 255})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 3*2000 {
			t.Skip("longer adds nothing")
		}
		m := newTimerModel(t)
		for ; len(ops) >= 3; ops = ops[3:] {
			i, n := int(ops[1]%32), int64(ops[2])
			switch ops[0] % 5 {
			case 0: // near
				m.set(i, m.now+n*8)
			case 1: // far
				m.set(i, m.now+1000+n*100)
			case 2:
				m.stop(i)
			case 3: // creep
				m.advance(n)
			case 4: // jump
				m.advance(n * 100)
			}
		}
		m.finish()
	})
}

// timerModel runs a driven loop beside a map.
type timerModel struct {
	t      *testing.T
	l      *loop.Loop
	timers [32]loop.Timer
	due    map[int]int64
	now    int64
}

func newTimerModel(t *testing.T) *timerModel {
	t.Helper()
	m := &timerModel{t: t, due: map[int]int64{}}
	h := &hooks{timer: m.fired}
	m.l = driven(h)
	for i := range m.timers {
		m.timers[i].Kind, m.timers[i].Lazy = uint8(i), i%2 == 1
	}
	return m
}

func (m *timerModel) fired(tm *loop.Timer) {
	i := int(tm.Kind)
	at, ok := m.due[i]
	if !ok {
		m.t.Fatalf("timer %d fired at %d but is not armed", i, m.now)
	}
	if m.now < at {
		m.t.Fatalf("timer %d fired at %d, %d ms early", i, m.now, at-m.now)
	}
	delete(m.due, i)
}

func (m *timerModel) set(i int, at int64) {
	if at == 0 {
		at = 1
	}
	m.due[i] = at
	m.l.SetTimer(&m.timers[i], at)
}

func (m *timerModel) stop(i int) {
	delete(m.due, i)
	m.l.SetTimer(&m.timers[i], 0)
}

// advance moves the clock and drives once: whatever was due a second ago must
// have fired, lazy ones a tick later.
func (m *timerModel) advance(by int64) {
	m.now += by
	m.l.SetNow(m.now)
	m.l.Drive()
	for i, at := range m.due {
		if late := m.now - at; late >= 1000 && !m.timers[i].Lazy || late > 1100 {
			m.t.Fatalf("timer %d due at %d has not fired at %d", i, at, m.now)
		}
		if !m.timers[i].Armed() {
			m.t.Fatalf("timer %d is not armed", i)
		}
	}
}

func (m *timerModel) finish() {
	for range 300 { // 1,000 + 255×100 ms is the farthest
		m.advance(100)
	}
	if len(m.due) != 0 || m.l.FarTimers() != 0 {
		m.t.Fatalf("never fired: %v; far timers %d", m.due, m.l.FarTimers())
	}
	if slots, free, heap := m.l.TimerTable(); slots != free || heap != 0 {
		m.t.Fatalf("%d slots, %d free, %d heap entries at the end", slots, free, heap)
	}
}

// TestTimersAtRandom runs the model for longer than the fuzzer's seeds.
func TestTimersAtRandom(t *testing.T) {
	t.Parallel()
	m := newTimerModel(t)
	var seed [8]byte
	for n := range uint64(20_000) {
		binary.LittleEndian.PutUint64(seed[:], n*0x9E3779B97F4A7C15)
		i := int(seed[6] % 32)
		switch seed[7] % 8 {
		case 0, 1:
			m.set(i, m.now+int64(seed[5])*8)
		case 2, 3:
			m.set(i, m.now+1000+int64(seed[5])*100)
		case 4:
			m.stop(i)
		case 5:
			m.advance(int64(seed[5]) * 10)
		default:
			m.advance(int64(seed[5] % 20))
		}
	}
	m.finish()
}

package loop

import (
	"math"
	"unsafe"

	"github.com/gannet-io/gannet/internal/paged"
)

const (
	// nearby is the distance in ms below which a deadline goes to the heap.
	nearby = 2000

	// sweepTick is the distance in ms between two sweeps; a tenth of the
	// table is looked at in each.
	sweepTick   = 100
	sweepParts  = 10
	sweepWindow = sweepTick*sweepParts + 2*sweepTick

	never = int64(math.MaxInt64)

	// lazy stands for the time of a heap entry that will never be made.
	lazy = int64(-1)
)

// A Timer calls Handler.Timer once when its time comes. It is embedded by
// value in its owner and costs nothing while it is stopped. There is no way
// back to the owner in it, which would take 16 bytes of every connection: Kind
// says what it is embedded in, and the owner is found from its address.
type Timer struct {
	// Owned by the loop goroutine.
	slot     uint32 // index into the table, 0 while stopped
	Kind     uint8  // for the handler's use
	Lazy     bool   // may fire a second late; read by SetTimer
	internal bool   // the loop's own: a deadline of a Conn, or a rest
}

// Armed reports whether t is waiting.
func (t *Timer) Armed() bool { return t.slot != 0 }

// timers holds the armed timers of a loop. Deadlines that are far away sit in
// a dense table and are looked at once a second; near ones have an entry in a
// heap too. Re-arming a far timer is one store. Lazy ones never come into the
// heap: they fire when they are looked at, in the order of the table, which is
// that of memory too. That is what a million heartbeats need.
type timers struct {
	// Owned by the loop goroutine.
	at    paged.List[int64]  // by slot; 0 = stopped
	near  paged.List[int64]  // by slot; time of the valid heap entry, 0 = none, or lazy
	refs  paged.List[*Timer] // by slot
	free  []uint32
	heap  []timerEntry
	lazy  []uint32 // scratch of a sweep: slots that are due
	far   int      // armed slots without a heap entry
	next  int      // slot at which the next sweep starts
	swept int64    // time of the last sweep
	armed int64    // what the kernel's timer is set to
}

// timerEntry is valid while near[slot] equals at.
type timerEntry struct {
	at   int64
	slot uint32
}

func (ts *timers) init() {
	ts.grow(nil)
	ts.armed = never
}

// SetTimer makes t fire at the given time of Now, or stops it if at is 0.
func (l *Loop) SetTimer(t *Timer, at int64) {
	l.guard.check()
	if at == 0 {
		l.timers.stop(t)
		return
	}
	l.timers.set(t, max(at, 1), l.Now())
	if l.timers.due() < l.timers.armed {
		l.requestTurn()
	}
}

// Due returns when t fires, or 0 while it is stopped.
func (l *Loop) Due(t *Timer) int64 {
	l.guard.check()
	return *l.timers.at.At(int(t.slot))
}

func (ts *timers) set(t *Timer, at, now int64) {
	if t.slot == 0 {
		ts.take(t)
	}
	slot := t.slot
	due, near := ts.at.At(int(slot)), ts.near.At(int(slot))
	wasFar := *due != 0 && *near <= 0
	*due = at
	if at-now >= nearby && *near <= 0 {
		*near = 0
		if t.Lazy {
			*near = lazy
		}
		if !wasFar {
			ts.addFar(now)
		}
		return
	}
	if *near <= 0 || at < *near {
		if wasFar {
			ts.far--
		}
		ts.pushNear(slot, at)
	}
}

// addFar counts a timer that only the sweep will find.
func (ts *timers) addFar(now int64) {
	if ts.far == 0 {
		ts.swept = now
	}
	ts.far++
}

func (ts *timers) pushNear(slot uint32, at int64) {
	*ts.near.At(int(slot)) = at
	ts.push(timerEntry{at, slot})
}

func (ts *timers) take(t *Timer) {
	if n := len(ts.free); n > 0 {
		t.slot = ts.free[n-1]
		ts.free = ts.free[:n-1]
		*ts.refs.At(int(t.slot)) = t
		return
	}
	t.slot = uint32(ts.at.Len())
	ts.grow(t)
}

func (ts *timers) grow(t *Timer) {
	ts.at.Append(0)
	ts.near.Append(0)
	ts.refs.Append(t)
}

func (ts *timers) stop(t *Timer) {
	slot := t.slot
	if slot == 0 {
		return
	}
	if *ts.near.At(int(slot)) <= 0 {
		ts.far--
	}
	ts.give(t)
}

// give frees the slot of t. A heap entry may stay behind; the slot's next user
// inherits it.
func (ts *timers) give(t *Timer) {
	*ts.at.At(int(t.slot)) = 0
	if near := ts.near.At(int(t.slot)); *near == lazy {
		*near = 0
	}
	*ts.refs.At(int(t.slot)) = nil
	ts.free = append(ts.free, t.slot)
	t.slot = 0
}

// due returns when the timers want to run next.
func (ts *timers) due() int64 {
	at := never
	if len(ts.heap) > 0 {
		at = ts.heap[0].at
	}
	if ts.far > 0 {
		at = min(at, ts.swept+sweepTick)
	}
	return at
}

// sweep moves far timers that are due before the sweep comes round again to
// the heap.
func (ts *timers) sweep(now int64) {
	if ts.far == 0 {
		return
	}
	ticks := (now - ts.swept) / sweepTick
	if ticks <= 0 {
		return
	}
	ts.swept += ticks * sweepTick
	ticks = min(ticks, sweepParts)
	n := ts.at.Len()
	for count := min(int(ticks)*((n+sweepParts-1)/sweepParts), n); count > 0; {
		if ts.next >= n {
			ts.next = 0
		}
		part := ts.at.Tail(ts.next)
		part = part[:min(len(part), count)]
		for i, at := range part {
			if at != 0 && at-now < sweepWindow {
				ts.approach(uint32(ts.next+i), at, now)
			}
		}
		ts.next += len(part)
		count -= len(part)
	}
}

// approach moves a far timer to the heap, or notes that a lazy one is due.
func (ts *timers) approach(slot uint32, at, now int64) {
	switch *ts.near.At(int(slot)) {
	case 0:
		ts.far--
		ts.pushNear(slot, at)
	case lazy:
		if at <= now {
			ts.lazy = append(ts.lazy, slot)
		}
	}
}

// expiredLazy returns the timer to fire of a slot that the sweep has noted, if
// it is still due: an earlier one may have stopped it.
func (ts *timers) expiredLazy(slot uint32, now int64) *Timer {
	at := *ts.at.At(int(slot))
	if at == 0 || at > now || *ts.near.At(int(slot)) != lazy {
		return nil
	}
	t := *ts.refs.At(int(slot))
	ts.stop(t)
	return t
}

// expired pops one heap entry that is not after now. It returns the timer to
// fire, which is stopped, or nil if the entry was out of date.
func (ts *timers) expired(now int64) (t *Timer, more bool) {
	if len(ts.heap) == 0 || ts.heap[0].at > now {
		return nil, false
	}
	e := ts.pop()
	slot := e.slot
	near := ts.near.At(int(slot))
	if *near != e.at {
		return nil, true
	}
	*near = 0
	at := *ts.at.At(int(slot))
	switch {
	case at == 0:
		return nil, true
	case at <= now:
		t = *ts.refs.At(int(slot))
		ts.give(t)
		return t, true
	case at-now < nearby:
		ts.pushNear(slot, at)
	default:
		ts.addFar(now)
	}
	return nil, true
}

// runTimers fires what is due. What callbacks arm meanwhile waits for the
// next run.
func (l *Loop) runTimers() {
	now := l.Now()
	l.timers.sweep(now)
	for _, slot := range l.timers.lazy {
		if t := l.timers.expiredLazy(slot, now); t != nil {
			l.fire(t)
		}
	}
	l.timers.lazy = l.timers.lazy[:0]
	for range len(l.timers.heap) {
		t, more := l.timers.expired(now)
		if !more {
			break
		}
		if t != nil {
			l.fire(t)
		}
	}
}

func (l *Loop) fire(t *Timer) {
	switch {
	case !t.internal:
		l.callTimer(t)
	case t == &l.rest:
		l.resumeAccept()
	default:
		c := (*connAux)(unsafe.Pointer(t)).conn // its first field is the timer
		if c.flags&flagHandshake != 0 {
			l.handshakeDeadline(c)
		} else {
			l.callDeadline(c)
		}
		c.giveAux()
	}
}

// armTimer sets the kernel's timer to the next thing that is due.
func (l *Loop) armTimer() {
	if l.driven {
		return
	}
	at := l.timers.due()
	if at == l.timers.armed {
		return
	}
	l.timers.armed = at
	l.poll.arm(l.until(at))
}

func (ts *timers) push(e timerEntry) {
	ts.heap = append(ts.heap, e)
	h := ts.heap
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= e.at {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
}

func (ts *timers) pop() timerEntry {
	h := ts.heap
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	ts.heap = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].at < h[child].at {
			child++
		}
		if last.at <= h[child].at {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = last
	return top
}

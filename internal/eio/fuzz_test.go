package eio_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
)

// watcher drives a Session with arbitrary calls and checks after each what
// must always hold.
type watcher struct {
	t        testing.TB
	cfg      eio.Config
	s        eio.Session
	now      int64
	closed   int
	opened   bool
	upgraded bool
}

func (w *watcher) run(data []byte) {
	w.now = 1000
	for len(data) >= 2 {
		op, arg := data[0], data[1]
		data = data[2:]
		w.step(op, arg)
		w.check(op)
	}
	w.drain()
}

func (w *watcher) step(op, arg byte) {
	cfg, before := &w.cfg, w.s
	switch op % 12 {
	case 0, 1: // time passes, deadlines are met
		w.now += int64(arg) * 10
		w.expire()
	case 2: // to the next deadline, or a little late
		if d := w.s.Deadline(); d > w.now {
			w.now = d + int64(arg%3)
		}
		w.expire()
	case 3: // a long time passes unseen
		w.now += int64(arg) * 1000
	case 4, 5:
		w.packet(eio.PacketType('/'+arg%9), before)
	case 6:
		if w.s.StartUpgrade(cfg, w.now) {
			if w.closed > 0 || !w.opened || w.upgraded || before.Upgrading() || before.Transport() != eio.Polling {
				w.t.Fatalf("StartUpgrade accepted: %+v", before)
			}
		}
	case 7:
		w.upgradePacket(eio.PacketType('/'+arg%9), [...]string{"", "probe", "x"}[arg/9%3], before)
	case 8:
		w.s.UpgradeLost()
	case 9:
		w.s.StartClose(w.now)
	case 10:
		if arg%4 == 0 {
			w.s.Closed()
			w.closed = max(w.closed, 1)
		} else {
			w.s.Resume(cfg, w.now)
			if d := w.s.Deadline(); d < before.Deadline() && d < w.now {
				w.t.Fatalf("Resume brought the deadline forward from %d to %d", before.Deadline(), d)
			}
		}
	case 11:
		if !w.opened {
			w.open(arg)
		}
	}
}

func (w *watcher) open(arg byte) {
	w.opened, w.closed = true, 0
	t := eio.Transport(arg & 1)
	if arg&2 != 0 {
		w.s.OpenRevision3(&w.cfg, t, w.now)
	} else {
		w.s.Open(&w.cfg, t, int64(arg)*100, w.now)
	}
}

func (w *watcher) packet(typ eio.PacketType, before eio.Session) {
	act := w.s.Packet(&w.cfg, w.now, typ, false)
	w.saw(act)
	switch act {
	case eio.ActNone, eio.ActTransportError, eio.ActTransportClose, eio.ActParseError, eio.ActPingTimeout:
	case eio.ActMessage:
		if typ != eio.Message || before.State() != eio.StateOpen {
			w.t.Fatalf("%v delivered in state %d", typ, before.State())
		}
	case eio.ActPong:
		if typ != eio.Ping || before.Revision() != eio.Revision3 || before.State() != eio.StateOpen {
			w.t.Fatalf("%v answered with a pong in state %d", typ, before.State())
		}
	default:
		w.t.Fatalf("Packet(%v) = %v", typ, act)
	}
}

func (w *watcher) upgradePacket(typ eio.PacketType, data string, before eio.Session) {
	act := w.s.UpgradePacket(&w.cfg, w.now, typ, []byte(data))
	w.saw(act)
	switch act {
	case eio.ActProbe:
		if !before.Upgrading() || !w.s.Upgrading() || data != "probe" {
			w.t.Fatalf("a probe was answered: %+v, %q", before, data)
		}
	case eio.ActUpgrade, eio.ActUpgradeClose:
		if !before.Upgrading() || w.s.Upgrading() || w.upgraded || w.s.Transport() != eio.WebSocket || !w.s.Upgraded() {
			w.t.Fatalf("%v from %+v to %+v", act, before, w.s)
		}
		w.upgraded = true
	case eio.ActAbandon:
		if w.s.Upgrading() || w.s.State() != before.State() || w.s.Transport() != before.Transport() {
			w.t.Fatalf("abandoned: %+v to %+v", before, w.s)
		}
	default:
		w.t.Fatalf("UpgradePacket(%v, %q) = %v", typ, data, act)
	}
}

// expire calls Expire until it is content; that must not take for ever, and
// nothing may then be due.
func (w *watcher) expire() {
	for range 8 {
		before := w.s
		act := w.s.Expire(&w.cfg, w.now)
		if act == eio.ActNone {
			if d := w.s.Deadline(); d != 0 && d <= w.now {
				w.t.Fatalf("at %d nothing is due although the deadline is %d", w.now, d)
			}
			return
		}
		if d := before.Deadline(); d == 0 || d > w.now {
			w.t.Fatalf("%v at %d, before the deadline %d", act, w.now, d)
		}
		w.saw(act)
		if act == eio.ActPing && (before.State() != eio.StateOpen || before.AwaitingPong() || !w.s.AwaitingPong() || before.Revision() != eio.Revision4) {
			w.t.Fatalf("ping from %+v to %+v", before, w.s)
		}
		if act == eio.ActNoop && (!before.Upgrading() || before.Transport() != eio.Polling) {
			w.t.Fatalf("noop from %+v", before)
		}
	}
	w.t.Fatalf("Expire does not end: %+v", w.s)
}

// saw counts closes and forbids everything after one.
func (w *watcher) saw(act eio.Action) {
	if w.closed > 0 && act != eio.ActNone && act != eio.ActAbandon {
		w.t.Fatalf("%v after the session was closed", act)
	}
	if act.Closes() {
		w.closed++
		if w.s.State() != eio.StateClosed {
			w.t.Fatalf("%v leaves state %d", act, w.s.State())
		}
	}
}

func (w *watcher) check(op byte) {
	s := &w.s
	d := s.Deadline()
	switch s.State() {
	case eio.StateNone:
		if w.opened || d != 0 {
			w.t.Fatalf("op %d: state none, deadline %d", op%12, d)
		}
	case eio.StateClosed:
		if d != 0 || s.Upgrading() || w.closed != 1 {
			w.t.Fatalf("op %d: closed %d times, deadline %d, upgrading %v", op%12, w.closed, d, s.Upgrading())
		}
	case eio.StateOpen, eio.StateClosing:
		if w.closed != 0 {
			w.t.Fatalf("op %d: open after a close", op%12)
		}
		// The heartbeat never sleeps: whatever the client does, the next
		// deadline is near.
		longest := w.cfg.PingInterval + w.cfg.PingTimeout
		if s.State() == eio.StateClosing {
			longest = max(longest, eio.CloseWait)
		}
		if w.cfg.PingInterval > 0 && (d == 0 || d > w.now+longest) {
			w.t.Fatalf("op %d at %d: deadline %d", op%12, w.now, d)
		}
	}
	if s.Upgraded() != w.upgraded || (s.Upgrading() && s.Upgraded()) {
		w.t.Fatalf("op %d: upgraded %v, upgrading %v, want upgraded %v", op%12, s.Upgraded(), s.Upgrading(), w.upgraded)
	}
}

// drain says nothing more: a silent client must be closed, in the time that
// two heartbeats or a close may take.
func (w *watcher) drain() {
	if w.s.State() == eio.StateNone || w.cfg.PingInterval <= 0 {
		return
	}
	end := w.now + 2*(w.cfg.PingInterval+w.cfg.PingTimeout) + eio.CloseWait
	last := int64(0)
	for w.s.State() != eio.StateClosed {
		d := w.s.Deadline()
		if d < last || d > end {
			w.t.Fatalf("silent client: deadline %d after %d, not closed by %d", d, last, end)
		}
		last = d
		w.now = max(w.now, d)
		w.expire()
		w.check(0)
	}
}

func newWatcher(tb testing.TB, seed byte) *watcher {
	tb.Helper()
	w := &watcher{t: tb, cfg: eio.Config{UpgradeTimeout: 1000 * int64(1+seed&15), Transports: nil}}
	switch seed >> 4 & 3 {
	case 0:
		w.cfg.PingInterval, w.cfg.PingTimeout = 25000, 20000
	case 1:
		w.cfg.PingInterval, w.cfg.PingTimeout = 300, 200
	case 2:
		w.cfg.PingInterval, w.cfg.PingTimeout = 1000, 30000
	case 3:
		w.cfg.PingInterval, w.cfg.PingTimeout = 0, 20000
	}
	return w
}

func TestRandomCalls(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		data := make([]byte, 400)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		data[0] = 11 // open
		newWatcher(t, byte(seed)).run(data)
	}
}

// FuzzSession calls the machine in any order at any time: no panic, at most
// one close, no ping or message after it, deadlines always ahead once
// everything due is done, and a silent client is closed in bounded time.
func FuzzSession(f *testing.F) {
	f.Add(byte(0), []byte{11, 0, 2, 0, 4, 4, 2, 0, 2, 0})
	f.Add(byte(1), []byte{11, 0, 6, 0, 7, 12, 2, 0, 7, 6, 4, 5, 2, 0, 2, 1})
	f.Add(byte(16), []byte{11, 3, 4, 3, 9, 0, 2, 0})
	f.Fuzz(func(t *testing.T, seed byte, data []byte) {
		newWatcher(t, seed).run(data)
	})
}

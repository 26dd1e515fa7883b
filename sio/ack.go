package sio

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/engine"
	"github.com/gannet-io/gannet/internal/packet"
	"github.com/gannet-io/gannet/loop"
)

// A Reply is what a client answered to an event. It may be kept.
type Reply struct {
	socket *Socket  // nil for one of another server
	d      *dialect // of args
	args   [][]byte
	atts   [][]byte
}

// Socket returns the socket that answered. It is nil if that is on another
// server, or if it was the server itself.
func (r *Reply) Socket() *Socket { return r.socket }

// Len returns the number of arguments.
func (r *Reply) Len() int { return len(r.args) }

// Arg returns the JSON of argument i, from 0, or nil if there is none; see
// Event.Arg.
func (r *Reply) Arg(i int) json.RawMessage { return r.d.json(r.args, i) }

// Binary returns argument i if it is binary, else nil.
func (r *Reply) Binary(i int) []byte { return r.d.binary(r.args, r.atts, i) }

// Args returns all arguments for passing on; see Event.Args.
func (r *Reply) Args() []any {
	return forwarded(r.d.parser(), r.args, r.atts)
}

// Decode decodes the arguments into v; see Event.Decode.
func (r *Reply) Decode(v ...any) error {
	for i, dst := range v {
		if dst == nil {
			continue
		}
		if err := r.d.decode(r.args, r.atts, i, dst); err != nil {
			return &DecodeError{Event: "ack", Index: i, Err: err}
		}
	}
	return nil
}

// The kinds of timers.
const (
	timerAck   = engine.TimerUser + iota // of a pendingAck
	timerSweep                           // of a stream
)

// A pendingAck is an event that was sent and wants an answer.
type pendingAck struct {
	// Owned by the loop goroutine of the socket.
	timer loop.Timer // the first field: see shard.Timer
	over  bool

	// Immutable.
	flags   uint16 // flagKeep, with flagVolatile if the event may be dropped
	id      uint64
	socket  *Socket
	buf     *bufpool.Buf // given up when it is sent
	timeout time.Duration
	resolve func(*Reply, error) // called once, on the loop; must not block
}

// fail resolves the ack with an error, unless it is over.
func (p *pendingAck) fail(err error) { p.finish(nil, err) }

func (p *pendingAck) finish(r *Reply, err error) {
	if !p.over {
		p.over = true
		p.resolve(r, err)
	}
}

// EmitAck sends an event and calls ack once with the client's answer, or with
// ErrAckTimeout, ErrSocketClosed or ErrServerClosed; ErrDropped if the event is
// volatile and could not leave at once. ack runs on a worker in
// the order of the socket's events, so it may block. Without a timeout
// (Socket.Timeout(d).EmitAck) it waits until the socket closes.
func (s *Socket) EmitAck(event string, ack func(*Reply, error), args ...any) error {
	return s.target().EmitAck(event, ack, args...)
}

// EmitWithAck sends an event and waits for the client's answer: until ctx
// ends, or the socket closes. It must not be called on a loop: from an Inline
// handler it returns ErrOnLoop.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (*Reply, error) {
	return s.target().request(ctx, event, args)
}

// emitAckLocal sends an event and waits for its answer.
func (s *Socket) emitAckLocal(p *pendingAck) {
	l := s.client.shard.loop
	l.Defer(p.buf)
	switch err := s.sendLocal(p.buf, p.flags, ""); err {
	case nil:
		s.expectAck(p)
	case ErrDropped: //nolint:errorlint // a sentinel that is never wrapped
		p.fail(err)
	default:
		p.fail(ErrSocketClosed)
	}
}

// expectAck registers an ack whose event was sent. One without any time is over
// at once: nobody can be in time, not even by chance.
func (s *Socket) expectAck(p *pendingAck) {
	if p.timeout > 0 && p.timeout < time.Millisecond {
		p.fail(ErrAckTimeout)
		return
	}
	x := s.ensureExtra()
	if x.acks == nil {
		x.acks = map[uint64]*pendingAck{}
	}
	x.acks[p.id] = p
	if p.timeout > 0 {
		l := s.client.shard.loop
		p.timer.Kind = timerAck
		l.SetTimer(&p.timer, l.Now()+p.timeout.Milliseconds())
	}
}

// acked resolves the ack that the client's packet answers.
func (s *Socket) acked(p *packet.Packet, atts [][]byte) {
	if !p.HasID || p.BigID != "" {
		return
	}
	x := s.extra.Load()
	if x == nil {
		return
	}
	a := x.acks[p.ID]
	if a == nil {
		return
	}
	s.dropAck(a)
	r := &Reply{socket: s, d: &s.nsp.srv.dialect, atts: slices.Clone(atts), args: make([][]byte, len(p.Args))}
	for j, arg := range p.Args {
		r.args[j] = slices.Clone(arg)
	}
	a.finish(r, nil)
}

// dropAck takes an ack off the list of those that wait, if it is there.
func (s *Socket) dropAck(p *pendingAck) {
	s.client.shard.loop.SetTimer(&p.timer, 0)
	if x := s.extra.Load(); x != nil {
		delete(x.acks, p.id)
	}
}

// Timer implements engine.UpperShard: an ack has timed out, or a sweep is due.
func (sh *shard) Timer(t *loop.Timer) {
	if t.Kind == timerSweep {
		sh.sweep()
		return
	}
	p := (*pendingAck)(unsafe.Pointer(t))
	if p.over {
		return
	}
	p.socket.dropAck(p)
	p.fail(ErrAckTimeout)
}

// forgetAck takes an ack back that nobody waits for.
func (s *Socket) forgetAck(p *pendingAck) {
	p.over = true
	s.dropAck(p)
}

// EmitAck is Socket.EmitAck with the flags of the Target, which must be that
// of one socket, as Socket.Timeout returns it.
func (t Target) EmitAck(event string, ack func(*Reply, error), args ...any) error {
	s := t.self
	if s == nil {
		return errOneSocket
	}
	_, err := t.emitAck(event, args, func(r *Reply, err error) {
		s.push(&Event{socket: s, kind: taskAck, callback: ack, reply: r, err: err})
	})
	return err
}

// failAcks resolves all acks of a socket that is closed, the oldest first.
func (s *Socket) failAcks(err error) {
	x := s.extra.Load()
	if x == nil {
		return
	}
	acks := x.acks
	x.acks = nil
	for _, id := range slices.Sorted(maps.Keys(acks)) {
		p := acks[id]
		s.client.shard.loop.SetTimer(&p.timer, 0)
		p.fail(err)
	}
}

// emitAck sends an event that wants an answer to the one socket of the target.
func (t Target) emitAck(event string, args []any, resolve func(*Reply, error)) (*pendingAck, error) {
	s := t.self
	if err := s.usable(); err != nil {
		return nil, err
	}
	p := &pendingAck{id: s.nsp.ackID.Add(1) - 1, socket: s, flags: t.flags&flagVolatile | flagKeep, timeout: t.timeout, resolve: resolve}
	var err error
	if p.buf, err = s.nsp.srv.dialect.encodeEvent(s.nsp.name, int64(p.id), event, args); err != nil {
		return nil, err
	}
	p.buf.Plain = t.plain()
	sh := s.client.shard
	if sh.direct() {
		s.emitAckLocal(p)
		return p, nil
	}
	if err := sh.post(loop.Message{Kind: msgEmitAck, Obj: s, Ref: p}); err != nil {
		p.buf.Release()
		return nil, ErrServerClosed
	}
	return p, nil
}

// request is EmitWithAck for a target that is one socket of this server.
func (t Target) request(ctx context.Context, event string, args []any) (*Reply, error) {
	s := t.self
	if s.nsp.srv.onAnyLoop() {
		return nil, ErrOnLoop
	}
	type result struct {
		r   *Reply
		err error
	}
	ch := make(chan result, 1)
	p, err := t.emitAck(event, args, func(r *Reply, err error) { ch <- result{r, err} })
	if err != nil {
		return nil, err
	}
	select {
	case res := <-ch:
		return res.r, res.err
	case <-ctx.Done():
		_ = s.client.shard.loop.Post(loop.Message{Kind: msgCancelAck, Obj: s, Ref: p})
		return nil, ctx.Err()
	}
}

// EmitWithAck sends an event to the sockets of the Target and waits for all
// their answers: until the Target's Timeout, or until ctx ends. It returns
// those that came; if some did not, the error says why: ErrAckTimeout, ctx's
// error, or ErrSocketClosed if a socket left. A volatile Target has only those
// sockets asked that can take the event at once. It must not be called on a
// loop.
func (t Target) EmitWithAck(ctx context.Context, event string, args ...any) ([]*Reply, error) {
	return collectReplies(t.Gather(ctx, event, args...))
}

// Gather is EmitWithAck for answers one by one, as they arrive. What is
// missing in the end is one error, yielded last.
func (t Target) Gather(ctx context.Context, event string, args ...any) iter.Seq2[*Reply, error] {
	return func(yield func(*Reply, error) bool) {
		if t.self != nil {
			yield(t.request(ctx, event, args))
			return
		}
		if t.nsp == nil {
			return
		}
		if t.nsp.family != nil {
			yield(nil, ErrParentNamespace)
			return
		}
		if t.nsp.srv.onAnyLoop() {
			yield(nil, ErrOnLoop)
			return
		}
		if a := t.remote(); a != nil {
			m, err := t.nsp.srv.encode(event, args)
			if err != nil {
				yield(nil, err)
				return
			}
			t.gatherFar(ctx, a, m, nil, yield)
			return
		}
		g, err := t.gather(event, args)
		if err != nil {
			yield(nil, err)
			return
		}
		g.deliver(ctx, yield)
	}
}

// GatherMessage is Gather for a message that was encoded before. counted, if it
// is not nil, is called once with the number of sockets that the message was
// sent to, on any goroutine; it must not block. It is what an Adapter does when
// another server asks.
func (t Target) GatherMessage(ctx context.Context, m *Message, counted func(sockets int)) iter.Seq2[*Reply, error] {
	return func(yield func(*Reply, error) bool) {
		switch t = t.onlySelf(); {
		case t.nsp == nil:
		case t.nsp.family != nil:
			yield(nil, ErrParentNamespace)
		case t.nsp.srv.onAnyLoop():
			yield(nil, ErrOnLoop)
		default:
			t.gatherFar(ctx, t.remote(), m, counted, yield)
		}
	}
}

// gatherFar gathers the answers of this server, and with an adapter those of
// the others.
func (t Target) gatherFar(ctx context.Context, a Adapter, m *Message, counted func(int), yield func(*Reply, error) bool) {
	id := t.nsp.ackID.Add(1) - 1
	buf, err := m.encode(t.nsp.name, int64(id), &t.nsp.srv.dialect)
	if err != nil {
		yield(nil, err)
		return
	}
	g, err := t.gatherBuf(buf, id, counted)
	if err != nil {
		yield(nil, err)
		return
	}
	if a != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		g.expectFar()
		t.nsp.srv.background(func() {
			g.farDone(a.BroadcastWithAck(ctx, m, t.options(), t.nsp.values(g.addFar)))
		})
	}
	g.deliver(ctx, yield)
}

// EmitAcks is EmitWithAck with a callback instead of waiting, so that it may be
// called on a loop. done is called once, on a goroutine of its own, with what
// EmitWithAck would return.
func (t Target) EmitAcks(event string, done func([]*Reply, error), args ...any) error {
	switch {
	case t.nsp == nil:
		return nil
	case t.nsp.family != nil:
		return ErrParentNamespace
	}
	m, err := t.nsp.srv.encode(event, args)
	if err != nil {
		return err
	}
	t = t.onlySelf()
	t.nsp.srv.background(func() {
		replies, err := collectReplies(t.GatherMessage(context.Background(), m, nil)) // ends with the sockets at the latest
		done(replies, err)
	})
	return nil
}

// ask is EmitWithAck for a target that is one socket.
func (t Target) ask(ctx context.Context, event string, args []any) (*Reply, error) {
	replies, err := t.EmitWithAck(ctx, event, args...)
	switch {
	case len(replies) > 0:
		return replies[0], nil
	case err != nil:
		return nil, err
	}
	return nil, ErrSocketClosed
}

func collectReplies(all iter.Seq2[*Reply, error]) ([]*Reply, error) {
	var replies []*Reply
	for r, err := range all {
		if err != nil {
			return replies, err
		}
		replies = append(replies, r)
	}
	return replies, nil
}

// A gathering collects the answers to one broadcast.
type gathering struct {
	// Immutable.
	wake chan struct{} // has one token while there is something to look at

	mu      sync.Mutex // guards following
	queue   []gathered
	targets []*pendingAck
	local   int   // answers from sockets of targets
	posted  bool  // every loop has sent the event to its sockets
	far     bool  // other servers have not answered yet
	farErr  error // what was missing of them
	// cancelled says that nobody waits any more.
	cancelled bool
}

type gathered struct {
	r   *Reply
	err error
}

func (t Target) gather(event string, args []any) (*gathering, error) {
	id := t.nsp.ackID.Add(1) - 1
	buf, err := t.nsp.srv.dialect.encodeEvent(t.nsp.name, int64(id), event, args)
	if err != nil {
		return nil, err
	}
	return t.gatherBuf(buf, id, nil)
}

// gatherBuf sends a packet and gives the reference to it up.
func (t Target) gatherBuf(buf *bufpool.Buf, id uint64, counted func(int)) (*gathering, error) {
	buf.Plain = t.plain()
	g := &gathering{wake: make(chan struct{}, 1)}
	op := newCast(castGather, &t)
	op.buf = buf
	op.visit = func(s *Socket) {
		p := &pendingAck{id: id, timeout: t.timeout, resolve: g.add, socket: s}
		if s.sendLocal(buf, t.flags|flagKeep, "") != nil {
			return
		}
		buf.Retain()
		s.client.shard.loop.Defer(buf)
		if g.expect(p) {
			s.expectAck(p)
		}
	}
	op.done = func() {
		g.mu.Lock()
		g.posted = true
		n := len(g.targets)
		g.mu.Unlock()
		if counted != nil {
			counted(n)
		}
		g.signal()
	}
	return g, op.post()
}

// expect adds a socket whose answer is waited for, unless nobody waits any
// more.
func (g *gathering) expect(p *pendingAck) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.cancelled {
		g.targets = append(g.targets, p)
	}
	return !g.cancelled
}

// add takes one answer; it is called on the loops.
func (g *gathering) add(r *Reply, err error) {
	g.mu.Lock()
	g.queue = append(g.queue, gathered{r, err})
	g.local++
	g.mu.Unlock()
	g.signal()
}

// expectFar says that other servers will answer too.
func (g *gathering) expectFar() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.far = true
}

// addFar takes one answer from another server.
func (g *gathering) addFar(r *Reply) {
	g.mu.Lock()
	g.queue = append(g.queue, gathered{r, nil})
	g.mu.Unlock()
	g.signal()
}

// farDone says that no more will come from other servers.
func (g *gathering) farDone(err error) {
	g.mu.Lock()
	g.far, g.farErr = false, err
	g.mu.Unlock()
	g.signal()
}

func (g *gathering) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// deliver yields the answers until all have come or ctx ends.
func (g *gathering) deliver(ctx context.Context, yield func(*Reply, error) bool) {
	var missing error
	for {
		g.mu.Lock()
		queue := g.queue
		g.queue = nil
		complete := g.posted && g.local == len(g.targets) && !g.far
		if g.farErr != nil {
			missing = g.farErr
		}
		g.mu.Unlock()
		for _, a := range queue {
			if a.err != nil {
				missing = a.err
			} else if !yield(a.r, nil) {
				g.cancel()
				return
			}
		}
		if complete {
			break
		}
		select {
		case <-g.wake:
		case <-ctx.Done():
			g.cancel()
			yield(nil, ctx.Err())
			return
		}
	}
	if missing != nil {
		yield(nil, missing)
	}
}

// cancel takes back what is still pending.
func (g *gathering) cancel() {
	g.mu.Lock()
	g.cancelled = true
	targets := g.targets // does not grow any more
	g.mu.Unlock()
	for _, p := range targets {
		_ = p.socket.client.shard.loop.Post(loop.Message{Kind: msgCancelAck, Obj: p.socket, Ref: p})
	}
}

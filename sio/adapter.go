package sio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gannet-io/gannet/internal/engine"
)

// An Adapter connects a namespace with those of the same name on the other
// servers of a cluster: it has them do what is asked for here. The part of this
// server is not its business. Without one there are no other servers, and
// nothing is spent on them.
//
// What an adapter hears from the others it does with the Target that
// BroadcastOptions.Target returns, which is limited to this server: Send, Join,
// Leave, Disconnect, FetchSockets, and GatherMessage for messages that want
// acknowledgements. Events from server to server it gives to
// Namespace.DeliverServerSide.
//
// Its methods are called from any goroutine, event loops included: those
// without a context must not block. Messages and slices may be kept and must
// not be changed. An error of a method without results is logged, and what this
// server does is done all the same.
type Adapter interface {
	// Broadcast sends a message to sockets of the other servers.
	Broadcast(m *Message, o BroadcastOptions) error
	// BroadcastWithAck sends a message and calls answered for each answer,
	// never twice at a time, with its first value as JSON and the attachments
	// in it. It returns when all servers have said how many sockets got the
	// message and all of these have answered, or with ErrAckTimeout, or when
	// ctx ends.
	BroadcastWithAck(ctx context.Context, m *Message, o BroadcastOptions, answered func(value json.RawMessage, attachments [][]byte)) error
	// AddSockets has sockets of the other servers join rooms.
	AddSockets(o BroadcastOptions, rooms []string) error
	// DelSockets has them leave rooms.
	DelSockets(o BroadcastOptions, rooms []string) error
	// DisconnectSockets disconnects them.
	DisconnectSockets(o BroadcastOptions, closeConn bool) error
	// FetchSockets returns them. On error it may return some.
	FetchSockets(ctx context.Context, o BroadcastOptions) ([]*RemoteSocket, error)
	// ServerSideEmit sends an event to the other servers themselves.
	ServerSideEmit(m *Message) error
	// ServerSideEmitWithAck sends one and waits for the answer of each: its
	// first value as in BroadcastWithAck. On error it returns those that came.
	ServerSideEmitWithAck(ctx context.Context, m *Message, answered func(value json.RawMessage, attachments [][]byte)) error
	// ServerCount returns the number of servers in the cluster, this one
	// included.
	ServerCount(ctx context.Context) (int, error)
	// Close is called once, when the namespace is removed or the server shuts
	// down. Nothing is called afterwards.
	Close(ctx context.Context) error
}

// BroadcastOptions say which sockets an operation of an Adapter is for, and
// how.
type BroadcastOptions struct {
	Rooms      []string // none means all sockets of the namespace
	Except     []string // rooms whose sockets are left out
	Volatile   bool
	NoCompress bool          // the inverse of Node's flag compress
	Timeout    time.Duration // for acknowledgements; zero means none was given
}

// Target returns the sockets of this server that the options mean. Nothing that
// is done with it reaches the adapter again.
func (o BroadcastOptions) Target(n *Namespace) Target {
	t := n.Local().To(o.Rooms...).Except(o.Except...).Compress(!o.NoCompress)
	if o.Timeout > 0 {
		t = t.Timeout(o.Timeout)
	}
	if o.Volatile {
		t = t.Volatile()
	}
	return t
}

// remote returns the adapter that an operation on the target concerns, or nil.
func (t Target) remote() Adapter {
	if p := t.nsp.adapter.Load(); p != nil && t.flags&flagLocal == 0 {
		return *p
	}
	return nil
}

func (t Target) options() BroadcastOptions {
	return BroadcastOptions{
		Rooms: t.include.appendTo(nil), Except: t.exclude.appendTo(nil),
		Volatile: t.flags&flagVolatile != 0, NoCompress: t.plain(), Timeout: t.timeout,
	}
}

// emitFar is Emit in a cluster.
func (t Target) emitFar(a Adapter, event string, args []any) error {
	m, err := t.nsp.srv.encode(event, args)
	if err != nil {
		return err
	}
	t.report("broadcast", a.Broadcast(m, t.options()))
	b, err := m.packet(t.nsp, t.plain())
	if err != nil {
		return err
	}
	return t.sendBuf(b, event)
}

// report logs what an adapter could not do.
func (t Target) report(what string, err error) {
	if err != nil {
		t.nsp.srv.opts.Logger.Error("sio: the adapter has failed", "nsp", t.nsp.name, "what", what, "err", err)
	}
}

// encode is Encode with the codec of the server.
func (s *Server) encode(event string, args []any) (*Message, error) {
	b, err := s.text.encodeEvent("/", -1, event, args)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	return newMessage(event, b.B)
}

// connectAdapter gives a new namespace its adapter.
func (n *Namespace) connectAdapter() {
	a, err := n.srv.opts.Adapter(n)
	if err != nil {
		n.srv.opts.Logger.Error("sio: a namespace has no adapter: it is alone", "nsp", n.name, "err", err)
		return
	}
	n.adapter.Store(&a)
}

// closeAdapter closes the adapter of a namespace, if it has one.
func (n *Namespace) closeAdapter(ctx context.Context) error {
	p := n.adapter.Swap(nil)
	if p == nil {
		return nil
	}
	if err := (*p).Close(ctx); err != nil {
		return fmt.Errorf("sio: adapter of %s: %w", n.name, err)
	}
	return nil
}

// closeAdapters closes all adapters at the end of the server.
func (s *Server) closeAdapters(ctx context.Context) error {
	if s.opts.Adapter == nil {
		return nil
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, n := range s.nsps.all() {
		wg.Go(func() {
			if err := n.closeAdapter(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// ServerCount returns the number of servers in the cluster: 1 without an
// adapter.
func (n *Namespace) ServerCount(ctx context.Context) (int, error) {
	t := n.target()
	if a := t.remote(); a != nil {
		return a.ServerCount(ctx)
	}
	return 1, nil
}

func (s *Server) logError(err error) {
	if err != nil {
		s.opts.Logger.Error(err.Error())
	}
}

// background runs f on a goroutine that Shutdown waits for.
func (s *Server) background(f func()) {
	s.work.tasks.Add(1)
	go func() { // ends with f; counted as a task of the workers
		defer s.work.tasks.Add(-1)
		f()
	}()
}

// values makes replies of what an adapter hears.
func (n *Namespace) values(add func(*Reply)) func(json.RawMessage, [][]byte) {
	return func(value json.RawMessage, attachments [][]byte) {
		r := &Reply{d: &n.srv.text, atts: attachments}
		if value != nil {
			r.args = [][]byte{value}
		}
		add(r)
	}
}

// NewMessage returns a message of what another server has encoded: the JSON
// array of an event, its name first, with placeholders for the attachments. The
// bytes are copied. The error tells what is wrong with them.
func NewMessage(data json.RawMessage, attachments [][]byte) (*Message, error) {
	var list []json.RawMessage
	var name string
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("sio: message: %w", err)
	}
	if len(list) == 0 || json.Unmarshal(list[0], &name) != nil {
		return nil, errors.New("sio: message: it does not begin with the name of an event")
	}
	var d dialect
	b := d.newFrame(len(data))
	defer b.Release()
	if b.B = append(b.B, '2'); len(attachments) > 0 {
		b.B = fmt.Appendf(b.B[:len(b.B)-1], "5%d-", len(attachments))
	}
	b.B = d.seal(append(b.B, data...), 0)
	for _, a := range attachments {
		b.B = engine.AppendBinaryMessage(b.B, a)
	}
	return newMessage(name, b.B)
}

// Data returns the JSON array of the event, its name first. Binary is among it
// as placeholders, which are the same as on the wire. It must not be changed.
func (m *Message) Data() json.RawMessage { return m.json }

// Attachments returns the binary arguments. They must not be changed.
func (m *Message) Attachments() [][]byte { return m.atts }

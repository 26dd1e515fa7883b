package sio

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/gannet-io/gannet/internal/packet"
)

// A ServerEvent is an event that another server of the cluster has sent to this
// one. It may be kept.
type ServerEvent struct {
	// Immutable.
	nsp  *Namespace
	name string
	args [][]byte
	atts [][]byte
	ack  func(json.RawMessage, [][]byte) // nil if no answer is wanted

	// Atomic: set by the first answer.
	answered atomic.Bool
}

// Namespace returns the namespace that it came to.
func (e *ServerEvent) Namespace() *Namespace { return e.nsp }

// Name returns the name of the event.
func (e *ServerEvent) Name() string { return e.name }

// Len returns the number of arguments.
func (e *ServerEvent) Len() int { return len(e.args) }

// Arg returns the JSON of argument i, from 0, or nil if there is none.
func (e *ServerEvent) Arg(i int) json.RawMessage {
	if i < 0 || i >= len(e.args) {
		return nil
	}
	return e.args[i]
}

// Args returns all arguments for passing on; see Event.Args.
func (e *ServerEvent) Args() []any { return forwarded(packet.Text, e.args, e.atts) }

// Decode decodes the arguments into v; see Event.Decode.
func (e *ServerEvent) Decode(v ...any) error {
	for i, dst := range v {
		if dst == nil {
			continue
		}
		if err := e.nsp.srv.text.decode(e.args, e.atts, i, dst); err != nil {
			return &DecodeError{Event: e.name, Index: i, Err: err}
		}
	}
	return nil
}

// WantsAck tells whether the other server waits for an answer.
func (e *ServerEvent) WantsAck() bool { return e.ack != nil }

// Ack answers with a value. Only the first answer is sent. The error is ErrNoAck
// if none is wanted, or about the value.
func (e *ServerEvent) Ack(value any) error {
	if e.ack == nil {
		return ErrNoAck
	}
	m, err := e.nsp.srv.encode("ack", []any{value})
	if err != nil {
		return err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(m.json, &list); err != nil {
		return err // cannot be: it was encoded just now
	}
	if !e.answered.Swap(true) {
		e.ack(list[1], m.atts)
	}
	return nil
}

type serverHandlers map[string]func(*ServerEvent)

// OnServerSide registers h for an event that another server of the cluster
// sends with ServerSideEmit, in place of an earlier one. The name "" stands for
// every event without a handler. h runs on a goroutine of the adapter; it should
// not block for long.
func (n *Namespace) OnServerSide(event string, h func(*ServerEvent)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := serverHandlers{}
	if old := n.serverSide.Load(); old != nil {
		maps.Copy(next, *old)
	}
	next[event] = h
	n.serverSide.Store(&next)
}

// ServerSideEmit sends an event to the namespaces of this name on the other
// servers of the cluster, whose OnServerSide handlers get it; no client does.
// Without an Adapter there is nobody to send it to. The error is about the
// event, or the adapter's.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	m, err := n.serverMessage(event, args)
	if err != nil {
		return err
	}
	t := n.target()
	if a := t.remote(); a != nil {
		return a.ServerSideEmit(m)
	}
	return nil
}

// ServerSideEmitWithAck is ServerSideEmit for an event that each server answers.
// It returns the answers, in the order of their arrival; on error those that
// came. Without an Adapter, or alone in the cluster, it returns none at once. It
// must not be called on a loop.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]*Reply, error) {
	m, err := n.serverMessage(event, args)
	if err != nil {
		return nil, err
	}
	t := n.target()
	a := t.remote()
	if a == nil {
		return []*Reply{}, nil
	}
	if n.srv.onAnyLoop() {
		return nil, ErrOnLoop
	}
	replies := []*Reply{}
	err = a.ServerSideEmitWithAck(ctx, m, n.values(func(r *Reply) { replies = append(replies, r) }))
	return replies, err
}

// DeliverServerSide has the OnServerSide handler of an event called, on the
// calling goroutine. It is for adapters, which hear of events of other servers.
// ack takes the answer, as in Adapter.ServerSideEmitWithAck; it is called at
// most once, from any goroutine, and is nil if no answer is wanted. A handler
// that panics is logged.
func (n *Namespace) DeliverServerSide(m *Message, ack func(value json.RawMessage, attachments [][]byte)) {
	table := n.serverSide.Load()
	if table == nil {
		return
	}
	h := (*table)[m.event]
	if h == nil {
		h = (*table)[""]
	}
	var list []json.RawMessage
	if h == nil || json.Unmarshal(m.json, &list) != nil || len(list) == 0 {
		return
	}
	e := &ServerEvent{nsp: n, name: m.event, atts: m.atts, ack: ack}
	for _, arg := range list[1:] {
		e.args = append(e.args, arg)
	}
	defer caught(n.srv.opts.Logger, "OnServerSide")
	h(e)
}

func (n *Namespace) serverMessage(event string, args []any) (*Message, error) {
	switch event {
	case "connect", "connection", "new_namespace":
		return nil, fmt.Errorf("sio: %q: reserved event name", event)
	}
	m, err := n.srv.encode(event, args)
	return m, err
}

// forwarded returns arguments for passing on.
func forwarded(parser packet.Parser, args, atts [][]byte) []any {
	list := make([]any, len(args))
	for i, arg := range args {
		list[i] = &packet.RawArg{Parser: parser, Raw: arg, Atts: atts}
	}
	return list
}

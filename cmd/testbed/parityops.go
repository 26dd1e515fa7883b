package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A command is the argument of ctl.
type command struct {
	Op     string            `json:"op"`
	Target targetSpec        `json:"target"`
	Event  string            `json:"event"`
	Args   []json.RawMessage `json:"args"`
	Rooms  []string          `json:"rooms"`
	Close  bool              `json:"close"`
	Data   json.RawMessage   `json:"data"`
	MS     float64           `json:"ms"`
	N      int               `json:"n"`
	Size   int               `json:"size"`
}

// A call is a command on its way.
type call struct {
	*parityNamespace
	command

	socket *sio.Socket
	event  *sio.Event
	args   []any // command.Args, with binary where there is some
	data   any   // command.Data likewise; nil when there is none
}

// answered is the result of an operation that acknowledges by itself, later
// or never.
type answered struct{}

// operations are those of ctl. The result of an operation is its
// acknowledgement; nil stands for true.
var operations = map[string]func(*call) (any, error){
	"emit":                  (*call).emit,
	"emitWithAck":           (*call).emitWithAck,
	"join":                  (*call).join,
	"leave":                 (*call).leave,
	"rooms":                 func(c *call) (any, error) { return sortedRooms(c.socket), nil },
	"fetchSockets":          (*call).fetchSockets,
	"socketsJoin":           (*call).socketsJoin,
	"socketsLeave":          (*call).socketsLeave,
	"disconnectSockets":     (*call).disconnectSockets,
	"disconnect":            (*call).disconnect,
	"serverSideEmit":        func(c *call) (any, error) { return nil, c.ServerSideEmit(c.Event, c.args...) },
	"serverSideEmitWithAck": (*call).serverSideEmitWithAck,
	"setData":               func(c *call) (any, error) { c.socket.SetData(c.data); return nil, nil },
	"count":                 (*call).count,
	"reasons":               func(c *call) (any, error) { return c.book.lastReasons(), nil },
	"log":                   func(c *call) (any, error) { return c.book.takeLog(), nil },
	"guard":                 func(c *call) (any, error) { c.book.guard(c.socket, true); return nil, nil },
	"unguard":               func(c *call) (any, error) { c.book.guard(c.socket, false); return nil, nil },
	"hang":                  (*call).hang,
	"panic":                 func(*call) (any, error) { panic("testbed: a client asked for a panic") },
	"flood":                 (*call).flood,
}

// ctl handles a command.
func (n *parityNamespace) ctl(e *sio.Event) error {
	c := &call{parityNamespace: n, socket: e.Socket(), event: e}
	result, err := c.run()
	switch {
	case err != nil:
		result = map[string]any{"error": errorText(err)}
	case result == nil:
		result = true
	case result == answered{}:
		return nil
	}
	return acknowledge(e, result)
}

func (c *call) run() (any, error) {
	if err := c.decode(); err != nil {
		return nil, err
	}
	do := operations[c.Op]
	if do == nil {
		return nil, fmt.Errorf("unknown op %q", c.Op)
	}
	return do(c)
}

// decode reads the command. What it passes on stays JSON, unless there is
// binary in it.
func (c *call) decode() error {
	if err := c.event.Decode(&c.command); err != nil {
		return err
	}
	if holdsBinary(c.event.Arg(0)) {
		var v struct {
			Args []any `json:"args"`
			Data any   `json:"data"`
		}
		if err := c.event.Decode(&v); err != nil {
			return err
		}
		c.args, c.data = v.Args, v.Data
		return nil
	}
	for _, raw := range c.Args {
		c.args = append(c.args, raw)
	}
	if c.Data != nil && string(c.Data) != "null" {
		c.data = c.Data
	}
	return nil
}

// holdsBinary tells whether JSON may have placeholders of attachments.
func holdsBinary(raw json.RawMessage) bool { return bytes.Contains(raw, []byte(`"_placeholder"`)) }

// errorText is what a client is told of an error.
func errorText(err error) string { return strings.TrimPrefix(err.Error(), "sio: ") }

func (c *call) emit() (any, error) {
	t, err := c.Target.build(c.socket)
	if err != nil {
		return nil, err
	}
	err = t.Emit(c.Event, c.args...)
	if errors.Is(err, sio.ErrDropped) {
		err = nil // volatile: that is what was asked for
	}
	return nil, err
}

func (c *call) emitWithAck() (any, error) {
	t, err := c.Target.build(c.socket)
	if err != nil {
		return nil, err
	}
	answer := c.event.Acker()
	if c.Target.one() {
		return answered{}, t.EmitAck(c.Event, func(r *sio.Reply, err error) {
			_ = answer.Ack(oneResponse(r, err)) // nobody waits if the client wanted no ack
		}, c.args...)
	}
	c.config.background.Go(func() { // stops when all have answered or closed; Shutdown closes them
		// Not the socket's context: its acknowledgement goes out as long as the connection is open.
		replies, err := t.EmitWithAck(context.Background(), c.Event, c.args...)
		_ = answer.Ack(allResponses(replies, err))
	})
	return answered{}, nil
}

func (c *call) serverSideEmitWithAck() (any, error) {
	replies, err := c.ServerSideEmitWithAck(c.socket.Context(), c.Event, c.args...)
	return allResponses(replies, err), nil
}

// oneResponse is the acknowledgement of emitWithAck to one socket. Without a
// value in the answer there is no key, as with undefined in Node.
func oneResponse(r *sio.Reply, err error) map[string]any {
	if err != nil {
		return map[string]any{"error": errorText(err), "responses": []any{}}
	}
	if r.Len() == 0 {
		return map[string]any{}
	}
	return map[string]any{"responses": firstArg(r)}
}

func allResponses(replies []*sio.Reply, err error) map[string]any {
	responses := []any{}
	for _, r := range replies {
		responses = append(responses, firstArg(r))
	}
	answer := map[string]any{"responses": responses}
	if err != nil {
		answer["error"] = errorText(err)
	}
	return answer
}

// firstArg returns the first value of an answer for passing on.
func firstArg(r *sio.Reply) any {
	raw := r.Arg(0)
	if !holdsBinary(raw) {
		return raw
	}
	var v any
	if err := r.Decode(&v); err != nil {
		return nil
	}
	return v
}

func (c *call) join() (any, error) {
	if err := c.socket.Join(c.Rooms...); err != nil {
		return nil, err
	}
	return sortedRooms(c.socket), nil
}

func (c *call) leave() (any, error) {
	if err := c.socket.Leave(c.Rooms...); err != nil {
		return nil, err
	}
	return sortedRooms(c.socket), nil
}

func (c *call) socketsJoin() (any, error) {
	t, err := c.Target.build(c.socket)
	if err != nil {
		return nil, err
	}
	return nil, t.Join(c.Rooms...)
}

func (c *call) socketsLeave() (any, error) {
	t, err := c.Target.build(c.socket)
	if err != nil {
		return nil, err
	}
	return nil, t.Leave(c.Rooms...)
}

func (c *call) disconnectSockets() (any, error) {
	t, err := c.Target.build(c.socket)
	if err != nil {
		return nil, err
	}
	return nil, t.Disconnect(c.Close)
}

func (c *call) disconnect() (any, error) {
	c.socket.Disconnect(c.Close)
	return answered{}, nil
}

func (c *call) count() (any, error) {
	return map[string]any{"sockets": c.Len(), "clients": c.srv.Stats().Sessions}, nil
}

// hang blocks the handler, until the server is about to end.
func (c *call) hang() (any, error) {
	select {
	case <-time.After(time.Duration(c.MS * float64(time.Millisecond))):
	case <-c.stopping:
	}
	return nil, nil
}

func (c *call) flood() (any, error) {
	const limit = 100 << 20
	if c.N < 0 || c.Size < 0 || c.Size > limit {
		return nil, errors.New("flood: n and size must not be negative, and size at most 100 MiB")
	}
	payload := make([]byte, c.Size)
	for i := range c.N {
		if err := c.socket.Emit("flood", i, payload); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

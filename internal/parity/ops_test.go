package parity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A command is the argument of the event ctl.
type command struct {
	Op     string
	Event  string
	Args   []json.RawMessage
	Rooms  []string
	Close  bool
	MS     milliseconds
	Target struct {
		From     string
		To       []string
		Except   []string
		Volatile bool
		Local    bool
		Compress *bool
		Timeout  *milliseconds
	}
}

// args are the arguments of what is emitted, as they came: binary included.
func (c *command) args(e *sio.Event) ([]any, error) {
	var v struct{ Args []any }
	if err := e.Decode(&v); err != nil {
		return nil, err
	}
	for i, raw := range c.Args {
		if !strings.Contains(string(raw), `"_placeholder":true`) {
			v.Args[i] = raw
		}
	}
	return v.Args, nil
}

// one tells whether the command is about its own socket.
func (c *command) one() bool {
	return c.Target.From != "server" && c.Target.From != "broadcast" && len(c.Target.To) == 0 && len(c.Target.Except) == 0
}

// target is what the command is about.
func (c *command) target(s *sio.Socket) sio.Target {
	t := s.Compress(true)
	switch c.Target.From {
	case "server":
		t = s.Namespace().All()
	case "broadcast":
		t = s.Broadcast()
	}
	if len(c.Target.To) > 0 {
		t = t.To(c.Target.To...)
	}
	if len(c.Target.Except) > 0 {
		t = t.Except(c.Target.Except...)
	}
	if c.Target.Volatile {
		t = t.Volatile()
	}
	if c.Target.Local {
		t = t.Local()
	}
	if c.Target.Compress != nil {
		t = t.Compress(*c.Target.Compress)
	}
	if c.Target.Timeout != nil {
		t = t.Timeout(c.Target.Timeout.duration())
	}
	return t
}

// control does a command and acknowledges it where the client wants that: with
// its result, true, or what went wrong.
func (s *local) control(ctx context.Context, e *sio.Event) error {
	var c command
	if err := e.Decode(&c); err != nil {
		return err
	}
	answer, err := s.perform(ctx, &c, e)
	switch {
	case err != nil:
		answer = map[string]any{"error": err.Error()}
	case answer == nil:
		answer = true
	}
	if !e.WantsAck() || c.Op == "disconnect" {
		return nil
	}
	return e.Ack(answer)
}

func (s *local) perform(ctx context.Context, c *command, e *sio.Event) (any, error) {
	socket := e.Socket()
	switch c.Op {
	case "emit", "emitWithAck", "serverSideEmit":
		args, err := c.args(e)
		if err != nil {
			return nil, err
		}
		return c.emit(ctx, socket, args)
	case "join":
		return s.rooms(socket, socket.Join(c.Rooms...))
	case "leave":
		return s.rooms(socket, socket.Leave(c.Rooms...))
	case "rooms":
		return s.rooms(socket, nil)
	case "hang":
		select {
		case <-time.After(c.MS.duration()):
		case <-ctx.Done():
		}
		return nil, nil //nolint:nilnil // the answer is true
	case "disconnect":
		socket.Disconnect(c.Close)
		return nil, nil //nolint:nilnil // the answer is true
	case "socketsJoin":
		return nil, c.target(socket).Join(c.Rooms...)
	case "socketsLeave":
		return nil, c.target(socket).Leave(c.Rooms...)
	case "disconnectSockets":
		return nil, c.target(socket).Disconnect(c.Close)
	case "fetchSockets":
		return fetch(ctx, c.target(socket))
	case "count":
		return map[string]any{"sockets": socket.Namespace().Len(), "clients": s.srv.Stats().Sessions}, nil
	case "log":
		return s.takeLog(socket.Namespace().Name()), nil
	case "guard", "unguard":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.guards[socket.ID()] = c.Op == "guard"
		return nil, nil //nolint:nilnil // the answer is true
	}
	return nil, fmt.Errorf("%w: %q", errUnknownOp, c.Op)
}

func (c *command) emit(ctx context.Context, s *sio.Socket, args []any) (any, error) {
	switch c.Op {
	case "serverSideEmit":
		return nil, s.Namespace().ServerSideEmit(c.Event, args...)
	case "emitWithAck":
		replies, err := c.target(s).EmitWithAck(ctx, c.Event, args...)
		return responses(replies, err, c.one()), nil
	}
	if err := c.target(s).Emit(c.Event, args...); !errors.Is(err, sio.ErrDropped) {
		return nil, err
	}
	return nil, nil //nolint:nilnil // the answer is true
}

// rooms returns the rooms of a socket, sorted.
func (*local) rooms(s *sio.Socket, err error) (any, error) {
	rooms := append([]string{}, s.Rooms()...)
	slices.Sort(rooms)
	return rooms, err
}

// handshakeKeys are those that a handshake has in Node; here it is a struct.
var handshakeKeys = []string{"address", "auth", "headers", "issued", "query", "secure", "time", "url", "xdomain"}

// A fetched is what fetchSockets answers about a socket.
type fetched struct {
	ID    string   `json:"id"`
	Rooms []string `json:"rooms"`
	Data  any      `json:"data"`
	Keys  []string `json:"handshakeKeys"`
}

func fetch(ctx context.Context, t sio.Target) (any, error) {
	list := []fetched{}
	found, err := t.FetchSockets(ctx)
	for _, r := range found {
		f := fetched{r.ID, append([]string{}, r.Rooms...), r.Data, handshakeKeys}
		if slices.Sort(f.Rooms); f.Data == nil {
			f.Data = struct{}{}
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b fetched) int { return strings.Compare(a.ID, b.ID) })
	return list, err
}

// takeLog returns what was recorded in a namespace since the last call.
func (s *local) takeLog(namespace string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := append([]any{}, s.log[namespace]...)
	s.log[namespace] = nil
	return log
}

// responses is what emitWithAck acknowledges: the answer of one socket, or a
// list of those that came.
func responses(replies []*sio.Reply, err error, one bool) map[string]any {
	list := []any{}
	for _, r := range replies {
		list = append(list, r.Arg(0))
	}
	switch {
	case err != nil:
		return map[string]any{"error": strings.TrimPrefix(err.Error(), "sio: "), "responses": list}
	case one && len(list) == 1:
		return map[string]any{"responses": list[0]}
	}
	return map[string]any{"responses": list}
}

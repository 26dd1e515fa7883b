package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gannet-io/gannet/sio"
)

// How much a book keeps.
const (
	maxLog     = 10_000
	maxReasons = 100

	maxArgument = 1024
)

// A book is what happened in one namespace of profile parity.
type book struct {
	mu      sync.Mutex // guards following
	guards  map[*sio.Socket]*atomic.Bool
	log     []any // entries as the op log acknowledges them
	reasons []any // [id, reason] of disconnects
}

// follow records the events of a socket, in both directions, and installs the
// middleware that guard switches on.
func (b *book) follow(s *sio.Socket) {
	guard := new(atomic.Bool)
	b.mu.Lock()
	if b.guards == nil {
		b.guards = map[*sio.Socket]*atomic.Bool{}
	}
	b.guards[s] = guard
	b.mu.Unlock()
	if !s.Connected() { // its OnDisconnect hook comes behind this one
		b.forget(s)
	}
	s.OnAny(func(e *sio.Event) { b.event("in", e) })
	s.OnAnyOutgoing(func(e *sio.Event) { b.event("out", e) })
	s.Use(func(e *sio.Event) error {
		if guard.Load() && strings.HasPrefix(e.Name(), "bad") {
			return errRefused
		}
		return nil
	})
}

var errRefused = errors.New("refused")

// guard has bad events of a socket refused, or not.
func (b *book) guard(s *sio.Socket, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g := b.guards[s]; g != nil {
		g.Store(on)
	}
}

func (b *book) forget(s *sio.Socket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.guards, s)
}

func (b *book) event(kind string, e *sio.Event) {
	args := make([]any, e.Len())
	for i := range args {
		args[i] = cut(e, i)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = keep(b.log, maxLog, kind, strings.Clone(e.Socket().ID()), e.Name(), args)
}

// cut returns an argument as the log has it: JSON without attachments, and not
// much of it.
func cut(e *sio.Event, i int) any {
	text := bytes.Clone(e.Arg(i))
	if holdsBinary(text) {
		list := make([]any, i+1)
		var v any
		list[i] = &v
		if e.Decode(list...) == nil {
			text, _ = json.Marshal(plain(v)) // it came from JSON
		}
	}
	if len(text) > maxArgument {
		return string(text[:maxArgument])
	}
	return json.RawMessage(text)
}

// plain shows binary as Node's Buffer shows itself, and of long binary no more
// than cut leaves.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		v = v[:min(len(v), maxArgument)]
		list := make([]int, len(v))
		for i, b := range v {
			list[i] = int(b)
		}
		return map[string]any{"type": "Buffer", "data": list}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

func keep(list []any, limit int, entry ...any) []any {
	if len(list) >= limit {
		list = slices.Delete(list, 0, len(list)-limit+1)
	}
	return append(list, entry)
}

func (b *book) disconnecting(s *sio.Socket, reason sio.DisconnectReason) {
	rooms := sortedRooms(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = keep(b.log, maxLog, "disconnecting", s.ID(), string(reason), rooms)
}

func (b *book) disconnect(s *sio.Socket, reason sio.DisconnectReason) {
	rooms := sortedRooms(s)
	b.forget(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = keep(b.log, maxLog, "disconnect", s.ID(), string(reason), rooms)
	b.reasons = keep(b.reasons, maxReasons, s.ID(), string(reason))
}

func (b *book) error(s *sio.Socket, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = keep(b.log, maxLog, "error", s.ID(), err.Error(), nil)
}

// takeLog returns what was recorded since the last call.
func (b *book) takeLog() []any {
	b.mu.Lock()
	defer b.mu.Unlock()
	log := append([]any{}, b.log...)
	b.log = nil
	return log
}

func (b *book) lastReasons() []any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]any{}, b.reasons...)
}

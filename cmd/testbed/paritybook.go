package main

import (
	"slices"
	"sync"

	"github.com/gannet-io/gannet/sio"
)

// How much a book keeps.
const (
	maxLog     = 10_000
	maxReasons = 100
)

// A book is what happened in one namespace of profile parity.
type book struct {
	mu      sync.Mutex // guards following
	log     []any      // entries as the op log acknowledges them
	reasons []any      // [id, reason] of disconnects
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

package engine

import (
	"errors"
	"hash/maphash"
	"sync"
)

// foreignParts is the number of parts of foreignIDs, a power of two, so that
// loops seldom want the same one.
const foreignParts = 64

// maxForeignID is the length of the longest id that Config.GenerateID may make.
const maxForeignID = 256

var (
	errForeignID   = errors.New("engine: a session id is empty or too long")
	errForeignUsed = errors.New("engine: a session with this id exists")
)

// foreignIDs says where the sessions live whose ids the user has made. Those of
// an IDCodec say it themselves.
type foreignIDs struct {
	// Immutable.
	seed maphash.Seed

	parts [foreignParts]foreignPart
}

type foreignPart struct {
	mu     sync.Mutex // guards following
	places map[string]place
}

// A place is a slot of a shard; slot 0 belongs to nobody yet.
type place struct {
	shard *Shard
	slot  uint32
}

func newForeignIDs() *foreignIDs { return &foreignIDs{seed: maphash.MakeSeed()} }

// claim takes an id for a session of the shard that is about to be made. It
// fails if the id is taken.
func (f *foreignIDs) claim(id string, sh *Shard) error {
	if id == "" || len(id) > maxForeignID {
		return errForeignID
	}
	p := f.part(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.places[id]; taken {
		return errForeignUsed
	}
	if p.places == nil {
		p.places = map[string]place{}
	}
	p.places[id] = place{shard: sh}
	return nil
}

// settle says in which slot the session lives for which id was claimed.
func (f *foreignIDs) settle(id string, sh *Shard, slot uint32) {
	p := f.part(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places[id] = place{sh, slot}
}

// release gives an id back.
func (f *foreignIDs) release(id string) {
	p := f.part(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.places, id)
}

// find returns where the session lives.
func (f *foreignIDs) find(id string) (*Shard, uint32, bool) {
	p := f.part(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.places[id]
	return at.shard, at.slot, ok
}

func (f *foreignIDs) part(id string) *foreignPart {
	return &f.parts[maphash.String(f.seed, id)%foreignParts]
}

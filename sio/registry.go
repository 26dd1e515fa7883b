package sio

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A registry knows the namespaces of a server.
type registry struct {
	// Atomic: replaced under mu, read by everyone. Those that Of has made.
	fixed atomic.Pointer[map[string]*Namespace]
	// Atomic: replaced under mu, read by everyone. In the order of their making.
	parents atomic.Pointer[[]*ParentNamespace]
	// Atomic: replaced under mu, read by everyone. What OnNewNamespace was given.
	created atomic.Pointer[[]func(*Namespace)]

	// Atomic: written by everyone, read by Stats.
	refused atomic.Uint64 // for MaxDynamicNamespaces
	dynamic atomic.Int64  // the number of children

	// Written under mu, read by everyone: the children of parents by name. A
	// client may cause many of them, so one more must not cost a copy of all.
	children sync.Map

	mu sync.Mutex // guards writing of the above
}

// abandoned is the number of users of a child that was empty and is no longer
// in the registry.
const abandoned = math.MinInt32

var errDynamicLimit = errors.New("sio: as many dynamic namespaces as Options.MaxDynamicNamespaces")

// find returns the namespace of a name, or nil.
func (r *registry) find(name []byte) *Namespace {
	if n := (*r.fixed.Load())[string(name)]; n != nil {
		return n
	}
	if r.dynamic.Load() == 0 {
		return nil
	}
	if v, ok := r.children.Load(string(name)); ok {
		if n := v.(*Namespace); n.users.Load() >= 0 {
			return n
		}
	}
	return nil
}

// slowBirth tells whether the making of a namespace may take long: the
// OnNewNamespace hooks and the making of an adapter may block.
func (s *Server) slowBirth() bool { return len(*s.nsps.created.Load()) > 0 || s.opts.Adapter != nil }

// all returns every namespace.
func (r *registry) all() (list []*Namespace) {
	r.each(func(n *Namespace) { list = append(list, n) })
	return list
}

// each calls f with every namespace.
func (r *registry) each(f func(*Namespace)) {
	for _, n := range *r.fixed.Load() {
		f(n)
	}
	r.children.Range(func(_, v any) bool {
		f(v.(*Namespace))
		return true
	})
}

// Of returns the namespace with the given name, which is created if it does
// not exist. A leading slash may be left out. Clients can connect to a
// namespace from the moment it exists, or when the hooks of OnNewNamespace have
// returned. A new one whose name matches the pattern of an OfRegexp is its
// child.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if n := s.nsps.find([]byte(name)); n != nil {
		return n
	}
	var parent *ParentNamespace
	for _, p := range *s.nsps.parents.Load() {
		if p.pattern != nil && p.pattern.MatchString(name) {
			parent = p
			break
		}
	}
	n, _ := s.create(name, parent, math.MaxInt64)
	return n
}

// OnNewNamespace adds h to what is called when a namespace has been created, by
// Of or because a client has asked for one that OfRegexp or OfFunc allows. It
// is for every namespace but "/", before a client can connect to it, so that h
// may register what the namespace is to do. It runs on the goroutine that calls
// Of, or on a worker, and may block.
func (s *Server) OnNewNamespace(h func(*Namespace)) {
	r := &s.nsps
	r.mu.Lock()
	defer r.mu.Unlock()
	list := append(slices.Clip(*r.created.Load()), h)
	r.created.Store(&list)
}

// create makes a namespace, unless it has been made meanwhile. It is then that
// of a parent, or of nobody if parent is nil. limit bounds the number of
// children.
func (s *Server) create(name string, parent *ParentNamespace, limit int64) (*Namespace, error) {
	r := &s.nsps
	fresh := newNamespace(s, name)
	r.mu.Lock()
	if n := r.find([]byte(name)); n != nil {
		r.mu.Unlock()
		return n, nil
	}
	if parent != nil && r.dynamic.Load() >= limit {
		r.mu.Unlock()
		r.refused.Add(1)
		return nil, errDynamicLimit
	}
	hooks := *r.created.Load()
	if s.slowBirth() {
		fresh.ready = make(chan struct{})
		defer close(fresh.ready)
	}
	if parent != nil {
		fresh.inherit(parent)
		r.children.Store(name, fresh)
		r.dynamic.Add(1)
	} else {
		next := maps.Clone(*r.fixed.Load())
		next[name] = fresh
		r.fixed.Store(&next)
	}
	r.mu.Unlock()
	if s.opts.Adapter != nil {
		fresh.connectAdapter()
	}
	for _, h := range hooks {
		h(fresh)
	}
	return fresh, nil
}

// remove takes an abandoned child out.
func (r *registry) remove(n *Namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dynamic.Add(-1)
	r.children.CompareAndDelete(n.name, n) // another one may have its name by now
}

// isReady tells whether clients may connect.
func (n *Namespace) isReady() bool {
	if n.ready == nil {
		return true
	}
	select {
	case <-n.ready:
		return true
	default:
		return false
	}
}

// hold keeps a namespace from being removed until drop. It fails if it has
// been.
func (n *Namespace) hold() bool {
	if n.parent == nil {
		return true
	}
	for {
		v := n.users.Load()
		if v < 0 {
			return false
		}
		if n.users.CompareAndSwap(v, v+1) {
			return true
		}
	}
}

// drop undoes hold. A child that nobody needs any more is removed if the
// options say so.
func (n *Namespace) drop() {
	if n.parent == nil || n.users.Add(-1) > 0 || !n.srv.opts.CleanupEmptyChildNamespaces {
		return
	}
	if n.users.CompareAndSwap(0, abandoned) {
		n.srv.nsps.remove(n)
		if n.log != nil {
			n.log.close()
		}
		if n.adapter.Load() != nil {
			n.srv.background(func() { n.srv.logError(n.closeAdapter(context.Background())) })
		}
	}
}

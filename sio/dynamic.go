package sio

import (
	"encoding/json"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
)

// A ParentNamespace stands for the namespaces of a family: those whose names
// match a pattern, or that a function allows. Each is created when the first
// client connects to it, and gets what was registered with the parent so far;
// what is registered later is for those that come later. Clients cannot connect
// to the parent itself. All its methods may be called from any goroutine.
type ParentNamespace struct {
	// Immutable after newParent.
	pattern *regexp.Regexp
	allow   func(name string, auth json.RawMessage) (bool, error)
	base    *Namespace // has no sockets: what children get
}

// OfRegexp returns a new parent for the namespaces whose names match the
// pattern: clients can connect to them without Of. Names begin with a slash, as
// in "^/room-[0-9]+$". Parents are asked in the order of their registration,
// and namespaces that exist go before all of them.
func (s *Server) OfRegexp(re *regexp.Regexp) *ParentNamespace {
	return s.newParent(&ParentNamespace{pattern: re})
}

// OfFunc returns a new parent for the namespaces that allow lets clients have:
// it is asked when a client connects to one that does not exist. auth is the
// client's auth payload, "{}" if it sent none. An error is a no. It runs on a
// worker and may block; only that client's CONNECT waits.
func (s *Server) OfFunc(allow func(name string, auth json.RawMessage) (bool, error)) *ParentNamespace {
	return s.newParent(&ParentNamespace{allow: allow})
}

func (s *Server) newParent(p *ParentNamespace) *ParentNamespace {
	r := &s.nsps
	r.mu.Lock()
	defer r.mu.Unlock()
	list := *r.parents.Load()
	p.base = bareNamespace(s, "/_"+strconv.Itoa(len(list)))
	p.base.family = p
	list = append(slices.Clip(list), p)
	r.parents.Store(&list)
	return p
}

// Name returns the name of the parent, such as "/_0".
func (p *ParentNamespace) Name() string { return p.base.name }

// Server returns the server of the parent.
func (p *ParentNamespace) Server() *Server { return p.base.srv }

// Children returns the namespaces of the family that exist now, in no
// particular order.
func (p *ParentNamespace) Children() []*Namespace {
	var list []*Namespace
	p.base.srv.nsps.children.Range(func(_, v any) bool {
		if n := v.(*Namespace); n.parent == p && n.users.Load() >= 0 {
			list = append(list, n)
		}
		return true
	})
	return list
}

// OnConnection is Namespace.OnConnection for the children to come.
func (p *ParentNamespace) OnConnection(h func(*Socket)) { p.base.OnConnection(h) }

// OnDisconnecting is Namespace.OnDisconnecting for the children to come.
func (p *ParentNamespace) OnDisconnecting(h func(*Socket, DisconnectReason)) {
	p.base.OnDisconnecting(h)
}

// OnDisconnect is Namespace.OnDisconnect for the children to come.
func (p *ParentNamespace) OnDisconnect(h func(*Socket, DisconnectReason)) { p.base.OnDisconnect(h) }

// OnError is Namespace.OnError for the children to come.
func (p *ParentNamespace) OnError(h func(*Socket, error)) { p.base.OnError(h) }

// OnDrain is Namespace.OnDrain for the children to come.
func (p *ParentNamespace) OnDrain(h func(*Socket)) { p.base.OnDrain(h) }

// Use is Namespace.Use for the children to come.
func (p *ParentNamespace) Use(m func(*Socket) error) { p.base.Use(m) }

// Handle is Namespace.Handle for the children to come.
func (p *ParentNamespace) Handle(event string, h HandlerFunc) { p.base.Handle(event, h) }

// Off is Namespace.Off for the children to come.
func (p *ParentNamespace) Off(event string) { p.base.Off(event) }

// Inline is Namespace.Inline for the children to come.
func (p *ParentNamespace) Inline() Registrar { return p.base.Inline() }

// SetSlowConsumer is Namespace.SetSlowConsumer for the children to come.
func (p *ParentNamespace) SetSlowConsumer(policy SlowPolicy) { p.base.SetSlowConsumer(policy) }

// OnServerSide is Namespace.OnServerSide for the children to come.
func (p *ParentNamespace) OnServerSide(event string, h func(*ServerEvent)) {
	p.base.OnServerSide(event, h)
}

// Emit sends an event to every socket of every child.
func (p *ParentNamespace) Emit(event string, args ...any) error { return p.base.Emit(event, args...) }

// Send sends a message that was encoded before to every socket of every child.
func (p *ParentNamespace) Send(m *Message) error { return p.base.Send(m) }

// All returns a Target with every socket of every child. With a Target of a
// parent, EmitWithAck and Gather return ErrParentNamespace.
func (p *ParentNamespace) All() Target { return p.base.target() }

// To returns a Target with the sockets in any of the rooms of any child; see
// All.
func (p *ParentNamespace) To(rooms ...string) Target { return p.base.To(rooms...) }

// In is To.
func (p *ParentNamespace) In(rooms ...string) Target { return p.base.To(rooms...) }

// Except returns a Target with the sockets of all children that are in none of
// the rooms; see All.
func (p *ParentNamespace) Except(rooms ...string) Target { return p.base.Except(rooms...) }

// eachChild does something to the Target in each child, and returns the first
// error.
func (t Target) eachChild(do func(Target) error) error {
	var first error
	for _, n := range t.nsp.family.Children() {
		t.nsp = n
		if err := do(t); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// inherit gives a new namespace what its parent has.
func (n *Namespace) inherit(p *ParentNamespace) {
	n.parent = p
	if n.log != nil {
		n.log.budget = &n.srv.childLogs
	}
	n.handlers.Store(p.base.handlers.Load())
	n.hooks.Store(p.base.hooks.Load())
	n.serverSide.Store(p.base.serverSide.Load())
	n.SetSlowConsumer(p.base.SlowConsumer())
}

// seek looks for the namespace of a CONNECT, on the loop: one that exists, or one
// that a pattern allows, which is created. The namespace is held; without take
// it is only looked for. Where somebody is needed who may block, ask says so.
func (s *Server) seek(name []byte, take bool) (n *Namespace, ask bool) {
	r := &s.nsps
	for n = r.find(name); n != nil && n.isReady(); n = r.find(name) {
		if !take || n.hold() {
			return n, false
		}
	}
	if n != nil {
		return nil, true // the hooks are still at it
	}
	for _, p := range *r.parents.Load() {
		switch {
		case p.allow != nil:
			return nil, true
		case !p.pattern.Match(name):
		case s.slowBirth() || !take:
			return nil, true
		default:
			return s.child(string(name), p), false
		}
	}
	return nil, false
}

// child returns the namespace of that name, which is created if need be, and
// holds it. It is nil if there are too many.
func (s *Server) child(name string, p *ParentNamespace) *Namespace {
	for {
		n, err := s.create(name, p, int64(s.opts.MaxDynamicNamespaces))
		if err != nil {
			return nil
		}
		if n.hold() {
			return n
		}
	}
}

// find is seek for those who may block.
func (s *Server) find(name string, auth json.RawMessage) *Namespace {
	if len(auth) == 0 {
		auth = json.RawMessage("{}")
	}
	n := s.nsps.find([]byte(name))
	if n == nil {
		p := s.parentOf(name, auth)
		if p == nil {
			return nil
		}
		if n = s.child(name, p); n == nil {
			return nil
		}
	} else if !n.hold() {
		return s.find(name, auth)
	}
	if n.ready != nil {
		<-n.ready
	}
	return n
}

// parentOf returns the first parent that lets a client have the namespace.
func (s *Server) parentOf(name string, auth json.RawMessage) *ParentNamespace {
	for _, p := range *s.nsps.parents.Load() {
		if p.pattern != nil && p.pattern.MatchString(name) || p.allow != nil && p.allows(name, auth) {
			return p
		}
	}
	return nil
}

// allows asks the function of a parent. One that panics says no.
func (p *ParentNamespace) allows(name string, auth json.RawMessage) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			ok = false
			p.base.srv.opts.Logger.Error("sio: panic in the function of OfFunc; the namespace is refused",
				"nsp", name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	ok, err := p.allow(name, slices.Clone(auth))
	return ok && err == nil
}

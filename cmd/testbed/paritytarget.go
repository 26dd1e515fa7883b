package main

import (
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A targetSpec says in JSON whom an operation is for.
type targetSpec struct {
	From     string   `json:"from"` // "server", "socket" (default) or "broadcast"
	To       []string `json:"to"`
	Except   []string `json:"except"`
	Volatile bool     `json:"volatile"`
	Compress *bool    `json:"compress"`
	Local    bool     `json:"local"`
	Timeout  *float64 `json:"timeout"` // in milliseconds
}

// one tells whether the target is the socket itself.
func (t *targetSpec) one() bool {
	return t.From != "server" && t.From != "broadcast" && len(t.To) == 0 && len(t.Except) == 0
}

// build makes the target with the methods that an application would use.
func (t *targetSpec) build(s *sio.Socket) (sio.Target, error) {
	target, err := t.base(s)
	if err != nil {
		return target, err
	}
	if t.Volatile {
		target = target.Volatile()
	}
	if t.Compress != nil {
		target = target.Compress(*t.Compress)
	}
	if t.Local {
		target = target.Local()
	}
	if t.Timeout != nil {
		target = target.Timeout(time.Duration(*t.Timeout * float64(time.Millisecond)))
	}
	return target, nil
}

// base is the target without its flags.
func (t *targetSpec) base(s *sio.Socket) (sio.Target, error) {
	var target sio.Target
	switch t.From {
	case "server":
		target = s.Namespace().All()
	case "broadcast":
		target = s.Broadcast()
	case "", "socket":
		switch {
		case len(t.To) > 0:
			return except(s.To(t.To...), t.Except), nil
		case len(t.Except) > 0:
			return s.Except(t.Except...), nil
		}
		return s.Compress(true), nil
	default:
		return target, usagef("unknown target %q", t.From)
	}
	if len(t.To) > 0 {
		target = target.To(t.To...)
	}
	return except(target, t.Except), nil
}

func except(t sio.Target, rooms []string) sio.Target {
	if len(rooms) == 0 {
		return t
	}
	return t.Except(rooms...)
}

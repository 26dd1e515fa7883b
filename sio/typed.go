package sio

import (
	"context"
	"errors"
)

var errOneSocket = errors.New("sio: EmitAck needs the Target of one socket; use EmitWithAck or Gather")

// On registers a handler whose argument is decoded before it is called: the
// event's first argument into a T. An event that cannot be decoded does not
// reach h; its *DecodeError is reported to Trace.HandlerError.
func On[T any](r Registrar, event string, h func(*Event, T) error) {
	r.Handle(event, func(e *Event) error {
		var v T
		if err := e.Decode(&v); err != nil {
			return err
		}
		return h(e, v)
	})
}

// OnCall registers a handler whose result is the acknowledgement. An error is
// acknowledged as {"error": message, "data": data}, with the message and data
// of an *Error and "internal error" for any other.
func OnCall[Req, Res any](r Registrar, event string, h func(*Event, Req) (Res, error)) {
	r.Handle(event, func(e *Event) error {
		var req Req
		if err := e.Decode(&req); err != nil {
			return errors.Join(err, answer(e, &Error{Message: "invalid arguments"}))
		}
		res, err := h(e, req)
		if err != nil {
			return errors.Join(err, answer(e, clientError(err)))
		}
		if !e.WantsAck() {
			return nil
		}
		return e.Ack(res)
	})
}

// answer acknowledges an error, if the client waits.
func answer(e *Event, err *Error) error {
	if !e.WantsAck() {
		return nil
	}
	body := map[string]any{"error": err.Message}
	if err.Data != nil {
		body["data"] = err.Data
	}
	return e.Ack(body)
}

// Request sends an event to one client and decodes the first argument of its
// answer into a Res. See Socket.EmitWithAck for how long it waits.
func Request[Res any](ctx context.Context, s *Socket, event string, args ...any) (Res, error) {
	var res Res
	r, err := s.EmitWithAck(ctx, event, args...)
	if err != nil {
		return res, err
	}
	err = r.Decode(&res)
	return res, err
}

// A Name is the name of an event whose argument is a T: a constant that keeps
// both ends in step.
type Name[T any] string

// On registers a handler for the event.
func (n Name[T]) On(r Registrar, h func(*Event, T) error) { On(r, string(n), h) }

// Emit sends the event to a target: a *Socket, a *Namespace or a Target.
func (n Name[T]) Emit(to Emitter, v T) error { return to.Emit(string(n), v) }

// A CallName is the name of an event that takes a Req and is acknowledged with
// a Res.
type CallName[Req, Res any] string

// On registers a handler for the event.
func (n CallName[Req, Res]) On(r Registrar, h func(*Event, Req) (Res, error)) {
	OnCall(r, string(n), h)
}

// Request sends the event to a client and waits for its answer.
func (n CallName[Req, Res]) Request(ctx context.Context, s *Socket, v Req) (Res, error) {
	return Request[Res](ctx, s, string(n), v)
}

// An Emitter is what events can be sent to: a *Socket, a *Namespace, a *Server
// or a Target.
type Emitter interface {
	Emit(event string, args ...any) error
}

package sio

import (
	"context"
	"log/slog"
)

// A guardedLog is a handler of the user's whose panics go no further. It is
// called in the middle of things: a loop that reports the panic of a handler is
// not to be left where it is. What it would have logged is lost, because there is
// nobody left to tell.
type guardedLog struct{ slog.Handler }

// guardedLogger returns a Logger that does not panic.
func guardedLogger(l *slog.Logger) *slog.Logger {
	if _, ok := l.Handler().(guardedLog); ok {
		return l
	}
	return slog.New(guardedLog{l.Handler()})
}

// Enabled implements slog.Handler.
func (g guardedLog) Enabled(ctx context.Context, level slog.Level) (on bool) {
	defer func() { _ = recover() }()
	return g.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (g guardedLog) Handle(ctx context.Context, r slog.Record) error {
	defer func() { _ = recover() }()
	return g.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (g guardedLog) WithAttrs(attrs []slog.Attr) (with slog.Handler) {
	defer func() {
		if recover() != nil {
			with = g
		}
	}()
	return guardedLog{g.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (g guardedLog) WithGroup(name string) (with slog.Handler) {
	defer func() {
		if recover() != nil {
			with = g
		}
	}()
	return guardedLog{g.Handler.WithGroup(name)}
}

package main

import (
	"errors"
	"os"
	"syscall"
)

// Exit statuses besides 0. A command that says nothing else ends with 1.
const (
	exitFailed  = 1 // it could not run
	exitUsage   = 2 // it was called wrongly
	exitVerdict = 3 // it ran, and what it measured is not good enough

	exitSignal = 128 // a signal ended it: that many more than the number of the signal
)

// An exitError is an error that ends the command with its own status.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

// usage is a mistake in how the command was called.
func usage(err error) error { return &exitError{exitUsage, err} }

// status returns the exit status for what a command has returned.
func status(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.status
	default:
		return exitFailed
	}
}

// An interruption is the signal that has ended a command early.
type interruption struct{ sig os.Signal }

func (i interruption) Error() string { return "interrupted" }

// status returns the exit status that shells know for it.
func (i interruption) status() int {
	if n, ok := i.sig.(syscall.Signal); ok {
		return exitSignal + int(n)
	}
	return exitFailed
}

//go:build !linux || (!amd64 && !arm64)

package main

import "errors"

type server struct{ addr string }

func listen(string) (*server, error) {
	return nil, errors.New("it measures epoll, which is Linux on amd64 and arm64")
}

func (s *server) run() error { return errors.New("not supported") }

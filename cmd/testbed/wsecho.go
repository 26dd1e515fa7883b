package main

import (
	"context"

	"github.com/gannet-io/gannet/internal/engine"
)

// echoLimit is the largest message of profile ws-echo.
const echoLimit = 16 << 20

// startWSEcho is profile ws-echo: bare WebSocket, without Engine.IO.
func startWSEcho(_ context.Context, c *config) (service, error) {
	return newEngine(c, engine.EchoConfig(), echo{})
}

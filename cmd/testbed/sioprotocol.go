package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// authPause is how long profile sio-protocol waits before it emits auth. The
// official suite listens for one message at a time, and misses the second of
// two that arrive together, as the answer to CONNECT and this one would.
const authPause = 25 * time.Millisecond

// startSIOProtocol is profile sio-protocol, startMsgpackProtocol the one of the
// msgpack parser.
func startSIOProtocol(_ context.Context, c *config) (service, error) {
	return sioProtocol(c, sio.ParserJSON)
}

func startMsgpackProtocol(_ context.Context, c *config) (service, error) {
	return sioProtocol(c, sio.ParserMsgpack)
}

func sioProtocol(c *config, parser sio.Parser) (service, error) {
	o := &sio.Options{
		Parser:         parser,
		PingInterval:   300 * time.Millisecond,
		PingTimeout:    200 * time.Millisecond,
		ConnectTimeout: time.Second,
		CORS:           anyOrigin(),
	}
	return newSIO(c, o, func(srv *sio.Server) {
		for _, n := range []*sio.Namespace{srv.Root(), srv.Of("/custom")} {
			n.OnConnection(func(s *sio.Socket) {
				time.Sleep(authPause)
				_ = s.Emit("auth", authOf(s)) // a socket that has gone needs none
			})
		}
		on := c.handlers(srv.Root())
		on.Handle("message", func(e *sio.Event) error { return e.Socket().Emit("message-back", e.Args()...) })
		on.Handle("message-with-ack", func(e *sio.Event) error { return acknowledge(e, e.Args()...) })
	})
}

// authOf returns the auth payload of a socket, and {} where there was none,
// as Node has it.
func authOf(s *sio.Socket) json.RawMessage {
	auth := json.RawMessage("{}")
	_ = s.Auth(&auth) // it is JSON, and any JSON goes into a RawMessage
	return auth
}

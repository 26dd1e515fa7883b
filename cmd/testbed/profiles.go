package main

import (
	"context"
	"io"
	"net"
)

// A service is what a profile serves.
type service interface {
	// Listen opens a listener and returns its address.
	Listen(network, addr string) (net.Addr, error)
	// ListenTLS is Listen for encrypted connections.
	ListenTLS(network, addr, certFile, keyFile string) (net.Addr, error)
	// Wait blocks until the service has been shut down or has failed.
	Wait() error
	// Shutdown ends the service cleanly.
	Shutdown(ctx context.Context) error
	// counters returns the figures of -stats-json after Shutdown.
	counters() counters
}

// A profile is a way for the testbed to behave.
type profile struct {
	name  string
	about string
	port  string   // "" means 3000
	flags []string // those of limitedFlags that it takes

	// start makes the service. What it starts besides ends with ctx and is
	// joined through config.background.
	start func(ctx context.Context, c *config) (service, error)
}

var sioFlags = []string{"path", "client-dir", "drop-handshake"}

func with(flags ...string) []string { return append(flags, sioFlags...) }

// profiles are all profiles, in the order of -list.
var profiles = []profile{
	{name: "bench", about: "echo, broadcast and rooms", flags: with("inline", "set"), start: startBench},
	{
		name: "ticker", about: "bench, and the server emits -hz times a second",
		flags: with("inline", "hz", "payload", "volatile", "conflate"), start: startTicker,
	},
	{
		name: "eio-protocol", about: "bare Engine.IO 4 that echoes, with short heartbeats",
		flags: []string{"path", "inline"}, start: startEngine,
	},
	{
		name: "eio3-protocol", about: "eio-protocol that also takes Engine.IO 3",
		flags: []string{"path", "inline"}, start: startEngine3,
	},
	{
		name: "sio-protocol", about: "the server of the Socket.IO protocol's test suite",
		flags: with("inline"), start: startSIOProtocol,
	},
	{
		name: "sio-protocol-msgpack", about: "sio-protocol with the msgpack parser",
		flags: with("inline"), start: startMsgpackProtocol,
	},
	{
		name: "sio-client", about: "the server of the official JavaScript client's tests", port: "3210",
		flags: with(), start: startSIOClient,
	},
	{
		name: "eio-client", about: "the server of the official Engine.IO client's tests",
		flags: []string{"path"}, start: startEngineClient,
	},
	{
		name: "ws-echo", about: "bare WebSocket that echoes, at any path",
		start: startWSEcho,
	},
	{name: "chat", about: "rooms, typing notices and acks", flags: with(), start: startChat},
	{
		name: "parity", about: "the whole server API by remote control",
		flags: with("set"), start: startParity,
	},
}

func (p *profile) defaultAddr() string {
	if p.port == "" {
		return "127.0.0.1:3000"
	}
	return "127.0.0.1:" + p.port
}

// printProfiles is -list.
func printProfiles(w io.Writer) {
	for _, p := range profiles {
		say(w, "%-21s %s", p.name, p.about)
	}
}

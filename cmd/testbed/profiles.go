package main

import (
	"context"
	"fmt"
	"io"
	"net"
)

// A service is what a profile serves.
type service interface {
	// Listen opens a listener and returns its address.
	Listen(network, addr string) (net.Addr, error)
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
	needs string   // the capability without which there is no profile yet
	note  string   // what it lacks without being useless, said at the start

	// start makes the service. What it starts besides ends with ctx and is
	// joined through config.background.
	start func(ctx context.Context, c *config) (service, error)
}

var sioFlags = []string{"path", "drop-handshake"}

func with(flags ...string) []string { return append(flags, sioFlags...) }

// profiles are all profiles, in the order of -list.
var profiles = []profile{
	{name: "bench", about: "echo, broadcast and rooms", flags: with("inline"), start: startBench},
	{name: "eio-protocol", about: "bare Engine.IO 4 that echoes, with short heartbeats", flags: []string{"path", "inline"}, start: startEngine},
	{name: "eio3-protocol", about: "eio-protocol that also takes Engine.IO 3", needs: "Engine.IO 3"},
	{name: "sio-protocol", about: "the server of the Socket.IO protocol's test suite", flags: with("inline"), start: startSIOProtocol},
	{name: "sio-protocol-msgpack", about: "sio-protocol with the msgpack parser", needs: "the msgpack parser"},
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
		about := p.about
		if p.needs != "" {
			about += " (not supported yet)"
		}
		fmt.Fprintf(w, "%-21s %s\n", p.name, about)
	}
}

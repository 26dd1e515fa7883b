package main

import "context"

// A rival is a server of somebody else that is measured beside Gannet. Its
// process prints "listening on http://ADDR" once it accepts connections and
// answers the events of the testbed's profile bench.
type rival struct {
	name  string // on the command line and in results
	title string // in tables: product, version, engine
	// plain says that it speaks bare WebSocket: the same events as text frames,
	// without the handshake of Engine.IO and Socket.IO.
	plain bool
	// install puts what the server needs into dir, by its own package manager
	// and at exact versions. It may be called again on a dir that is complete.
	install func(ctx context.Context, dir string) error
	// command is how the installed server is started; env is added to the
	// environment.
	command func(dir string) (argv, env []string)
	// skip has the scenarios that it is not measured in, and why.
	skip map[string]string
}

// rivals are listed in the order in which the tables show them.
var rivals []rival

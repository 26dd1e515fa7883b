package main

import (
	"context"
	"path/filepath"
	"time"
)

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
	// warm is the CPU time that it is kept busy for before its time is taken:
	// compilers at run time want it.
	warm time.Duration
	// skip has the scenarios that it is not measured in, and why.
	skip map[string]string
}

// rivals are listed in the order in which the tables show them. Their sources
// are in bench/rivals, with a README on how each is set up.
var rivals = []rival{
	{
		name: "node-ws", title: "Socket.IO 4.8.4, Node.js, ws",
		install: installNodeWS,
		command: func(string) (argv, env []string) {
			return append([]string{"node", "e2e/reference/testbed.mjs", "-profile", "bench"}, addrFlag...), production
		},
	},
	{
		name: "node-uws", title: "Socket.IO 4.8.4, Node.js, uWebSockets.js 20.57.0",
		install: installNode,
		command: func(dir string) (argv, env []string) { return nodeCommand(dir, "node-uws.mjs"), production },
	},
	{
		name: "uws-plain", title: "uWebSockets.js 20.57.0 alone", plain: true,
		install: installNode,
		command: func(dir string) (argv, env []string) { return nodeCommand(dir, "uws-plain.mjs"), production },
	},
	{
		name: "zishang520", title: "zishang520/socket.io 3.0.2, Go",
		install: buildGo("zishang520"), command: binary("server"),
		skip: map[string]string{"churn": "clients that have gone keep their descriptors until the garbage is collected"},
	},
	{
		name: "socketioxide", title: "socketioxide 0.18.9, Rust, axum",
		install: installCargo, command: binary("target/release/rival-socketioxide"),
	},
	{
		name: "netty-socketio", title: "netty-socketio 2.0.14, Java, epoll",
		install: installMaven, command: javaCommand, warm: 10 * time.Second,
		skip: map[string]string{"polling": "it closes each connection that it has promised to keep alive"},
	},
	{
		name: "python-socketio", title: "python-socketio 5.18.1, uvicorn 0.54.0, uvloop",
		install: installPython,
		command: func(dir string) (argv, env []string) {
			return append([]string{filepath.Join(dir, "venv", "bin", "python"), source("python-socketio/server.py")}, addrFlag...), nil
		},
	},
	{
		name: "gws", title: "gws 1.8.9 alone, Go", plain: true,
		install: buildGo("gws"), command: binary("server"),
	},
	{
		name: "gnet-gobwas", title: "gnet 2.10.0 with gobwas/ws 1.4.0 alone, Go", plain: true,
		install: buildGo("gnet-gobwas"), command: binary("server"),
	},
}

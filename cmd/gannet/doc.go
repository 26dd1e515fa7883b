// Command gannet serves Socket.IO, and puts load on servers.
//
//	gannet serve [flags]
//	gannet bench SCENARIO URL [flags]
//	gannet bench compare A.json B.json
//
// serve runs a server with a chat page at / and a page of its figures at
// /stats. Every flag is also a variable (--ping-interval is
// GANNET_PING_INTERVAL) and a key of the YAML file that --config names; a flag
// goes before a variable, a variable before the file. --print-config shows
// what is in force and from where.
//
// bench runs a load test of bench/scenario and shows the result; docs/bench.md
// explains it.
//
// What it is not: a place for behaviour that others need. Whatever a program
// with a Socket.IO server needs is in package sio.
//
//	flags, variables, file ─▶ config ─▶ sio.Server ◀─ chat     on /chat
//	                                        │      ◀─ figures  on /stats-feed
//	                                        └─ Fallback ─▶ site: pages, health
//	SIGTERM ─▶ /readyz says 503 ─▶ drain-delay ─▶ Server.Shutdown ─▶ exit 0
//	a second signal ─▶ exit 143 at once
//
// The address goes to standard output, everything else to standard error. An
// error is one line there, and the exit status 1, or what bench says.
//
// Concurrency: main waits for signals; the server's loops and workers do the
// rest.
package main

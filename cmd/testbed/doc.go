// Testbed is a small server that test suites, foreign clients and load
// generators are pointed at:
//
//	go run ./cmd/testbed -addr 127.0.0.1:3000 -profile bench
//
// What it is not: a product. Nothing here authenticates anybody, and profile
// parity does whatever its clients say.
//
//	command line ──▶ config ──▶ profile.start ──▶ service
//	                                                 │
//	signal ──▶ run: listen, one line on stdout, wait, Shutdown, -stats-json
//
// It prints one line "listening on http://ADDR", or https:// with -tls-cert and
// -tls-key, on standard output when it
// accepts connections, runs until SIGTERM or SIGINT, and exits 0. A mistake
// on the command line, or a capability that has not landed yet, is one line
// on standard error and exit status 2. `-list` prints the profiles.
//
// The profiles use the public API of sio alone, except eio-protocol,
// eio3-protocol, eio-client and ws-echo, which serve the layers below it.
//
// Concurrency: run starts everything and joins it. Handlers of the profiles
// run on the workers of sio, or with -inline on its loops.
package main

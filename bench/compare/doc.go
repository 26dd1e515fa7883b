// Command compare measures servers side by side: each is started on one core,
// the client runs on another, the servers take turns within one scenario, and
// what counts is the server's CPU time, all threads together, for each delivered
// message, connection or handshake. The bare loop of bench/floor takes its turn
// with them, and ratios are taken within a turn.
//
//	go run ./bench/compare -runs 5 -scenario echo,echo16
//	go run ./bench/compare -quick
//	go run ./bench/compare -json bench/results/all.json -update BENCHMARKS.md
//	go run ./bench/compare -from bench/results/all.json -update BENCHMARKS.md
//
// Some scenarios compare variants: a server with compression, TLS, the msgpack
// parser or connection state recovery takes turns with the same without it, and
// with the official server in both forms. Their tables are apart, and -tables
// rewrites these alone.
//
// What is in flight is closed loop: a new broadcast starts when one has been
// delivered to all, a new echo when one has come back. So servers can merge
// messages only where more than one is in flight.
package main

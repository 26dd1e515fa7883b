// Package puff decompresses DEFLATE in the most obvious way (RFC 1951): bit by
// bit, with no table, after the program of that name which comes with zlib. It
// is an oracle for tests, which ask it what other decoders do not tell: how far
// back the matches reach, and so whether a sender keeps to its window.
//
// # What it is not
//
// Fast, or fit for what a peer has sent: it is not bounded.
//
// # Concurrency
//
// A Decoder belongs to one goroutine.
package puff

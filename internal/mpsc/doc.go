// Package mpsc is a bounded ring that many goroutines push to and one pops
// from, without locks or allocation.
//
// What it is not: a channel. Nobody waits here; a full ring refuses, and
// waking the consumer is the caller's business.
//
//	producer ─┐ claim a cell (CAS on tail), write, publish its sequence
//	producer ─┼──▶ [ seq│v ][ seq│v ][ seq│v ] … ──▶ consumer: Pop
//	producer ─┘
//
// TryPush, Len, Close and Closed may be called from any goroutine, Pop and
// Drain from one goroutine at a time. Values of one producer are popped in the
// order in which they were pushed.
package mpsc

// Package scenario runs load tests: it opens connections, sends messages that
// can be recognised, and checks and times every one that comes back.
//
// What it is not: a way to show results, which is package report, and a client,
// which is package load.
//
//	Config ──▶ Run ──▶ open ──▶ join rooms ──▶ warm up ──▶ measure ──▶ drain ──▶ report.Result
//	                                              │            each second: report.Sample
//	          worker: one for each event loop     ▼
//	          schedule ──▶ sender ──▶ stamp ──▶ server ──▶ packet ──▶ stamp ──▶ track ──▶ histogram
//
// A stamp is the first 32 bytes of each payload: who sent it, its number, when,
// for which room, and a check of the whole payload. A track is what one receiver
// has had of one sender; from it come the messages that were lost, duplicated
// and reordered.
//
// Run may be called from any goroutine; runs are independent of each other.
package scenario

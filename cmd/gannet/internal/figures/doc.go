// Package figures samples a server once a second and tells those who watch.
//
// What it is not: a metrics system. It keeps the last ten minutes in memory,
// for one page.
//
//	sio.Server.Stats ──every 200 ms──▶ how long it took: the loops' lag
//	        │
//	        └──every second──▶ Sample (rates since the last one) ──▶ history
//	                                        │                           │
//	                     namespace: "sample" to all    "history" to who connects
//	                                        └── Since: the same as JSON ┘
//
// Stats waits its turn on every loop, one after the other, so its time is what
// an event would have waited: the lag of a sample is the worst of its second.
//
// Concurrency: a Sampler may be used from any goroutine. Its own goroutine
// runs from Start to Stop.
package figures

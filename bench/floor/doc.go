// Command floor is the least that a server in Go can spend on a message: a
// bare epoll loop on one goroutine which makes one system call for every
// frame, with the call, the flags and the bytes of the reactor's own flush. The
// benchmarks divide by what it costs.
//
//	epoll_pwait ──▶ read ──▶ frame, unmasked in place ──▶ sendto(fd, frame) once for each receiver
//
// What it is not: a server. It speaks WebSocket without Engine.IO and Socket.IO,
// trusts its peers, allocates as it likes outside the measured paths and merges
// nothing. Its messages are those of the testbed's profile bench as text frames:
//
//	42["echo",X]         the same frame comes back
//	42["broadcast",X]    the same frame goes to everybody
//	42["join","R"]       joins R, and 42["joined","R"] comes back
//	42["leave","R"]      leaves it, and 42["left","R"] comes back
//	42["room","R",X]     42["room",X] goes to everybody in R
//
// The process has one goroutine on one thread and uses raw system calls, epoll
// included: nothing tells the scheduler, and SIGTERM ends it at once.
package main

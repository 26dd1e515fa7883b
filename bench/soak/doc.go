// Package soak holds the tests that need many connections or much time: they
// start the testbed as a process of its own, because client and server
// together need more descriptors than one process may have.
//
// With GANNET_SOAK=15000 in the environment (make soak) they run at that size,
// otherwise at a small one.
package soak

// Package testcert makes certificates for tests, so that none is checked in.
//
// # What it is not
//
// It is no certificate authority: a certificate signs itself, is for loopback
// and one name, and nobody should trust it outside a test.
//
// # Data flow
//
//	New(name) ─▶ Cert ─┬─▶ TLS()   for a server
//	                   ├─▶ Pool()  for a client that trusts it
//	                   └─▶ Write(dir) ─▶ cert.pem, key.pem
//
// # Concurrency
//
// A Cert is immutable.
package testcert

//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/testcert"
	"github.com/gannet-io/gannet/loop"
)

// versions restrict a configuration to one of the protocols that a server
// offers by itself.
var versions = map[string]func(*tls.Config){
	"TLS 1.2": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
	"TLS 1.3": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS13, tls.VersionTLS13 },
}

// listenTLS opens an encrypted listener. change may alter its configuration.
func listenTLS(t *testing.T, r *loop.Reactor, change func(*tls.Config)) (addr string, client *tls.Config) {
	t.Helper()
	cert := testcert.New(t, "first.example")
	cfg := &tls.Config{Certificates: []tls.Certificate{cert.TLS()}}
	if change != nil {
		change(cfg)
	}
	a, err := r.ListenTLS("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatalf("ListenTLS: %v", err)
	}
	return a.String(), cert.Client()
}

// dialTLS connects and completes the handshake.
func dialTLS(t *testing.T, addr string, cfg *tls.Config) *tls.Conn {
	t.Helper()
	return shake(t, dial(t, addr), cfg)
}

// shake completes the handshake of a client over nc.
func shake(t *testing.T, nc net.Conn, cfg *tls.Config) *tls.Conn {
	t.Helper()
	c := tls.Client(nc, cfg)
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if err := c.Handshake(); err != nil {
		t.Fatalf("handshake: %v", err)
	}
	return c
}

// with returns a copy of cfg that change has altered.
func with(cfg *tls.Config, change func(*tls.Config)) *tls.Config {
	c := cfg.Clone()
	change(c)
	return c
}

// A slowWriter writes every byte by itself.
type slowWriter struct{ net.Conn }

func (w slowWriter) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := w.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

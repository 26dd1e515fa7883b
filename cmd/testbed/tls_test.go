package main

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gannet-io/gannet/internal/testcert"
)

// TestTLS reaches profiles of both kinds of service over wss.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert := testcert.New(t, "testbed.example")
	certFile, keyFile := cert.Write(t, t.TempDir())
	for profile, target := range map[string]string{
		"parity":       "/socket.io/?EIO=4&transport=websocket",
		"eio-protocol": "/engine.io/?EIO=4&transport=websocket",
	} {
		s := start(t, "-profile", profile, "-tls-cert", certFile, "-tls-key", keyFile)
		d := ws.Dialer{TLSConfig: &tls.Config{RootCAs: cert.Pool(), ServerName: "testbed.example"}}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		conn, br, _, err := d.Dial(ctx, "wss://"+s.addr+target)
		cancel()
		if err != nil {
			t.Fatalf("%s: %v", profile, err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		if br == nil {
			if open, err := wsutil.ReadServerText(conn); err != nil || open[0] != '0' {
				t.Errorf("%s: the open packet: %q, %v", profile, open, err)
			}
		}
		_ = conn.Close()
	}
}

package loop

import (
	"context"
	"crypto/tls"
	"net"
)

// ClientTLS begins TLS on nc, which was dialled, as its client, and waits for
// the end of the handshake. Adopt takes the connection that it returns; after
// an error nc is the caller's to close. cfg is as tls.Client wants it.
func ClientTLS(ctx context.Context, nc net.Conn, cfg *tls.Config) (*TLSConn, error) {
	t := &tlsConn{raw: nc}
	t.conn = tls.Client(t, cfg)
	if err := t.conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return &TLSConn{Conn: t.conn, t: t}, nil
}

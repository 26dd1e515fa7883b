//go:build unix

package attack_test

import (
	"net"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// shortWrites are options with which a client that does not read is given up
// soon.
func shortWrites() *sio.Options { return &sio.Options{WriteTimeout: 300 * time.Millisecond} }

// setReadBuffer makes the window of a connection small.
func setReadBuffer(c net.Conn) error { return c.(*net.TCPConn).SetReadBuffer(4 << 10) }

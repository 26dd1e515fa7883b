//go:build !go1.26 || go1.27

package loop

import (
	"bytes"
	"crypto/tls"
)

// buffers returns nothing: nobody has read how this release of Go has them.
func buffers(*tls.Conn) (rawInput, hand *bytes.Buffer) { return nil, nil }

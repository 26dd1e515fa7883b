//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
)

// A script is a client that sends bytes and closes.
type script struct {
	net.Conn
	r io.Reader
}

func (s script) Read(p []byte) (int, error)  { return s.r.Read(p) }
func (s script) Write(p []byte) (int, error) { return len(p), nil }

// FuzzCheckHello compares with crypto/tls. What checkHello wants more of,
// crypto/tls must want more of too, or a client would wait for an answer that
// nobody gives; and once there is a hello it stays one, whatever follows.
func FuzzCheckHello(f *testing.F) {
	f.Add([]byte{22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 3, 0, 0, 0})
	f.Add([]byte{22, 3, 1, 0, 4, 1, 0, 0, 0, 23})
	f.Add([]byte{22, 16, 1, 0, 4, 1, 0})
	f.Add([]byte{22, 3, 1, 255, 255})
	f.Add([]byte("GET /"))
	f.Add([]byte("OPTIC"))
	f.Fuzz(func(t *testing.T, b []byte) {
		decided := false
		for n := 1; n <= len(b); n++ {
			ok, err := checkHello(b[:n])
			if decided && !ok && err == nil {
				t.Fatalf("%x wants more, a part of it did not", b[:n])
			}
			decided = decided || ok || err != nil
		}
		if len(b) == 0 || decided || b[0] != 22 {
			return
		}
		hello := false
		cfg := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			hello = true
			return nil, io.ErrNoProgress
		}}
		err := tls.Server(script{r: bytes.NewReader(b)}, cfg).Handshake()
		if hello || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%x: crypto/tls has an answer: %v", b, err)
		}
	})
}

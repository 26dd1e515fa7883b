package sio_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestResetWhileWriting has the kernel refuse what is sent to a client that has
// reset its connection, which is not how one closes it (PARITY 1.10).
func TestResetWhileWriting(t *testing.T) {
	t.Parallel()
	reasons := make(chan sio.DisconnectReason, 1)
	srv, l, _ := driven(t, &sio.Options{}, func(srv *sio.Server) {
		srv.OnDisconnect(func(_ *sio.Socket, r sio.DisconnectReason) { reasons <- r })
	})
	reset := false
	c := srv.OpenFake(0, func(b []byte) (int, error) {
		if reset {
			return 0, syscall.ECONNRESET
		}
		return len(b), nil
	})
	c.Inject([]byte(upgradeRequest))
	c.Inject(masked("40"))
	l.Drive()
	reset = true
	if err := srv.Emit("news", strings.Repeat("x", 1000)); err != nil && !errors.Is(err, sio.ErrDropped) {
		t.Fatal(err)
	}
	l.Drive()
	l.Drive()
	if r := recv(t, "the disconnect", reasons); r != sio.ReasonTransportError {
		t.Errorf("reason %q, want %q", r, sio.ReasonTransportError)
	}
}

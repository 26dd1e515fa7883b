package loop_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gannet-io/gannet/loop"
)

// TestSocketOptions shows that accepted sockets inherit what was set on the
// listener.
func TestSocketOptions(t *testing.T) {
	t.Parallel()
	type options struct{ noDelay, lowat, flags int }
	got := make(chan options, 1)
	r := start(t, &loop.Options{Loops: 2}, func(*loop.Loop) *hooks {
		return &hooks{open: func(c *loop.Conn) {
			var o options
			o.noDelay, _ = unix.GetsockoptInt(c.FD(), unix.IPPROTO_TCP, unix.TCP_NODELAY)
			o.lowat, _ = unix.GetsockoptInt(c.FD(), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT)
			o.flags, _ = unix.FcntlInt(uintptr(c.FD()), unix.F_GETFL, 0)
			got <- o
		}}
	})
	dial(t, listen(t, r))
	if o := recv(t, got); o.noDelay == 0 || o.lowat != 64<<10 || o.flags&unix.O_NONBLOCK == 0 {
		t.Errorf("options = %+v", o)
	}
}

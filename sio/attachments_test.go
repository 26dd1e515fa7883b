package sio_test

import (
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
	"github.com/gannet-io/gannet/wsframe"
)

// TestAttachmentsDeadline has attachments that never come: they are waited for
// 30 seconds, whether their packet came when its socket was connected or while
// a middleware had yet to admit it.
func TestAttachmentsDeadline(t *testing.T) {
	t.Parallel()
	for name, early := range map[string]bool{"connected": false, "in the middleware": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admit := make(chan struct{})
			o := &sio.Options{PingInterval: time.Hour, PingTimeout: time.Hour, ConnectTimeout: time.Hour}
			srv, l, conns := driven(t, o, func(srv *sio.Server) {
				srv.Use(func(*sio.Socket) error { <-admit; return nil })
			}, []string{"/"})
			c := conns[0]
			begin := func() {
				c.Inject(masked(`452-["x",{"_placeholder":true,"num":0}]`))
				c.Inject(wsframe.AppendMaskedFrame(nil, wsframe.OpBinary, [4]byte{1, 2, 3, 4}, []byte("one of two")))
			}
			if early {
				begin()
			}
			close(admit)
			eventually(t, "a socket", func() bool { l.Drive(); return srv.Stats().Sockets == 1 })
			if !early {
				begin()
			}
			for s := range 35 {
				if c.Closing() {
					if s < 29 {
						t.Errorf("closed after %d seconds, want 30", s)
					}
					return
				}
				second(l)
			}
			t.Error("attachments that never come are waited for without an end")
		})
	}
}

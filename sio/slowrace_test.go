package sio_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// TestSlowRaces has goroutines emit in all ways and change the policy while
// clients read a little and hang up. Nothing is left in the end.
func TestSlowRaces(t *testing.T) {
	srv, addr := newServer(t, &sio.Options{MaxQueue: 256 << 10, SoftQueue: 32 << 10, Trace: &sio.Trace{
		Dropped: func(s *sio.Socket, _ string) { _ = s.Writable() },
	}}, nil)
	live := srv.Stats().LivePackets
	n := srv.Root()
	n.OnDrain(func(s *sio.Socket) { _ = s.Emit("drained") })
	n.OnConnection(func(s *sio.Socket) {
		ctx, cancel := context.WithTimeout(s.Context(), 20*time.Millisecond)
		defer cancel()
		for i := 0; s.AwaitWritable(ctx) == nil; i++ {
			_ = s.Latest(fmt.Sprint(i%3)).Emit("own", i, strings.Repeat("x", 2000))
		}
	})
	pad := strings.Repeat("x", 3000)
	stop := make(chan struct{})
	var emitters, clients sync.WaitGroup
	for k := range 2 {
		emitters.Go(func() { // stops with the test
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				switch (i + k) % 5 {
				case 0:
					_ = n.Emit("plain", i, pad)
				case 1:
					n.SetSlowConsumer(sio.SlowPolicy(i / 5 % 4))
				case 2:
					_ = n.Volatile().Emit("volatile", i)
				default:
					_ = n.Latest(fmt.Sprint(i%7)).Emit("key", i, []byte(pad))
				}
			}
		})
	}
	for k := range 4 {
		clients.Go(func() { // stops behind its last connection
			for i := range 3 {
				c, _ := connectWS(t, addr, "/")
				_ = c.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
				b := make([]byte, 1+(i*k)<<14)
				_ = c.conn.SetReadDeadline(time.Now().Add(patience))
				for range i {
					if _, err := c.conn.Read(b); err != nil {
						break
					}
				}
				_ = c.conn.Close()
			}
		})
	}
	clients.Wait()
	close(stop)
	emitters.Wait()
	eventually(t, "all packets are given up", func() bool {
		return srv.Stats().Sockets == 0 && srv.Stats().LivePackets <= live
	})
}

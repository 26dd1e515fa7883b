package sio_test

import (
	"fmt"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// Clients that lost their connection for less than half a minute go on where
// they were; only those that are new are asked into a room.
func ExampleRecoveryOptions() {
	srv, err := sio.NewServer(&sio.Options{
		ConnectionStateRecovery: &sio.RecoveryOptions{MaxDisconnectionDuration: 30 * time.Second},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv.OnConnection(func(s *sio.Socket) {
		if s.Recovered() {
			return // its id, rooms and data are back, and what it has missed was sent
		}
		_ = s.Join("news")
	})
}

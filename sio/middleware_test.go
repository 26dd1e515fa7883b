package sio_test

import (
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestHandlerRegisteredBehindMiddleware has OnConnection register a handler
// while the event that it is for has already come.
func TestHandlerRegisteredBehindMiddleware(t *testing.T) {
	t.Parallel()
	hold, handled := make(chan struct{}), make(chan struct{})
	greeting := make(chan struct{})
	_, l, conns := driven(t, &sio.Options{}, func(srv *sio.Server) {
		srv.Use(func(*sio.Socket) error { return nil })
		srv.OnConnection(func(s *sio.Socket) {
			close(greeting)
			<-hold
			s.On("late", func(*sio.Event) error {
				close(handled)
				return nil
			})
		})
	}, []string{"/"})
	eventually(t, "OnConnection runs", func() bool {
		l.Drive()
		select {
		case <-greeting:
			return true
		default:
			return false
		}
	})
	conns[0].Inject(masked(`42["late"]`))
	l.Drive()
	close(hold)
	eventually(t, "the event is handled", func() bool {
		l.Drive()
		select {
		case <-handled:
			return true
		default:
			return false
		}
	})
}

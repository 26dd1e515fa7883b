package scenario

import (
	"context"
	"sync"
	"time"
)

// others starts what happens besides messages: churn and storms. The function
// that it returns ends that and waits.
func (r *run) others(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	if r.cfg.Churn > 0 {
		wg.Go(func() { r.churn(ctx) }) // stops with ctx
	}
	if r.cfg.storm {
		wg.Go(func() { r.storm(ctx) }) // stops with ctx
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// churn has connections leave and come back, one after the other.
func (r *run) churn(ctx context.Context) {
	tick := time.NewTicker(max(time.Duration(float64(time.Second)/r.cfg.Churn), time.Millisecond))
	defer tick.Stop()
	began := time.Now()
	slots := make(chan struct{}, r.cfg.Parallel)
	var wg sync.WaitGroup
	defer wg.Wait()
	for n := 0; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for due := int(time.Since(began).Seconds() * r.cfg.Churn); n < due; n++ {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			cl := r.clients[n%len(r.clients)]
			wg.Go(func() { // stops when the handshake is over or has timed out
				if r.leave(cl) {
					r.openOne(ctx, cl)
				}
				<-slots
			})
		}
	}
}

// leave closes the connection of cl, unless an answer is awaited on it, and
// reports whether it is to be opened again.
func (r *run) leave(cl *client) bool {
	left := make(chan bool, 1)
	if r.pool.DoOn(cl.on, func() {
		switch {
		case cl.away:
			left <- false
		case cl.conn == nil:
			cl.away = true
			left <- true
		case cl.echo != nil && cl.echo.pending() > 0:
			left <- false
		default:
			cl.leaving, cl.away = true, true
			cl.conn.Hangup()
			left <- true
		}
	}) != nil {
		return false
	}
	return <-left
}

// storm has all connections hang up at once and come back, with a pause
// between one time and the next.
func (r *run) storm(ctx context.Context) {
	for {
		t := time.NewTimer(r.cfg.Interval)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		r.each(func(w *worker) {
			for _, cl := range w.clients {
				if cl.conn != nil {
					cl.leaving = true
					cl.conn.Hangup()
				}
			}
		})
		slots := make(chan struct{}, r.cfg.Parallel)
		var wg sync.WaitGroup
		for _, cl := range r.clients {
			slots <- struct{}{} // a handshake ends in time, or with ctx
			wg.Go(func() {      // stops when the handshake is over or has timed out
				r.openOne(ctx, cl)
				<-slots
			})
		}
		wg.Wait()
		r.storms++
	}
}

// stopReading has the slow clients of w stop.
func (w *worker) stopReading() {
	for _, cl := range w.clients {
		if cl.slow && cl.conn != nil {
			cl.conn.PauseRead()
		}
	}
}

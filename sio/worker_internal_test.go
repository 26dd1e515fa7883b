package sio

import (
	"context"
	"sync/atomic"
	"testing"
)

// batches makes n batches of one task, each of which calls f.
func batches(tb testing.TB, srv *Server, n int, f func()) []*Event {
	tb.Helper()
	list := make([]*Event, n)
	for i := range list {
		s := &Socket{nsp: srv.root, client: &client{shard: srv.shards[0]}}
		list[i] = &Event{socket: s, kind: taskAck, callback: func(*Reply, error) { f() }}
		srv.work.tasks.Add(1)
	}
	return list
}

func TestABurstCallsOneWorker(t *testing.T) {
	t.Parallel()
	srv, err := newServer(&Options{Loops: 1}, driven)
	if err != nil {
		t.Fatal(err)
	}
	w := srv.work
	var ran atomic.Int64
	w.mu.Lock() // no worker gets anywhere
	for _, b := range batches(t, srv, 1000, func() { ran.Add(1) }) {
		w.queue.push(b)
		w.call()
	}
	running := w.running
	w.mu.Unlock()
	if running != 1 {
		t.Errorf("a burst of 1000 batches made %d workers, want 1", running)
	}
	if err := w.wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if ran.Load() != 1000 {
		t.Errorf("%d of 1000 tasks ran", ran.Load())
	}
}

func TestHandlersThatBlockHoldNobodyUp(t *testing.T) {
	t.Parallel()
	const blocked = 200
	srv, err := newServer(&Options{Loops: 1}, driven)
	if err != nil {
		t.Fatal(err)
	}
	started, release := make(chan struct{}), make(chan struct{})
	for _, b := range batches(t, srv, blocked, func() { started <- struct{}{}; <-release }) {
		srv.work.submit(b)
	}
	for range blocked {
		<-started // all run at the same time, or this waits for ever
	}
	done := make(chan struct{})
	for _, b := range batches(t, srv, 1, func() { close(done) }) {
		srv.work.submit(b)
	}
	<-done
	close(release)
	if err := srv.work.wait(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestNoMoreWorkersThanTheLimit(t *testing.T) {
	t.Parallel()
	srv, err := newServer(&Options{Loops: 1, MaxWorkers: 3}, driven)
	if err != nil {
		t.Fatal(err)
	}
	var now, most, ran atomic.Int64
	release := make(chan struct{})
	for _, b := range batches(t, srv, 50, func() {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		ran.Add(1)
		<-release
		now.Add(-1)
	}) {
		srv.work.submit(b)
	}
	close(release)
	if err := srv.work.wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if ran.Load() != 50 || most.Load() > 3 {
		t.Errorf("%d of 50 tasks ran, %d at the same time, want at most 3", ran.Load(), most.Load())
	}
}

func TestBatchQueueNeverEmpty(t *testing.T) {
	t.Parallel()
	var q batchQueue
	first := make([]Event, 10_000)
	next := 0
	for i := range first {
		q.push(&first[i])
		if i%4 != 0 {
			if q.pop() != &first[next] {
				t.Fatalf("batch %d did not come in its turn", next)
			}
			next++
		}
	}
	for ; !q.empty(); next++ {
		if q.pop() != &first[next] {
			t.Fatalf("batch %d did not come in its turn", next)
		}
	}
	if next != len(first) {
		t.Errorf("%d of %d batches came", next, len(first))
	}
}

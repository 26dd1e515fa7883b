package testleak

import (
	"os"
	"strings"
	"testing"
	"time"
)

// There is no TestMain here: a broken Main would hide its own failures.

func TestCleanRunKeepsItsCode(t *testing.T) {
	for _, code := range []int{0, 1, 2} {
		var report strings.Builder
		if got := run(func() int { return code }, &report, time.Second); got != code {
			t.Errorf("run = %d, want %d: %s", got, code, report.String())
		}
	}
}

func TestGoroutineLeft(t *testing.T) {
	stop, done := make(chan struct{}), make(chan struct{})
	var report strings.Builder
	got := run(func() int {
		go leakyGoroutine(stop, done)
		return 0
	}, &report, 20*time.Millisecond)
	close(stop)
	<-done
	if got != 1 || !strings.Contains(report.String(), "leakyGoroutine") {
		t.Errorf("run = %d with report %q, want 1 and the stack of leakyGoroutine", got, report.String())
	}
}

func TestGoroutineThatEndsInTime(t *testing.T) {
	var report strings.Builder
	stop, done := make(chan struct{}), make(chan struct{})
	got := run(func() int {
		go leakyGoroutine(stop, done)
		time.AfterFunc(30*time.Millisecond, func() { close(stop) })
		return 0
	}, &report, 5*time.Second)
	<-done
	if got != 0 {
		t.Errorf("run = %d for a goroutine that ends after the tests: %s", got, report.String())
	}
}

func TestDescriptorLeft(t *testing.T) {
	if descriptors() == nil {
		t.Skip("no /proc/self/fd here")
	}
	var f *os.File
	var report strings.Builder
	got := run(func() int {
		f, _ = os.Open(os.DevNull)
		return 0
	}, &report, 20*time.Millisecond)
	if f == nil {
		t.Fatal("the null device cannot be opened")
	}
	_ = f.Close()
	if got != 1 || !strings.Contains(report.String(), os.DevNull) {
		t.Errorf("run = %d with report %q, want 1 and the target of the descriptor", got, report.String())
	}
}

func leakyGoroutine(stop <-chan struct{}, done chan<- struct{}) {
	<-stop
	close(done)
}

package testleak

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"testing"
	"time"
)

// wait is how long a test binary may take to come back to its baseline.
const wait = 5 * time.Second

// Main runs the tests of a package and exits: with their code, or with 1 if
// more goroutines or file descriptors live after the tests than before and do
// not go away.
//
//	func TestMain(m *testing.M) { testleak.Main(m) }
func Main(m *testing.M) {
	os.Exit(run(m.Run, os.Stderr, wait))
}

// run is Main without the exit.
func run(tests func() int, report io.Writer, wait time.Duration) int {
	prime()
	before := take()
	code := tests()
	if code != 0 {
		return code // a failed test may well leak: its own message matters
	}
	after, ok := settle(before, wait)
	if ok {
		return 0
	}
	text := fmt.Appendf(nil, "testleak: goroutines %d, %d before the tests; descriptors %d, %d before\n",
		after.goroutines, before.goroutines, len(after.fds), len(before.fds))
	for fd, target := range after.fds {
		if before.fds[fd] != target {
			text = fmt.Appendf(text, "testleak: descriptor %s is %s\n", fd, target)
		}
	}
	_, _ = report.Write(append(text, stacks()...)) // the exit code says it as well
	return 1
}

// prime brings up what the standard library opens or starts at its first use
// and then keeps for ever: the descriptors of its poller and the goroutine of
// os/signal, which go test -fuzz needs.
func prime() {
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
}

// census is what must not grow.
type census struct {
	goroutines int
	fds        map[string]string // number to target
}

func take() census { return census{goroutines: runtime.NumGoroutine(), fds: descriptors()} }

// settle polls until the census is back at the baseline or the time is up.
func settle(before census, wait time.Duration) (after census, ok bool) {
	const period = 5 * time.Millisecond
	tick := time.NewTicker(period)
	defer tick.Stop()
	for left := wait; ; left -= period {
		after = take()
		if after.goroutines <= before.goroutines && len(after.fds) <= len(before.fds) {
			return after, true
		}
		if left <= 0 {
			return after, false
		}
		<-tick.C
	}
}

// descriptors lists what the process holds open, without the descriptor that
// the listing itself needs.
func descriptors() map[string]string {
	const dir = "/proc/self/fd"
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	fds := make(map[string]string, len(names))
	for _, name := range names {
		target, err := os.Readlink(dir + "/" + name.Name())
		if err != nil {
			continue // the listing's own descriptor, closed by now
		}
		fds[name.Name()] = target
	}
	return fds
}

// stacks returns the stacks of all goroutines.
func stacks() []byte {
	buf := make([]byte, 1<<20)
	return buf[:runtime.Stack(buf, true)]
}

package soak_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gannet-io/gannet/bench/load"
)

const patience = 60 * time.Second

// size is the number of connections: small in `go test`, 15,000 in `make soak`.
func size(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GANNET_SOAK")
	if text == "" {
		return 400
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("GANNET_SOAK: %v", err)
	}
	return n
}

// A testbed is the server as a child process.
type testbed struct {
	t     *testing.T
	cmd   *exec.Cmd
	addr  string
	stats string
}

// startTestbed builds and starts the testbed. prefix is put in front of its
// command line, for limits that only a shell can set.
func startTestbed(t *testing.T, prefix []string, args ...string) *testbed {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "testbed")
	build := exec.Command("go", "build", "-o", bin, "../../cmd/testbed")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	b := &testbed{t: t, stats: filepath.Join(dir, "stats.json")}
	line := append(append(append([]string{}, prefix...), bin, "-addr", "127.0.0.1:0", "-stats-json", b.stats), args...)
	b.cmd = exec.Command(line[0], line[1:]...)
	b.cmd.Stderr = os.Stderr
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for b.addr == "" && lines.Scan() {
		_, b.addr, _ = strings.Cut(lines.Text(), "listening on http://")
	}
	if b.addr == "" {
		t.Fatalf("%v ended before it listened: %v", line, b.cmd.Wait())
	}
	return b
}

// descriptors returns how many the server has open.
func (b *testbed) descriptors() int {
	b.t.Helper()
	e, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.cmd.Process.Pid))
	if err != nil {
		b.t.Fatal(err)
	}
	return len(e)
}

// figures are those of the testbed's -stats-json.
type figures struct {
	SessionsOpened, SessionsClosed uint64
	SocketsOpened, SocketsClosed   uint64
	LivePackets                    int64
	OpenDescriptors, Goroutines    int
	Panics                         uint64
}

// stop ends the server by SIGTERM and returns its last figures.
func (b *testbed) stop() figures {
	b.t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.t.Fatal(err)
	}
	if err := b.cmd.Wait(); err != nil {
		b.t.Errorf("exit: %v, want 0", err)
	}
	var f figures
	data, err := os.ReadFile(b.stats)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		b.t.Fatal(err)
	}
	return f
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-tick.C
	}
}

func newPool(t *testing.T, addr string, onEvent func(*load.Conn, []byte)) *load.Pool {
	t.Helper()
	p, err := load.NewPool(load.Options{Addr: addr, OnEvent: onEvent, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func closePool(t *testing.T, p *load.Pool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// TestSoakIdleThenChurn connects many clients at once, each of which must get
// its CONNECT answered, has them hang up, and then has as many come and go.
// Nothing of them must stay.
func TestSoakIdleThenChurn(t *testing.T) {
	n := size(t)
	b := startTestbed(t, nil, "-profile", "bench")
	before := b.descriptors()

	idle := newPool(t, b.addr, func(*load.Conn, []byte) {})
	if err := idle.Dial(context.Background(), n, 512); err != nil {
		t.Fatalf("connecting %d clients as fast as they can: %v", n, err)
	}
	if got := b.descriptors(); got < before+n {
		t.Errorf("%d descriptors with %d clients, %d without", got, n, before)
	}
	closePool(t, idle)
	eventually(t, "the descriptors of the idle clients are free", func() bool { return b.descriptors() <= before })

	const rounds = 5
	for range rounds {
		p := newPool(t, b.addr, func(*load.Conn, []byte) {})
		if err := p.Dial(context.Background(), n/rounds, 256); err != nil {
			t.Fatalf("churn: %v", err)
		}
		closePool(t, p)
	}
	eventually(t, "the descriptors of the churning clients are free", func() bool { return b.descriptors() <= before })

	f := b.stop()
	want := uint64(n + n/rounds*rounds)
	if f.SessionsOpened != want || f.SessionsClosed != want || f.SocketsOpened != want || f.SocketsClosed != want {
		t.Errorf("opened and closed: %+v, want %d of each", f, want)
	}
	if f.LivePackets != 0 || f.Panics != 0 {
		t.Errorf("left behind: %+v", f)
	}
}

// TestSoakDescriptorLimit floods a server that may have 300 descriptors: its
// clients stay and are served, and it recovers when the flood is over.
func TestSoakDescriptorLimit(t *testing.T) {
	b := startTestbed(t, []string{"sh", "-c", `ulimit -n 300; exec "$@"`, "sh"}, "-profile", "bench")
	const clients = 20
	echoes := make(chan struct{}, 1024)
	p := newPool(t, b.addr, func(*load.Conn, []byte) { echoes <- struct{}{} })
	defer closePool(t, p)
	if err := p.Dial(context.Background(), clients, 8); err != nil {
		t.Fatal(err)
	}
	echo := func() {
		t.Helper()
		if err := p.Do(func() {
			for _, c := range p.Conns() {
				c.Send([]byte(`42["echo",1]`))
			}
		}); err != nil {
			t.Fatal(err)
		}
		for range clients {
			select {
			case <-echoes:
			case <-time.After(patience):
				t.Fatal("a client was not served")
			}
		}
	}
	echo()
	var flood []net.Conn
	for range 600 {
		c, err := net.Dial("tcp", b.addr)
		if err != nil {
			break // the backlog is full: that is a refusal too
		}
		flood = append(flood, c)
	}
	echo()
	for _, c := range flood {
		_ = c.Close()
	}
	more := newPool(t, b.addr, func(*load.Conn, []byte) {})
	defer closePool(t, more)
	eventually(t, "new clients are accepted again", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return more.Dial(ctx, 1, 1) == nil
	})
	if err := more.Dial(context.Background(), 100, 8); err != nil {
		t.Errorf("after the flood: %v", err)
	}
	echo()
	if p.Lost() != 0 {
		t.Errorf("%d clients were lost", p.Lost())
	}
}

package loop_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gannet-io/gannet/loop"
)

// limitedEnv makes the test binary serve with few descriptors.
const limitedEnv = "GANNET_LOOP_LIMITED"

// limited is a server in a child process that has 300 descriptors.
type limited struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string
}

func startLimited(t *testing.T) *limited {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestLimitedChild$")
	cmd.Env = append(os.Environ(), limitedEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &limited{t: t, cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		_ = in.Close() // the child ends
		if err := cmd.Wait(); err != nil {
			t.Errorf("child: %v", err)
		}
	})
	s.addr = s.line()
	return s
}

func (s *limited) line() string {
	s.t.Helper()
	line, err := s.out.ReadString('\n')
	if err != nil {
		s.t.Fatalf("child: %v", err)
	}
	return strings.TrimSpace(line)
}

// ask sends one command and decodes the counters it answers with.
func (s *limited) ask(command string) (c struct {
	loop.Counters
	Conns, MaxConns int
},
) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.in, command); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(s.line()), &c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// TestLimitedChild is the child: an echo server that obeys its standard input.
func TestLimitedChild(t *testing.T) {
	if os.Getenv(limitedEnv) == "" {
		t.Skip("only in the child process")
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 300, Max: 300}); err != nil {
		t.Fatal(err)
	}
	r := start(t, &loop.Options{Loops: 2}, echo)
	if _, err := fmt.Println(listen(t, r)); err != nil {
		t.Fatal(err)
	}
	var hoard []int
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "hoard": // take all descriptors but a few
			for {
				fd, err := unix.Dup(0)
				if err != nil {
					break
				}
				hoard = append(hoard, fd)
			}
			for range 5 {
				_ = unix.Close(hoard[len(hoard)-1])
				hoard = hoard[:len(hoard)-1]
			}
		case "free":
			for _, fd := range hoard {
				_ = unix.Close(fd)
			}
			hoard = nil
		case "start":
			startWithout(t)
		}
		answer, err := json.Marshal(struct {
			loop.Counters
			Conns, MaxConns int
		}{r.Counters(), r.Conns(), r.MaxConns()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Println(string(answer)); err != nil {
			t.Fatal(err)
		}
	}
}

// startWithout starts more loops than there are descriptors for.
func startWithout(t *testing.T) {
	t.Helper()
	before := descriptors()
	r, err := loop.New(&loop.Options{Loops: 3, Logger: quiet, NewHandler: func(*loop.Loop) loop.Handler { return &hooks{} }})
	if err != nil {
		t.Error(err)
		return
	}
	for range 2 {
		if err := r.Start(); !errors.Is(err, unix.EMFILE) {
			t.Errorf("Start = %v, want EMFILE", err)
		}
	}
	shutdown(t, r)
	if after := descriptors(); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// served dials and reports whether the server echoes.
func served(t *testing.T, addr string) (net.Conn, bool) {
	t.Helper()
	nc := dial(t, addr)
	return nc, alive(nc)
}

func alive(nc net.Conn) bool {
	if _, err := nc.Write([]byte("ping")); err != nil {
		return false
	}
	b := make([]byte, 4)
	_, err := io.ReadFull(nc, b)
	return err == nil && string(b) == "ping"
}

// TestFloodAboveTheCap connects until the cap refuses.
func TestFloodAboveTheCap(t *testing.T) {
	t.Parallel()
	s := startLimited(t)
	limit := s.ask("stats").MaxConns
	if limit != 300-64 {
		t.Fatalf("MaxConns = %d", limit)
	}
	var in []net.Conn
	refused := 0
	for range 400 {
		nc, ok := served(t, s.addr)
		if !ok {
			refused++
			continue
		}
		in = append(in, nc)
	}
	if len(in) != limit || refused != 400-limit {
		t.Errorf("%d served, %d refused, cap %d", len(in), refused, limit)
	}
	if c := s.ask("stats"); c.RefusedCap != int64(refused) || c.RefusedEMFILE != 0 {
		t.Errorf("counters %+v", c)
	}
	for i, nc := range in {
		if !alive(nc) {
			t.Errorf("connection %d died in the flood", i)
		}
	}
	for _, nc := range in[:50] {
		_ = nc.Close()
	}
	until(t, "room", func() bool { return s.ask("stats").Conns <= limit-50 })
	for range 50 {
		if _, ok := served(t, s.addr); !ok {
			t.Fatal("refused although there is room")
		}
	}
}

// TestOutOfDescriptors takes the child's descriptors away: accepting rests,
// those inside are served, and those waiting get in when descriptors are free.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	s := startLimited(t)
	var in []net.Conn
	for range 20 {
		nc, ok := served(t, s.addr)
		if !ok {
			t.Fatal("not served")
		}
		in = append(in, nc)
	}
	s.ask("hoard")
	s.ask("start")
	var waiting []net.Conn
	for range 30 {
		waiting = append(waiting, dial(t, s.addr)) // the kernel's backlog takes them
	}
	until(t, "accepting failed several times", func() bool { return s.ask("stats").RefusedEMFILE >= 3 })
	for i, nc := range in {
		if !alive(nc) {
			t.Errorf("connection %d died", i)
		}
	}
	if c := s.ask("stats"); c.RefusedEMFILE > 200 {
		t.Errorf("accept is tried all the time: %d failures", c.RefusedEMFILE)
	}
	s.ask("free")
	for i, nc := range append(waiting, in...) {
		if !alive(nc) {
			t.Errorf("connection %d is not served after the shortage", i)
		}
	}
}

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gannet-io/gannet/bench/load"
)

// stopTimeout is how long a server may take to end before it is killed.
const stopTimeout = 5 * time.Second

// A server is a child process that is measured.
type server struct {
	// Immutable after start.
	cmd      *exec.Cmd
	cancel   context.CancelFunc
	addr     string
	profiles string // URL of its heap profile, or empty
	plain    bool
	variant  variant
	tls      *tls.Config   // of its clients; nil without
	warm     time.Duration // see rival
	errors   *tail
}

// start starts a server on its core and waits until it listens.
func (b *bench) start(ctx context.Context, c *contender, profiles bool) (*server, error) {
	argv, env := c.command(b.folder(c))
	s := &server{plain: c.plain, variant: c.variant, warm: c.warm, errors: &tail{}}
	if c.variant == encrypted {
		argv = append(argv, "-tls-cert", b.cert.certFile, "-tls-key", b.cert.keyFile)
		s.tls = b.cert.client
	}
	if profiles {
		addr, err := freeAddr(ctx)
		if err != nil {
			return nil, err
		}
		argv = append(argv, "-pprof", addr)
		s.profiles = "http://" + addr + "/debug/pprof/heap?gc=1&debug=1"
	}
	if b.pinned {
		argv = append([]string{"taskset", "-c", serverCore}, argv...)
	}
	ctx, s.cancel = context.WithCancel(ctx)
	s.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	s.cmd.Env = append(append(os.Environ(), "GOMAXPROCS=1"), env...)
	s.cmd.Stderr = s.errors
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = stopTimeout
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.cancel()
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		s.cancel()
		return nil, err
	}
	if err := s.awaitAddr(out); err != nil {
		s.stop()
		return nil, fmt.Errorf("%w %s", err, s.errors)
	}
	return s, nil
}

// options is how clients speak to the server.
func (s *server) options() load.Options {
	return load.Options{
		Addr: s.addr, Plain: s.plain, TLS: s.tls, Deflate: s.variant == deflated, Msgpack: s.variant == packed,
		OnEvent: func(*load.Conn, []byte) {},
	}
}

// isWarm says whether the server has been busy for as long as it wants to be.
func (s *server) isWarm() bool { return s.warm == 0 || cpuTime(s.cmd.Process.Pid) >= s.warm }

// startTimeout is how long a server may take until it listens.
const startTimeout = 60 * time.Second

// awaitAddr reads the address from the output of the server, which is drained
// afterwards so that the server never blocks.
func (s *server) awaitAddr(out io.Reader) error {
	found := make(chan string, 1)
	go func() { // stops when the server closes its output
		defer close(found)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, url, ok := strings.Cut(lines.Text(), "listening on http"); ok {
				_, addr, _ := strings.Cut(url, "://")
				select {
				case found <- strings.TrimRight(addr, "/"):
				default:
				}
			}
		}
	}()
	select {
	case addr, ok := <-found:
		if !ok {
			return errors.New("it ended before it listened")
		}
		s.addr = addr
		return nil
	case <-time.After(startTimeout):
		return fmt.Errorf("it did not listen within %v", startTimeout)
	}
}

// stop ends the server; how it takes it does not matter.
func (s *server) stop() {
	s.cancel()
	_ = s.cmd.Wait()
}

// rss returns the resident memory of the server in bytes.
func (s *server) rss() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// descriptors returns how many the server has open.
func (s *server) descriptors() int {
	d, err := os.Open(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer func() { _ = d.Close() }()
	names, _ := d.Readdirnames(-1)
	return len(names)
}

// oneShot leaves no connection behind.
var oneShot = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// heap returns one of the figures of the server's heap after a collection:
// HeapObjects, HeapAlloc.
func (s *server) heap(ctx context.Context, figure string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.profiles, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := oneShot.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "# "+figure+" = "); ok {
			return strconv.ParseInt(n, 10, 64)
		}
	}
	return 0, fmt.Errorf("its heap profile does not have %s", figure)
}

// freeAddr returns an address that nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	var c net.ListenConfig
	ln, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// tail is the end of what a server has written to its standard error.
type tail struct {
	mu   sync.Mutex // guards following
	last []byte
}

const maxTail = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	t.last = t.last[max(len(t.last)-maxTail, 0):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}

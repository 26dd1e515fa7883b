package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// rejected runs a command line that must fail and returns what it said.
func rejected(t *testing.T, status int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // should it start after all, it ends at once
	var stdout, stderr bytes.Buffer
	if got := run(ctx, args, &stdout, &stderr); got != status {
		t.Errorf("testbed %q: exit status %d, want %d", args, got, status)
	}
	said := stderr.String()
	if strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, "\n") || stdout.Len() > 0 {
		t.Errorf("testbed %q: want exactly one line on standard error, got %q and on standard output %q", args, said, stdout.String())
	}
	return said
}

func TestBadCommandLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"", "-profile"},
		{"-profile nonsense", `unknown profile "nonsense"`},
		{"-nonsense", "nonsense"},
		{"-profile", "needs an argument"},
		{"-profile bench -client-dir flags.go", "-client-dir flags.go: no such folder"},
		{"-profile eio-client -client-dir .", "-client-dir: profile eio-client has no such flag"},
		{"-profile bench -loops x", "-loops"},
		{"-profile bench -loops -1", "-loops"},
		{"-profile bench -loops 100000", "Loops"},
		{"-profile bench extra", `"extra"`},
		{"-profile bench -addr nonsense", "-addr"},
		{"-profile bench -hz 5", "-hz: profile bench has no such flag"},
		{"-profile bench -set nonsense=1", "no such option"},
		{"-profile ticker -set path=x", "-set: profile ticker has no such flag"},
		{"-profile ticker -hz 0", "-hz"},
		{"-profile ticker -payload -1", "-payload"},
		{"-profile ticker -conflate -volatile", "-conflate"},
		{"-profile bench -conflate", "-conflate: profile bench has no such flag"},
		{"-profile bench -tls-cert x", "-tls-cert and -tls-key"},
		{"-profile bench -tls-key x", "-tls-cert and -tls-key"},
		{"-profile bench -redis x", "not supported yet"},
		{"-profile bench -nats x", "not supported yet"},
		{"-profile parity -inline", "-inline: profile parity has no such flag"},
		{"-profile ws-echo -path /x", "-path: profile ws-echo has no such flag"},
		{"-profile eio-client -inline", "-inline: profile eio-client has no such flag"},
		{"-profile parity -set nonsense", "want NAME=VALUE"},
		{"-profile parity -set =1", "want NAME=VALUE"},
		{"-profile parity -set nonsense=1", "no such option"},
		{"-profile parity -set pingInterval=soon", "pingInterval"},
		{"-profile parity -set pingInterval=-1", "PingInterval"},
		{"-profile parity -set transports=[]", "Transports"},
		{`-profile parity -set transports=["webtransport"]`, "Transports"},
		{`-profile parity -set cookie={"path":7}`, "is not a value for it"},
		{"-profile parity -set wsEngine=eiows", "-set wsEngine: not supported"},
		{"-profile parity -set adapter=redis", "-set adapter: not supported yet"},
		{"-profile parity -set destroyUpgrade=false", "always ended"},
		{"-profile parity -set destroyUpgradeTimeout=0", "at once is not supported"},
		{"-profile parity -set pingInterval=0", "at once is not supported"},
		{"-profile parity -set pingTimeout=0", "at once is not supported"},
		{"-profile parity -set upgradeTimeout=0", "at once is not supported"},
		{"-profile parity -set connectTimeout=-1", "ConnectTimeout"},
		{"-profile parity -set pingInterval=null", "there is no default to go back to"},
		{"-profile parity -set initialPacket=null", "there is no default to go back to"},
		{"-profile parity -set maxHttpBufferSize=0", "a number of bytes"},
		{"-profile parity -set maxHttpBufferSize=1.5", "a number of bytes"},
		{`-profile parity -set perMessageDeflate={"serverMaxWindowBits":10}`, "serverMaxWindowBits"},
		{`-profile parity -set httpCompression={"level":9}`, "level"},
		{`-profile parity -set connectionStateRecovery={"skipMiddleware":true}`, "skipMiddleware"},
		{"-profile parity -set allowRequest=1", "is not a value for it"},
		{`-profile parity -set transports="polling"`, "is not a value for it"},
		{"-profile parity -set connectionStateRecovery=7", "is not a value for it"},
		{`-profile parity -set connectionStateRecovery={"maxDisconnectionDuration":-1}`, "ConnectionStateRecovery.MaxDisconnectionDuration"},
		{`-profile parity -set parser="xml"`, "is not a value for it"},
		{`-profile parity -set cors={"origin":5}`, "origin"},
		{`-profile parity -set cors={"origins":"x"}`, "origins"},
		{`-profile parity -set cors={"origin":"*","credentials":true}`, "CORS"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			said := rejected(t, exitUsage, strings.Fields(c.args)...)
			if !strings.HasPrefix(said, "testbed: ") || !strings.Contains(said, c.want) {
				t.Errorf("got %q, want it to contain %q", said, c.want)
			}
		})
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	for _, profile := range []string{"bench", "eio-protocol"} {
		rejected(t, exitFailure, "-profile", profile, "-addr", ln.Addr().String())
	}
	rejected(t, exitFailure, "-profile", "bench", "-addr", "127.0.0.1:0", "-pprof", ln.Addr().String())
}

func TestList(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-list"}, &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
		t.Fatalf("-list: exit status %d, standard error %q", code, stderr.String())
	}
	var names []string
	for line := range strings.Lines(stdout.String()) {
		names = append(names, strings.Fields(line)[0])
	}
	equal(t, "-list", names, []string{
		"bench", "ticker", "eio-protocol", "eio3-protocol", "sio-protocol", "sio-protocol-msgpack",
		"sio-client", "eio-client", "ws-echo", "chat", "parity",
	})
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-help"}, &stdout, &stderr)
	if code != exitOK || stderr.Len() > 0 || !strings.Contains(stdout.String(), "-profile") {
		t.Errorf("-help: exit status %d, standard output %q, standard error %q", code, stdout.String(), stderr.String())
	}
}

// TestEveryProfileStartsAndStops covers the line and the flags that all profiles
// have.
func TestEveryProfileStartsAndStops(t *testing.T) {
	t.Parallel()
	for _, p := range profiles {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "stats.json")
			s := start(t, "-profile", p.name, "-loops", "1", "-node", "n1", "-stats-json", file, "-pprof", "127.0.0.1:0")
			if _, port, err := net.SplitHostPort(s.addr); err != nil || port == "0" {
				t.Errorf("address: got %q", s.addr)
			}
			if !strings.Contains(s.said(), "/debug/pprof/") {
				t.Errorf("it said %q", s.said())
			}
			equal(t, "exit status", s.stop(), exitOK)
			n := readStats(t, file)
			equal(t, "profile and node", n.Profile+" "+n.Node, p.name+" n1")
		})
	}
}

func readStats(t *testing.T, file string) counters {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var n counters
	if err := json.Unmarshal(b, &n); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return n
}

// TestSignals runs the command as a process of its own.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "stats.json")
			cmd := exec.Command(os.Args[0], "-profile", "bench", "-addr", "127.0.0.1:0", "-loops", "2", "-stats-json", file)
			cmd.Env = append(os.Environ(), childEnv+"=1")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatalf("no line on standard output: %v; it said %q", err, stderr.String())
			}
			s := &server{addr: listening(t, line)}
			c, _ := join(t, s, "/", "")
			equal(t, "echo", c.call("echo", "x"), `"x"`)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			c.ended()
			if err := cmd.Wait(); err != nil || strings.Contains(stderr.String(), "testbed:") {
				t.Fatalf("after %v: %v; it said %q", sig, err, stderr.String())
			}
			checkStats(t, readStats(t, file))
		})
	}
}

// checkStats checks the counters of a process that served one socket.
func checkStats(t *testing.T, n counters) {
	t.Helper()
	equal(t, "sessions", []uint64{n.SessionsOpened, n.SessionsClosed}, []uint64{1, 1})
	equal(t, "sockets", []uint64{n.SocketsOpened, n.SocketsClosed}, []uint64{1, 1})
	equal(t, "events in", n.EventsIn, 1)
	equal(t, "events out", n.EventsOut, 1)
	equal(t, "packets in", n.PacketsIn, 2)   // CONNECT, event
	equal(t, "packets out", n.PacketsOut, 2) // CONNECT, ack
	equal(t, "requests", n.Requests, 1)
	equal(t, "drops", n.Drops, drops{})
	equal(t, "live packets", n.LivePackets, 0)
	if n.BytesIn == 0 || n.BytesOut == 0 {
		t.Errorf("bytes: got %d in, %d out", n.BytesIn, n.BytesOut)
	}
	// Three streams, and what the Go runtime and the child's parent keep open.
	if n.OpenDescriptors < 3 || n.OpenDescriptors > 16 {
		t.Errorf("open descriptors: got %d", n.OpenDescriptors)
	}
}

// TestStatsOfASlowReader floods a client that does not read.
func TestStatsOfASlowReader(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "stats.json")
	s := start(t, "-profile", "parity", "-stats-json", file)
	watcher, _ := greeted(t, s, "/", "")
	c, w := greeted(t, s, "/", "")
	c.emit("ctl", json.RawMessage(`{"op":"flood","n":100,"size":1000000}`))
	eventually(t, "the server gives it up", func() bool {
		return strings.Contains(watcher.ctl(`{"op":"reasons"}`), w.ID)
	})
	equal(t, "exit status", s.stop(), exitOK)
	n := readStats(t, file)
	equal(t, "slow consumers", n.Drops.SlowConsumers, 1)
	equal(t, "sockets", []uint64{n.SocketsOpened, n.SocketsClosed}, []uint64{2, 2})
}

func TestStatsFileThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "bench", "-stats-json", filepath.Join(t.TempDir(), "missing", "stats.json"))
	code := s.stop()
	s.failing = true
	equal(t, "exit status", code, exitFailure)
	if !strings.Contains(s.said(), "-stats-json") {
		t.Errorf("it said %q", s.said())
	}
}

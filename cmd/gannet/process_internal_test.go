package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/internal/testleak"
)

// runMain has the test binary be the command: the tests start themselves.
const runMain = "RUN_GANNET_MAIN"

// patience is how long anything may take.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		os.Exit(0)
	}
	testleak.Main(m)
}

// A process is a child that runs the command.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	stderr *output
	exited chan struct{} // closed when it has ended
}

// output is what a child has written so far.
type output struct {
	mu  sync.Mutex // guards following
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// child prepares a run of the command with nothing of ours in its environment.
func child(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "GANNET_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(append(cmd.Env, runMain+"=1", "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}

// fails runs the command, which must end with status 1, and returns the one
// line that it said.
func fails(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v; want exit status 1", err)
	}
	text := stderr.String()
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "gannet: ") || stdout.Len() > 0 {
		t.Errorf("want one line that begins with gannet:, got %q and on stdout %q", text, stdout.String())
	}
	return text
}

// start runs gannet serve on a free port and waits until it says where.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, stderr: &output{}, exited: make(chan struct{})}
	p.cmd = child(t, nil, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan string, 1)
	go func() { // ends with the child
		defer close(p.exited)
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, stdout)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	line := <-first
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "gannet: listening on ")
	if !ok {
		t.Fatalf("first line %q; stderr: %s", line, p.stderr)
	}
	p.url = url
	return p
}

func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end and returns the exit status.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("still running; stderr: %s", p.stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

// get returns status and body, over a connection of its own.
func (p *process) get(path string) (int, string) {
	p.t.Helper()
	status, body, err := p.try(path)
	if err != nil {
		p.t.Fatalf("GET %s: %v; stderr: %s", path, err, p.stderr)
	}
	return status, body
}

func (p *process) try(path string) (int, string, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(p.url + path)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

func (p *process) until(path string, status int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if got, _ := p.get(path); got == status {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("%s never answered %d", path, status)
		}
	}
}

// said waits until the log has a text.
func (p *process) said(text string) {
	p.t.Helper()
	timeout := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.stderr.String(), text) {
		select {
		case <-tick.C:
		case <-timeout:
			p.t.Fatalf("no %q in %s", text, p.stderr)
		}
	}
}

// websocket connects to the chat over WebSocket.
func (p *process) websocket() net.Conn {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	conn, unread, _, err := ws.Dial(ctx, strings.Replace(p.url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	if unread != nil && unread.Buffered() > 0 {
		conn = bufferedConn{conn, unread}
	}
	if open := readFrame(p.t, conn); !bytes.HasPrefix(open.Payload, []byte(`0{"sid":`)) {
		p.t.Fatalf("first packet %q", open.Payload)
	}
	frame := ws.MaskFrameInPlace(ws.NewTextFrame([]byte("40/chat,")))
	if err := ws.WriteFrame(conn, frame); err != nil {
		p.t.Fatal(err)
	}
	if connect := readFrame(p.t, conn); !bytes.HasPrefix(connect.Payload, []byte(`40/chat,{"sid":`)) {
		p.t.Fatalf("answer to CONNECT %q", connect.Payload)
	}
	return conn
}

type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func readFrame(t *testing.T, conn net.Conn) ws.Frame {
	t.Helper()
	f, err := ws.ReadFrame(conn)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestServesPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "socket.io.js"), []byte("the client"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--client-dir", dir)
	for _, tt := range []struct {
		path   string
		status int
		has    string
	}{
		{"/", 200, `id="messages"`},
		{"/stats", 200, `id="plots"`},
		{"/stats.json", 200, `"process"`},
		{"/healthz", 200, "ok"},
		{"/readyz", 200, "ready"},
		{"/assets/chat.js", 200, "connect"},
		{"/socket.io/socket.io.js", 200, "the client"},
		{"/nothing", 404, ""},
		{"/socket.io/?EIO=4&transport=polling", 200, `0{"sid":`},
	} {
		if status, body := p.get(tt.path); status != tt.status || !strings.Contains(body, tt.has) {
			t.Errorf("%s: %d %.200q, want %d with %q", tt.path, status, body, tt.status, tt.has)
		}
	}
}

func TestSaysHowToGetTheClient(t *testing.T) {
	t.Parallel()
	p := start(t)
	if _, body := p.get("/"); !strings.Contains(body, "make run") {
		t.Error("the page does not say what to run")
	}
	if status, body := p.get("/socket.io/socket.io.js"); status != http.StatusNotFound || !strings.Contains(body, "make client") {
		t.Errorf("the route: %d %q", status, body)
	}
	p.said("make run")
}

func TestDrain(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, "--drain-timeout", "2s")
			conn := p.websocket()
			p.websocket() // does not even read the close frame
			p.signal(sig)
			for {
				f := readFrame(t, conn)
				if f.Header.OpCode == ws.OpClose {
					if len(f.Payload) > 0 {
						t.Errorf("close frame with %q, want an empty one", f.Payload)
					}
					break
				}
				if bytes.HasPrefix(f.Payload, []byte("41")) {
					t.Errorf("DISCONNECT %q, after which clients do not come back", f.Payload)
				}
			}
			if status := p.exit(); status != 0 {
				t.Errorf("exit status %d; stderr: %s", status, p.stderr)
			}
		})
	}
}

// Clients that never stop to send, some of which never read, do not hold the
// end up, and nobody is told to stay away.
func TestDrainUnderLoad(t *testing.T) {
	t.Parallel()
	p := start(t, "--drain-timeout", "2s")
	conns := make([]net.Conn, 20)
	for i := range conns {
		conns[i] = p.websocket()
	}
	var ended, saidHello sync.WaitGroup
	for i, conn := range conns {
		saidHello.Add(1)
		ended.Go(func() { shout(conn, saidHello.Done) })
		if i%4 != 0 { // the others do not read
			ended.Go(func() { listen(t, conn) })
		}
	}
	saidHello.Wait()
	p.signal(syscall.SIGTERM)
	if status := p.exit(); status != 0 {
		t.Errorf("exit status %d; stderr: %s", status, p.stderr)
	}
	ended.Wait()
	if text := p.stderr.String(); strings.Contains(text, "panic") || strings.Contains(text, "DATA RACE") {
		t.Error(text)
	}
}

// shout sends events until the connection ends, and says when it is at it.
func shout(conn net.Conn, atIt func()) {
	atIt = sync.OnceFunc(atIt)
	defer atIt()
	packet := `42/chat,["join",{"name":"x","room":"r"}]`
	for n := 0; ; n++ {
		if err := ws.WriteFrame(conn, ws.MaskFrameInPlace(ws.NewTextFrame([]byte(packet)))); err != nil {
			return
		}
		packet = `42/chat,["typing",true]`
		if n == 100 {
			atIt()
		}
	}
}

// listen reads until the connection ends, and answers that by closing it.
func listen(t *testing.T, conn net.Conn) {
	t.Helper()
	for {
		f, err := ws.ReadFrame(conn)
		if err != nil || f.Header.OpCode == ws.OpClose {
			_ = conn.Close()
			return
		}
		if bytes.HasPrefix(f.Payload, []byte("41")) {
			t.Errorf("DISCONNECT %q", f.Payload)
		}
	}
}

func TestDrainAnswersAPoll(t *testing.T) {
	t.Parallel()
	p := start(t, "--loops", "1")
	_, open := p.get("/socket.io/?EIO=4&transport=polling")
	sid, _, _ := strings.Cut(strings.TrimPrefix(open, `0{"sid":"`), `"`)
	answer := make(chan string, 1)
	go func() { // ends with the answer
		_, body, err := p.try("/socket.io/?EIO=4&transport=polling&sid=" + sid)
		if err != nil {
			body = err.Error()
		}
		answer <- body
	}()
	// The poll is there when the server has got another request.
	p.untilRequests(2)
	p.signal(syscall.SIGTERM)
	if body := <-answer; body != "1" {
		t.Errorf("the poll was answered %q, want 1", body)
	}
	if status := p.exit(); status != 0 {
		t.Errorf("exit status %d; stderr: %s", status, p.stderr)
	}
}

// untilRequests waits until so many Engine.IO requests have arrived.
func (p *process) untilRequests(n int) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		var report struct{ Totals struct{ Requests int } }
		_, body := p.get("/stats.json")
		if err := json.Unmarshal([]byte(body), &report); err != nil {
			p.t.Fatal(err)
		}
		if report.Totals.Requests == n {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%d requests, want %d", report.Totals.Requests, n)
		}
	}
}

func TestDrainDelayIsServed(t *testing.T) {
	t.Parallel()
	p := start(t, "--drain-delay", "2s")
	p.signal(syscall.SIGTERM)
	p.until("/readyz", http.StatusServiceUnavailable)
	if status, _ := p.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz while draining: %d", status)
	}
	_ = p.websocket().Close() // is still let in
	if status := p.exit(); status != 0 {
		t.Errorf("exit status %d; stderr: %s", status, p.stderr)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t, "--drain-delay", "10m")
	p.signal(syscall.SIGTERM)
	p.until("/readyz", http.StatusServiceUnavailable)
	p.signal(syscall.SIGTERM)
	if status := p.exit(); status != 128+int(syscall.SIGTERM) {
		t.Errorf("exit status %d, want 143; stderr: %s", status, p.stderr)
	}
}

func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	file := filepath.Join(t.TempDir(), "g.yaml")
	if err := os.WriteFile(file, []byte("addr: :0\nping: 1s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := taken.Addr().String()
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"taken port", nil, []string{"serve", "--addr", addr}, addr + ": the address is in use"},
		{"taken port of several", nil, []string{"serve", "--addr", "127.0.0.1:0", "--addr", addr}, "the address is in use"},
		{"taken port for profiles", nil, []string{"serve", "--addr", "127.0.0.1:0", "--pprof-addr", addr}, "the address is in use"},
		{"no such host", nil, []string{"serve", "--addr", "192.0.2.1:0"}, "cannot listen on 192.0.2.1:0: "},
		{"unknown flag", nil, []string{"serve", "--pong"}, "unknown flag: --pong"},
		{"bad flag", nil, []string{"serve", "--ping-interval", "often"}, "--ping-interval"},
		{"unknown command", nil, []string{"sever"}, "serve"},
		{"argument", nil, []string{"serve", "here"}, "here"},
		{"unknown variable", []string{"GANNET_PING=1s"}, []string{"serve"}, "GANNET_PING"},
		{"unknown key", nil, []string{"serve", "--config", file}, file + `:2: unknown key "ping"`},
		{"unknown key, file by variable", []string{"GANNET_CONFIG=" + file}, []string{"serve", "--print-config"}, "unknown key"},
		{"no file", nil, []string{"serve", "--config", file + ".not"}, "no such file"},
		{"too many connections", nil, []string{"serve", "--max-conns", "2000000000"}, "max-conns 2000000000 needs a limit of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := fails(t, child(t, tt.env, tt.args...)); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRefusesASmallDescriptorLimit(t *testing.T) {
	t.Parallel()
	cmd := child(t, nil, "serve", "--addr", "127.0.0.1:0")
	limited := exec.Command("/bin/sh", append([]string{"-c", `ulimit -n 100 && exec "$0" "$@"`}, cmd.Args...)...)
	limited.Env = cmd.Env
	if got := fails(t, limited); !strings.Contains(got, "the limit of open files is 100, which is too small") {
		t.Errorf("got %q", got)
	}
}

func TestPrintConfig(t *testing.T) {
	t.Parallel()
	out, err := child(t, []string{"GANNET_LOOPS=2"}, "serve", "--print-config", "--addr", ":1").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"addr: [\":1\"] # --addr\n", "loops: 2 # GANNET_LOOPS\n", "ping-interval: 25s\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	p := start(t, "--pprof-addr", "127.0.0.1:0", "--log-format", "json")
	p.said(`/debug/pprof/"`)
	_, rest, _ := strings.Cut(p.stderr.String(), `"url":"`)
	url, _, _ := strings.Cut(rest, `"`)
	if !strings.HasSuffix(url, "/debug/pprof/") {
		t.Fatalf("no address in %s", p.stderr)
	}
	if status, _ := p.get("/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("profiles are on the public port: %d", status)
	}
	p.url = strings.TrimSuffix(url, "/debug/pprof/")
	if status, body := p.get("/debug/pprof/"); status != http.StatusOK || !strings.Contains(body, "goroutine") {
		t.Errorf("%s: %d", url, status)
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "g.sock")
	start(t, "--addr", "unix:"+path)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}}
	res, err := client.Get("http://gannet/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}

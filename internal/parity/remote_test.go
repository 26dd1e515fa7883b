package parity_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A remote server runs elsewhere and serves profile parity. What happens to
// its sockets it tells by the op log.
type remote struct {
	addr   string
	is     string
	cmd    *exec.Cmd // nil if somebody else has started it
	book   book
	asking chan struct{} // has one token while nobody asks for the log
}

func newRemote(addr string) *remote {
	r := &remote{addr: addr, is: reference, asking: make(chan struct{}, 1)}
	if os.Getenv("GANNET_PARITY_SERVER") == gannet {
		r.is = gannet
	}
	r.book.changed = make(chan struct{})
	r.asking <- struct{}{}
	return r
}

// startRemote runs a command from the root of the module.
func startRemote(command string, set []string) (server, error) {
	args := append(strings.Fields(command), "-addr", "127.0.0.1:0", "-profile", "parity")
	for _, item := range set {
		args = append(args, "-set", item)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if err != nil || !ok {
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("%s does not listen: %q, %w", command, line, cmd.Wait())
	}
	r := newRemote(addr)
	r.cmd = cmd
	return r, nil
}

func (r *remote) address() string { return r.addr }

func (r *remote) kind() string { return r.is }

func (r *remote) stop() error {
	if r.cmd == nil {
		return nil
	}
	return r.cmd.Process.Signal(syscall.SIGTERM)
}

func (r *remote) close(context.Context) error {
	if r.cmd == nil {
		return nil
	}
	_ = r.stop() // it may have gone
	return r.cmd.Wait()
}

func (r *remote) fate(ctx context.Context, kind, namespace, id string) (string, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	wanted := entry{kind, namespace, id}
	for {
		if err := r.readLog(ctx, namespace); err != nil {
			return "", err
		}
		r.book.mu.Lock()
		text, ok := r.book.entries[wanted]
		r.book.mu.Unlock()
		if ok {
			return text, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("the application was not told: %s", kind)
		}
	}
}

// readLog asks for what has happened since the last time.
func (r *remote) readLog(ctx context.Context, namespace string) error {
	select {
	case <-r.asking:
		defer func() { r.asking <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := dial(r.addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	nsp := namespace + ","
	if namespace == "/" {
		nsp = ""
	}
	text, err := askLog(c, nsp)
	if err != nil {
		return err
	}
	var entries [][][]any // the arguments of the ack; the first is the log
	if err := json.Unmarshal([]byte(text), &entries); err != nil || len(entries) != 1 {
		return fmt.Errorf("no log: %s, %w", shorten(text), err)
	}
	for _, e := range entries[0] {
		if len(e) != 4 {
			continue
		}
		what := entry{fmt.Sprint(e[0]), namespace, fmt.Sprint(e[1])}
		text := fmt.Sprint(e[2])
		if rooms, err := json.Marshal(e[3]); err == nil && what.kind == "disconnecting" {
			text += " " + string(rooms)
		}
		r.book.write(what, text)
	}
	return nil
}

// askLog connects to a namespace and returns the arguments of the answer.
func askLog(c *conn, nsp string) (string, error) {
	_, upgrade := buildRequest("localhost", []string{"UPGRADE /socket.io/?EIO=4&transport=websocket"})
	if err := c.send([]byte(upgrade)); err != nil {
		return "", err
	}
	if _, err := c.readResponse(); err != nil {
		return "", err
	}
	for _, packet := range []string{`40` + nsp + `{"token":"secret"}`, `42` + nsp + `0["ctl",{"op":"log"}]`} {
		f := frame{op: opcodes["text"], declared: -1, payload: []byte(packet)}
		want := "text " + packet[:2] + nsp
		if err := c.send(f.append(nil)); err != nil {
			return "", err
		}
		if packet[1] == '2' {
			want = "text 43" + nsp + "0"
		}
		for {
			got, err := c.readFrame()
			if err != nil {
				return "", err
			}
			if text, ok := strings.CutPrefix(got, want); ok && packet[1] == '2' {
				return text, nil
			} else if ok {
				break
			}
		}
	}
	return "", nil
}

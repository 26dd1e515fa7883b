//go:build unix

package sio_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// The transports of a link.
const (
	overWebSocket = iota
	overPolling
	overUpgrade // polling, and a WebSocket after a few polls
	linkKinds
)

// A link is one Engine.IO session as a client has it. Unlike wsClient and
// pollClient it returns errors: its clients vanish, and are thrown out.
type link struct {
	// Immutable after dialLink.
	addr, sid string
	dialer    net.Dialer

	// Owned by the goroutine that calls read.
	r       *bufio.Reader
	upgrade int // how many polls are left until the upgrade

	mu sync.Mutex // guards following

	conn net.Conn // the WebSocket, once there is one
	http *http.Client
}

// dialLink opens a session. A window, if it is not zero, bounds the receive
// buffer of its sockets.
func dialLink(addr string, kind, polls, window int) (*link, error) {
	k := &link{addr: addr, upgrade: -1}
	k.dialer.Timeout = patience
	if window > 0 {
		k.dialer.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, window)
			})
		}
	}
	k.http = &http.Client{Timeout: 3 * patience, Transport: &http.Transport{DialContext: k.dialer.DialContext}}
	var open string
	if kind == overWebSocket {
		if err := k.dialWS(); err != nil {
			return nil, err
		}
		list, err := k.read()
		if err != nil {
			return nil, err
		}
		open = list[0]
	} else {
		var err error
		if open, err = k.do("GET", ""); err != nil {
			return nil, err
		}
	}
	if kind == overUpgrade {
		k.upgrade = polls
	}
	rest, ok := strings.CutPrefix(open, `0{"sid":"`)
	if !ok {
		return nil, fmt.Errorf("handshake: %q", open)
	}
	k.sid, _, _ = strings.Cut(rest, `"`)
	return k, nil
}

func (k *link) query(transport string) string {
	q := k.addr + "/socket.io/?EIO=4&transport=" + transport
	if k.sid != "" {
		q += "&sid=" + k.sid
	}
	return q
}

// dialWS opens the WebSocket.
func (k *link) dialWS() error {
	d := ws.Dialer{Timeout: patience, NetDial: k.dialer.DialContext}
	c, br, _, err := d.Dial(context.Background(), "ws://"+k.query("websocket"))
	if err != nil {
		return err
	}
	if k.r = br; br == nil {
		k.r = bufio.NewReader(c)
	}
	k.conn = c
	return nil
}

func (k *link) do(method, body string) (string, error) {
	req, err := http.NewRequest(method, "http://"+k.query("polling"), strings.NewReader(body))
	if err != nil {
		return "", err
	}
	res, err := k.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %q", method, res.StatusCode, b)
	}
	return string(b), err
}

// write sends one packet.
func (k *link) write(packet string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn != nil {
		return wsutil.WriteClientText(k.conn, []byte(packet))
	}
	_, err := k.do("POST", packet)
	return err
}

// read returns the packets that come next.
func (k *link) read() ([]string, error) {
	if k.r != nil {
		_ = k.conn.SetReadDeadline(time.Now().Add(3 * patience))
		f, err := ws.ReadFrame(k.r)
		if err == nil && f.Header.OpCode == ws.OpClose {
			err = io.EOF
		}
		return []string{string(f.Payload)}, err
	}
	if k.upgrade == 0 {
		return k.takeOver()
	}
	k.upgrade--
	body, err := k.do("GET", "")
	return strings.Split(body, "\x1e"), err
}

// takeOver upgrades while a poll is pending, as the official client does.
func (k *link) takeOver() ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var body string
	polled := make(chan error, 1)
	go func() {
		var err error
		body, err = k.do("GET", "")
		polled <- err
	}()
	err := k.dialWS()
	if err == nil {
		err = wsutil.WriteClientText(k.conn, []byte("2probe"))
	}
	if err == nil {
		var f ws.Frame
		if f, err = ws.ReadFrame(k.r); err == nil && string(f.Payload) != "3probe" {
			err = fmt.Errorf("probe: %q", f.Payload)
		}
	}
	err = errors.Join(err, <-polled)
	if err == nil {
		err = wsutil.WriteClientText(k.conn, []byte("5"))
	}
	return strings.Split(body, "\x1e"), err
}

// close vanishes without a word; with reset the kernel sends an RST.
func (k *link) close(reset bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t, ok := k.conn.(*net.TCPConn); ok {
		if reset {
			_ = t.SetLinger(0)
		}
		_ = t.Close()
	}
	k.http.CloseIdleConnections()
}

// How sure a client may be that it is in a room.
const (
	outside = iota
	between // it joins, or leaves
	inside
)

type roomOf struct {
	from int
	room string
}

// A ledger is what one client has received, and checks what it receives next.
type ledger struct {
	rooms  map[string]int
	last   map[roomOf]int // number of the last event of an emitter to a room
	plain  map[int]int    // emitter's step of the last event without a key
	keyed  map[int]int    // highest step of those with a key
	latest map[roomOf]int // step of the last event with each key

	received int // plain events
	fin      bool
	prompted func(answer string) // called for the event prompt, instead of an answer
}

func newLedger(rooms ...string) *ledger {
	y := &ledger{rooms: map[string]int{}, last: map[roomOf]int{}, plain: map[int]int{}, keyed: map[int]int{}, latest: map[roomOf]int{}}
	for _, r := range rooms {
		y.rooms[r] = inside
	}
	return y
}

// take counts a packet. What it returns is to be sent back, if it is anything.
func (y *ledger) take(packet string) (answer string, err error) {
	if packet == "2" {
		return "3", nil
	}
	if !strings.HasPrefix(packet, "42") {
		return "", nil
	}
	at := strings.IndexByte(packet, '[')
	var name string
	var from, step, n int
	var room string
	args := []any{&name, &from, &step, &room, &n}
	if strings.HasPrefix(packet[at:], `["room"`) {
		args = []any{&name, &room, &n}
	}
	if err := json.Unmarshal([]byte(packet[at:]), &args); err != nil {
		return "", fmt.Errorf("%q: %w", packet, err)
	}
	if id := packet[2:at]; id != "" {
		answer = "43" + id + "[" + fmt.Sprint(step) + "]"
	}
	switch name {
	case "fin":
		y.fin = true
		return answer, nil
	case "prompt":
		y.prompted(answer)
		return "", nil
	case "room":
		y.rooms[room] = n
		for k := range y.last {
			if k.room == room {
				delete(y.last, k)
			}
		}
		return answer, nil
	case "keyed":
		return answer, y.takeKeyed(packet, from, step, room)
	}
	return answer, y.takePlain(packet, name, roomOf{from, room}, step, n)
}

func (y *ledger) takeKeyed(packet string, from, step int, key string) error {
	k := roomOf{from, key}
	if step <= y.latest[k] || step <= y.plain[from] {
		return fmt.Errorf("%q came after step %d of its key, %d of its emitter", packet, y.latest[k], y.plain[from])
	}
	y.latest[k], y.keyed[from] = step, max(step, y.keyed[from])
	return nil
}

func (y *ledger) takePlain(packet, name string, k roomOf, step, n int) error {
	if step <= y.plain[k.from] || step <= y.keyed[k.from] {
		return fmt.Errorf("%q came after step %d, and %d with a key", packet, y.plain[k.from], y.keyed[k.from])
	}
	y.plain[k.from] = step
	if name == "volatile" {
		return nil
	}
	y.received++
	switch y.rooms[k.room] {
	case outside:
		return fmt.Errorf("%q came to one who is not in the room", packet)
	case inside:
		if last, ok := y.last[k]; ok && n != last+1 {
			return fmt.Errorf("%q came after number %d", packet, last)
		}
		y.last[k] = n
	}
	return nil
}

// follow reads and answers until the fin, or an error.
func (y *ledger) follow(k *link) error {
	for !y.fin {
		list, err := k.read()
		if err != nil {
			return err
		}
		for _, p := range list {
			answer, err := y.take(p)
			if err != nil {
				return wrongError{err}
			}
			if answer != "" {
				if err := k.write(answer); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// A wrongError is about what was received, not about the connection.
type wrongError struct{ error }

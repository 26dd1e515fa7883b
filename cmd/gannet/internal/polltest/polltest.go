// Package polltest is a small Socket.IO client over long-polling, for tests of
// what this command serves.
//
// What it is not: a client for anything else. It joins one namespace, knows no
// binary packets and fails the test at the first surprise.
//
//	Emit, Call ─▶ POST ─▶ server
//	Next       ◀─ events by name ◀─ one GET after the other ◀─ server
//
// Concurrency: a Client belongs to the goroutine of its test.
package polltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long anything may take.
const patience = 20 * time.Second

// A Client is a socket in one namespace.
type Client struct {
	ID string // of the socket

	tb     testing.TB
	http   *http.Client
	url    string // with the session's id
	nsp    string
	cancel context.CancelFunc
	done   chan struct{} // closed when the polling has ended

	mu     sync.Mutex // guards following
	mute   bool
	events map[string][][]json.RawMessage
	acks   map[int][]json.RawMessage
	nextID int
	closed bool
	news   chan struct{} // closed and replaced when something has come
}

// Dial connects to a namespace of the server at an address such as
// http://127.0.0.1:3000. The connection ends with the test.
func Dial(tb testing.TB, server, nsp string) *Client {
	tb.Helper()
	c := &Client{
		tb: tb, http: &http.Client{Transport: &http.Transport{}}, nsp: nsp,
		done:   make(chan struct{}),
		events: map[string][][]json.RawMessage{},
		acks:   map[int][]json.RawMessage{},
		news:   make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.url = server + "/socket.io/?EIO=4&transport=polling"
	open, err := c.get(ctx)
	if err != nil {
		tb.Fatalf("handshake: %v", err)
	}
	var handshake struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(open, "0")), &handshake); err != nil {
		tb.Fatalf("handshake: %v in %q", err, open)
	}
	c.url += "&sid=" + handshake.SID
	c.post("40" + nsp + ",")
	go c.poll(ctx) // ends at Close; joined there
	tb.Cleanup(c.Close)
	c.wait("CONNECT", func() bool { return c.ID != "" })
	return c
}

// Close ends the connection.
func (c *Client) Close() {
	c.cancel()
	<-c.done
	c.http.CloseIdleConnections()
}

// Leave disconnects as a client does that is closed.
func (c *Client) Leave() { c.post("41" + c.nsp + ",") }

// Mute stops the answering of events that want an acknowledgement.
func (c *Client) Mute() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = true
}

// Emit sends an event.
func (c *Client) Emit(event string, args ...any) {
	c.tb.Helper()
	c.post("42" + c.nsp + "," + c.encode(event, args))
}

// Call sends an event and decodes the first argument of its acknowledgement.
func (c *Client) Call(into any, event string, args ...any) {
	c.tb.Helper()
	c.mu.Lock()
	id := c.nextID
	c.nextID++
	c.mu.Unlock()
	c.post("42" + c.nsp + "," + strconv.Itoa(id) + c.encode(event, args))
	var answer []json.RawMessage
	c.wait("the acknowledgement of "+event, func() bool {
		answer = c.acks[id]
		return answer != nil
	})
	c.decode(answer, into)
}

// Next waits for the next event of that name and decodes its first argument.
func (c *Client) Next(event string, into any) {
	c.tb.Helper()
	var args []json.RawMessage
	c.wait("event "+event, func() bool {
		if len(c.events[event]) == 0 {
			return false
		}
		args, c.events[event] = c.events[event][0], c.events[event][1:]
		return true
	})
	c.decode(args, into)
}

// Waiting returns how many events of that name have come and were not taken.
func (c *Client) Waiting(event string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.events[event])
}

// WaitClosed waits until the server has ended the connection.
func (c *Client) WaitClosed() {
	c.tb.Helper()
	c.wait("the end of the connection", func() bool { return c.closed })
}

func (c *Client) wait(what string, ready func() bool) {
	c.tb.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		c.mu.Lock()
		ok, news := ready(), c.news
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-news:
		case <-timeout.C:
			c.tb.Fatalf("waited in vain for %s", what)
		}
	}
}

func (c *Client) encode(event string, args []any) string {
	c.tb.Helper()
	b, err := json.Marshal(append([]any{event}, args...))
	if err != nil {
		c.tb.Fatal(err)
	}
	return string(b)
}

func (c *Client) decode(args []json.RawMessage, into any) {
	c.tb.Helper()
	if into == nil {
		return
	}
	if len(args) == 0 {
		c.tb.Fatal("no argument to decode")
	}
	if err := json.Unmarshal(args[0], into); err != nil {
		c.tb.Fatalf("%v in %s", err, args[0])
	}
}

func (c *Client) post(packet string) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(packet))
	if err != nil {
		c.tb.Fatal(err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.tb.Fatalf("POST %s: %v", packet, err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		c.tb.Fatalf("POST %s: %d %s", packet, res.StatusCode, body)
	}
}

var errStatus = errors.New("unexpected status")

func (c *Client) get(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		return "", err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errStatus
	}
	return string(body), err
}

// poll takes what the server sends until the connection ends.
func (c *Client) poll(ctx context.Context) {
	defer close(c.done)
	for {
		payload, err := c.get(ctx)
		if err != nil {
			c.end()
			return
		}
		for packet := range strings.SplitSeq(payload, "\x1e") {
			c.take(packet)
		}
	}
}

func (c *Client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.tell()
}

// tell wakes whoever waits; mu is held.
func (c *Client) tell() {
	close(c.news)
	c.news = make(chan struct{})
}

func (c *Client) take(packet string) {
	if packet == "2" {
		c.post("3")
		return
	}
	kind, rest, ok := strings.Cut(packet, c.nsp+",")
	if !ok {
		return
	}
	digits := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	id, err := strconv.Atoi(rest[:max(digits, 0)])
	hasID := err == nil
	var args []json.RawMessage
	body := rest[max(digits, 0):]
	if kind != "40" {
		_ = json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&args)
	}

	c.mu.Lock()
	switch kind {
	case "40":
		var connect struct{ SID string }
		_ = json.Unmarshal([]byte(body), &connect)
		c.ID = connect.SID
	case "42":
		var event string
		_ = json.Unmarshal(args[0], &event)
		c.events[event] = append(c.events[event], args[1:])
	case "43":
		c.acks[id] = append(args, nil)[:len(args)]
	}
	answer := kind == "42" && hasID && !c.mute
	c.tell()
	c.mu.Unlock()
	if answer {
		c.post("43" + c.nsp + "," + strconv.Itoa(id) + "[]")
	}
}

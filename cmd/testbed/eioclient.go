package main

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/engine"
)

// startEngineClient is profile eio-client: what the official Engine.IO client's
// own tests expect of a server. The limit is 100 bytes because they go over it.
func startEngineClient(_ context.Context, c *config) (service, error) {
	e := &engineClient{carriers: map[string]http.Header{}}
	return newEngine(c, &engine.Config{
		EIO: eio.Config{
			PingInterval:   500,
			PingTimeout:    20_000,
			UpgradeTimeout: 10_000,
			MaxPayload:     100,
			Transports:     []eio.Transport{eio.Polling, eio.WebSocket},
		},
		Path: enginePath(c.path),
		Admit: func(r *http.Request) (message string, ok bool) {
			return "", !r.URL.Query().Has("deny")
		},
		InitialHeaders: setCookies,
		Headers:        e.carries,
	}, e)
}

// setCookies adds cookies to the first response of a session: one that stays for
// a day, one with all attributes, and two that have expired.
func setCookies(h http.Header, _ *http.Request) {
	for _, cookie := range []string{
		"1=1; Max-Age=86400",
		"2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
		"3=3; Max-Age=0",
		"4=4; Expires=" + time.Now().UTC().Format(http.TimeFormat),
	} {
		h.Add("Set-Cookie", cookie)
	}
}

// An engineClient is the behavior of profile eio-client.
type engineClient struct {
	mu sync.Mutex // guards following

	// The headers of the POST that a session has sent last, by session id. It is
	// the one whose messages are being delivered: a session sends one at a time.
	carriers map[string]http.Header
}

// carries remembers a POST. The engine calls it for each request of a session,
// before the messages in the request are delivered.
func (e *engineClient) carries(_ http.Header, r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	h := r.Header.Clone()
	h.Set("Host", r.Host)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.carriers[r.URL.Query().Get("sid")] = h
}

func (*engineClient) opened(s *engineSession) { s.reply([]byte("hi"), false) }

func (e *engineClient) message(s *engineSession, data []byte, binary bool) {
	switch {
	case binary:
	case string(data) == "give binary":
		data, binary = []byte{0, 1, 2, 3, 4}, true
	case string(data) == "give utf8":
		data = []byte("пойду спать всем спокойной ночи")
	case string(data) == "sendHeaders":
		data = e.headers(s)
	}
	s.reply(data, binary)
}

// headers returns the headers of the POST that carries what is being delivered,
// as JSON; nothing on a WebSocket.
func (e *engineClient) headers(s *engineSession) []byte {
	if s.Transport() != eio.Polling {
		return nil
	}
	e.mu.Lock()
	h := e.carriers[s.SID()]
	e.mu.Unlock()
	text, _ := json.Marshal(nodeHeaders(h)) // it is strings
	return text
}

func (e *engineClient) closed(s *engineSession) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.carriers, s.SID())
}

package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// clientAdmission is how long profile sio-client takes to admit a handshake:
// tests of the client that set its timeout to 0 need that it is not at once.
const clientAdmission = 10 * time.Millisecond

// startSIOClient is profile sio-client: what the official JavaScript client's
// own tests expect of a server.
func startSIOClient(_ context.Context, c *config) (service, error) {
	o := &sio.Options{
		PingInterval: 2 * time.Second,

		ConnectionStateRecovery: &sio.RecoveryOptions{},
		AllowRequest: func(*http.Request) error {
			time.Sleep(clientAdmission)
			return nil
		},
	}
	return newSIO(c, o, func(srv *sio.Server) {
		clientNamespaces(srv)
		clientEvents(c.handlers(srv.Root()))
		binaryEvents(c.handlers(srv.Root()))
	})
}

// clientNamespaces sets up all namespaces but the events of "/".
func clientNamespaces(srv *sio.Server) {
	srv.Use(func(s *sio.Socket) error {
		if s.Handshake().Query.Get("fail") != "" {
			return &sio.Error{Message: "Auth failed (main namespace)"}
		}
		return nil
	})
	srv.Of("/no").Use(func(*sio.Socket) error {
		return &sio.Error{Message: "Auth failed (custom namespace)"}
	})
	srv.Of("/foo").Handle("getId", ackID)
	srv.Of("/abc").OnConnection(func(s *sio.Socket) { _ = s.Emit("handshake", nodeHandshake(s)) })
	for _, name := range []string{"/timeout_socket", "/valid", "/asd"} {
		srv.Of(name)
	}
}

func ackID(e *sio.Event) error { return acknowledge(e, e.Socket().ID()) }

// emits returns a handler that emits an event to the sender.
func emits(event string, args ...any) sio.HandlerFunc {
	return func(e *sio.Event) error { return e.Socket().Emit(event, args...) }
}

// clientEvents are the events of "/" about text.
func clientEvents(on sio.Registrar) {
	on.Handle("hi", emits("hi"))
	on.Handle("false", emits("false", false))
	on.Handle("echo", func(e *sio.Event) error { return acknowledge(e, e.Args()[:min(1, e.Len())]...) })
	on.Handle("ack", askBack)
	on.Handle("getId", ackID)
	on.Handle("getHandshake", func(e *sio.Event) error { return acknowledge(e, nodeHandshake(e.Socket())) })
	on.Handle("getAckDate", func(e *sio.Event) error { return acknowledge(e, time.Now()) })
	on.Handle("getDate", func(e *sio.Event) error { return e.Socket().Emit("takeDate", time.Now()) })
	on.Handle("getDateObj", func(e *sio.Event) error {
		return e.Socket().Emit("takeDateObj", map[string]any{"date": time.Now()})
	})
	on.Handle("getUtf8", func(e *sio.Event) error {
		for _, text := range []string{"てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"} {
			if err := e.Socket().Emit("takeUtf8", text); err != nil {
				return err
			}
		}
		return nil
	})
}

// askBack asks the client for an ack, and tells it when the answer was right.
func askBack(e *sio.Event) error {
	s := e.Socket()
	return s.EmitAck("ack", func(r *sio.Reply, err error) {
		var a int
		var b struct {
			Test any `json:"test"`
		}
		if err == nil && r.Decode(&a, &b) == nil && a == 5 && b.Test != nil && b.Test != false {
			_ = s.Emit("got it")
		}
	})
}

// binaryEvents are the events of "/" about binary.
func binaryEvents(on sio.Registrar) {
	payload := []byte("asdfasdf")
	on.Handle("doge", emits("doge", payload))
	on.Handle("getbin", emits("takebin", payload))
	on.Handle("buffa", ifBinary(emits("buffack")))
	on.Handle("blob", ifBinary(emits("back")))
	on.Handle("jsonbuff", ifObject(emits("jsonbuff-ack")))
	on.Handle("jsonblob", ifObject(emits("jsonblob-ack")))

	inOrder(on, "abuff2-ack",
		step{"abuff1", hasBinary},
		step{"abuff2", func(*sio.Event) bool { return true }})
	inOrder(on, "blob3-ack",
		step{"blob1", hasBinary},
		step{"blob2", func(e *sio.Event) bool { return string(e.Arg(0)) == `"second"` }},
		step{"blob3", hasBinary})
}

func hasBinary(e *sio.Event) bool { return e.Binary(0) != nil }

func ifBinary(h sio.HandlerFunc) sio.HandlerFunc {
	return func(e *sio.Event) error {
		if !hasBinary(e) {
			return nil
		}
		return h(e)
	}
}

// ifObject calls h for the object with binary in it that the tests send.
func ifObject(h sio.HandlerFunc) sio.HandlerFunc {
	return func(e *sio.Event) error {
		var o struct {
			Hello   string `json:"hello"`
			Message []byte `json:"message"`
			Goodbye string `json:"goodbye"`
		}
		if err := e.Decode(&o); err != nil {
			return err
		}
		if o.Hello != "lol" || o.Message == nil || o.Goodbye != "gotcha" {
			return nil
		}
		return h(e)
	}
}

// A step is an event that must look right.
type step struct {
	event string
	right func(*sio.Event) bool
}

// inOrder emits answer to a socket that sends all steps in their order.
func inOrder(on sio.Registrar, answer string, steps ...step) {
	var mu sync.Mutex
	next := map[string]int{} // by socket id: the step that it is at
	for i, st := range steps {
		on.Handle(st.event, func(e *sio.Event) error {
			s := e.Socket()
			mu.Lock()
			at := next[s.ID()]
			delete(next, s.ID())
			done := at == i && st.right(e) && i == len(steps)-1
			if at == i && !done && st.right(e) {
				next[s.ID()] = i + 1
			}
			mu.Unlock()
			if !done {
				return nil
			}
			return s.Emit(answer)
		})
	}
}

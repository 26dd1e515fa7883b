package sio_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// volatileCases are what is emitted in one turn, n for an event and v for a
// volatile one, and which of them a client that takes everything gets.
var volatileCases = []struct{ emit, got string }{
	{"v", "0"},
	{"n", "0"},
	{"nv", "0"},
	{"vv", "0"},
	{"vvv", "0"},
	{"vn", "01"},
	{"nvn", "02"},
	{"vvn", "02"},
	{"nvvnv", "03"},
}

// emitAll emits what a case says.
func emitAll(t *testing.T, emit string, binary bool, normal, volatile sio.Target) {
	t.Helper()
	for i, kind := range emit {
		to := normal
		if kind == 'v' {
			to = volatile
		}
		args := []any{i}
		if binary {
			args = append(args, []byte{byte(i), 7})
		}
		if err := to.Emit("ev", args...); err != nil && (kind != 'v' || !errors.Is(err, sio.ErrDropped)) {
			t.Errorf("%s, %d: %v", emit, i, err)
		}
	}
}

// TestVolatile: what is volatile is delivered if nothing else is on its way, the
// whole turn counts; with its attachments or not at all; to one socket and to
// all, over both transports.
func TestVolatile(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"websocket", "polling"} {
		for _, to := range []string{"socket", "namespace", "room"} {
			for _, binary := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to a %s, binary %v", transport, to, binary), func(t *testing.T) {
					t.Parallel()
					srv, addr := newServer(t, &sio.Options{Loops: 1}, func(srv *sio.Server) {
						srv.Root().Inline().Handle("go", func(e *sio.Event) error {
							var emit string
							err := e.Decode(&emit)
							s := e.Socket()
							switch _ = s.Join("room"); to {
							case "socket":
								emitAll(t, emit, binary, s.Compress(true), s.Volatile())
							case "namespace":
								emitAll(t, emit, binary, s.Namespace().All(), s.Namespace().Volatile())
							default:
								emitAll(t, emit, binary, s.Namespace().To("room"), s.Namespace().To("room").Volatile())
							}
							return err
						})
						srv.Root().Inline().Handle("end", func(e *sio.Event) error { return e.Ack() })
					})
					play := volatileOverWS
					if transport == "polling" {
						play = volatileOverPolling
					}
					run := play(t, srv, addr)
					drops := uint64(0)
					for _, tc := range volatileCases {
						var want []string
						for _, i := range tc.got {
							if binary {
								want = append(want, fmt.Sprintf(`451-["ev",%c,{"_placeholder":true,"num":0}]`, i), fmt.Sprintf("%x", []byte{byte(i - '0'), 7}))
							} else {
								want = append(want, fmt.Sprintf(`42["ev",%c]`, i))
							}
						}
						if got := run(tc.emit); !slices.Equal(got, want) {
							t.Errorf("%s: got %q, want %q", tc.emit, got, want)
						}
						drops += uint64(len(tc.emit) - len(tc.got))
					}
					if n := srv.Stats().VolatileDrops; n != drops {
						t.Errorf("%d drops counted, want %d", n, drops)
					}
				})
			}
		}
	}
}

// volatileOverWS returns what has a client emit "go", and gives back what comes.
func volatileOverWS(t *testing.T, _ *sio.Server, addr string) func(string) []string {
	t.Helper()
	c, _ := connectWS(t, addr, "/")
	return func(emit string) (got []string) {
		c.send(fmt.Sprintf(`42["go",%q]`, emit))
		c.send(`420["end"]`)
		for {
			f := c.frame()
			switch text := string(f.Payload); {
			case text == "430[]":
				return got
			case f.Header.OpCode == 2:
				got = append(got, fmt.Sprintf("%x", f.Payload))
			default:
				got = append(got, text)
			}
		}
	}
}

// volatileOverPolling does the same with a GET that waits.
func volatileOverPolling(t *testing.T, srv *sio.Server, addr string) func(string) []string {
	t.Helper()
	c := newPollClient(t, addr)
	c.post("40")
	c.get()
	return func(emit string) (got []string) {
		requests := srv.Stats().Requests
		first := make(chan string, 1)
		go func() { first <- c.get() }()
		eventually(t, "the GET waits", func() bool { return srv.Stats().Requests > requests })
		c.post(fmt.Sprintf(`42["go",%q]`, emit))
		c.post(`420["end"]`)
		for body := recv(t, "the GET", first); ; body = c.get() {
			for p := range strings.SplitSeq(body, "\x1e") {
				b64, isBinary := strings.CutPrefix(p, "b")
				switch {
				case p == "430[]":
					return got
				case isBinary:
					got = append(got, map[string]string{"AAc=": "0007", "AQc=": "0107", "Agc=": "0207", "Awc=": "0307"}[b64])
				default:
					got = append(got, p)
				}
			}
		}
	}
}

// TestVolatileWithoutAGet: over polling nothing volatile is delivered while no
// GET waits, and nothing volatile is kept for the next.
func TestVolatileWithoutAGet(t *testing.T) {
	t.Parallel()
	srv, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Root().Inline().Handle("go", func(e *sio.Event) error {
			emitAll(t, "v", false, sio.Target{}, e.Socket().Volatile())
			emitAll(t, "v", true, sio.Target{}, e.Socket().Namespace().Volatile())
			return e.Socket().Emit("kept")
		})
	})
	c := newPollClient(t, addr)
	c.post("40")
	c.get()
	c.post(`42["go"]`)
	if got := c.get(); got != `42["kept"]` {
		t.Errorf("got %q", got)
	}
	if n := srv.Stats().VolatileDrops; n != 2 {
		t.Errorf("%d drops, want 2", n)
	}
}

// TestVolatileAcks: a volatile event that wants an answer is dropped like any
// other, and who waits for the answer is told.
func TestVolatileAcks(t *testing.T) {
	t.Parallel()
	results := make(chan error, 4)
	_, addr := newServer(t, nil, func(srv *sio.Server) {
		srv.Root().Inline().Handle("go", func(e *sio.Event) error {
			s := e.Socket()
			ack := func(_ *sio.Reply, err error) { results <- err }
			return errors.Join(
				s.Volatile().EmitAck("q", ack),
				s.Volatile().EmitAck("q", ack), // behind the first
				s.EmitAck("q", ack),
			)
		})
	})
	c, _ := connectWS(t, addr, "/")
	c.send(`42["go"]`)
	c.want(`420["q"]`)
	c.want(`422["q"]`)
	if err := recv(t, "the dropped one", results); !errors.Is(err, sio.ErrDropped) {
		t.Errorf("got %v, want ErrDropped", err)
	}
	c.send(`430["a"]`)
	c.send(`432["b"]`)
	for range 2 {
		if err := recv(t, "an answer", results); err != nil {
			t.Error(err)
		}
	}
}

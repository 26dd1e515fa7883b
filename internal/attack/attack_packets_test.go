//go:build unix

package attack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// wantPacketsRefused sends every script, whose lines are messages of a client
// that has joined "/", on a connection of its own: it is closed with an empty
// close frame, and no handler hears of anything. A line that starts with "b:"
// is binary.
func wantPacketsRefused(t *testing.T, scripts ...string) {
	t.Helper()
	var heard atomic.Int64
	s := serve(t, nil, func(srv *sio.Server) {
		listen := func(n *sio.Namespace) {
			for _, name := range []string{"a", "connection", "error", "", "1", "null", "true", "[object Object]", "undefined"} {
				n.Handle(name, func(*sio.Event) error { heard.Add(1); return nil })
				n.Inline().Handle(name+"!", func(*sio.Event) error { heard.Add(1); return nil })
			}
		}
		listen(srv.Root())
		listen(srv.Of("/joinable"))
	})
	for _, script := range scripts {
		w := s.connect()
		_ = w.try(scriptFrames(script))
		w.wantClose(0)
	}
	s.wantReason("forced close")
	s.wantCounted(int64(len(scripts)), "PacketErrors")
	// On polling the session ends in the same way.
	for _, script := range scripts {
		if strings.Contains(script, "b:") || strings.ContainsAny(script, "\x1e") {
			continue
		}
		p := s.joined()
		p.parked()
		p.post(strings.ReplaceAll(strings.TrimSuffix(script, "\n"), "\n", "\x1e"))
		if got := p.body(); got != "1" {
			t.Errorf("%.80q on polling: got %q, want a close", script, got)
		}
		p.wantUnknown()
		p.leave()
		break
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("%d events reached a handler", n)
	}
	s.wantCalm()
}

func scriptFrames(script string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(script, "\n") {
		if data, ok := strings.CutPrefix(line, "b:"); ok {
			b.Write(frame(fin|opBinary, data))
		} else {
			b.Write(frame(fin|opText, line))
		}
	}
	return b.String()
}

func TestA98PacketTypes(t *testing.T) {
	t.Parallel()
	wantPacketsRefused(t,
		"4", "47", "48", "49", "4a", "4 2", "4-1", "4\x00", "4é", `4"2"`, "4/joinable,",
		"40", "40{}", "40/,", // joined already
		`42/joinable,["a"]`, `42/nope,["a"]`, "41/joinable,", `43/joinable,0[]`, // not joined
		"40/joinable,\n40/joinable,",
		`44{"message":"x"}`, `44"x"`, "44", "44/joinable,", // CONNECT_ERROR is for servers
	)
	t.Run("behind a DISCONNECT", func(t *testing.T) {
		s := serve(t, nil)
		for _, text := range []string{`42["a"]`, "41"} {
			w := s.connect()
			w.text("41")
			w.send(fin|opPing, "")
			if op, _ := w.next(); op != opPong {
				t.Fatalf("got opcode %d, want a pong", op)
			}
			w.text(text) // in a read of its own: that of the DISCONNECT has been answered
			w.wantClose(0)
		}
		s.wantCounted(2, "PacketErrors")
		s.wantCalm()
	})
	t.Run("before any CONNECT", func(t *testing.T) {
		s := serve(t, nil)
		for _, text := range []string{`42["echo"]`, "41", "430[]", `451-["echo",{"_placeholder":true,"num":0}]`} {
			w := s.open()
			w.text(text)
			if strings.HasPrefix(text, "45") {
				w.send(fin|opBinary, "x")
			}
			w.wantClose(0)
		}
		s.wantCounted(4, "PacketErrors")
		s.wantCalm()
	})
}

func TestA99AttachmentCounts(t *testing.T) {
	t.Parallel()
	const event = `["a",{"_placeholder":true,"num":0}]`
	var scripts []string
	for _, head := range []string{
		"5-", "51.5-", "5-1-", "51e9-", "511-", "50-", "500-", "5", "51", "5 1-", "5+1-", "50x1-", "51 -", "599999999999999999999-",
		"5NaN-", "5Infinity-", "518446744073709551617-", "5/joinable,1-", "6-", "611-",
	} {
		scripts = append(scripts, "4"+head+event)
	}
	wantPacketsRefused(t, append(scripts, `461.5-0[{"_placeholder":true,"num":0}]`, "451", "46-0[]")...)
}

func TestA100PendingAttachments(t *testing.T) {
	t.Parallel()
	const ten = `4510-["a",{"_placeholder":true,"num":0}]`
	wantPacketsRefused(t,
		ten+strings.Repeat("\nb:x", 9)+"\n42[\"a\"]",
		ten+strings.Repeat("\nb:x", 9)+"\n41",
		"451-[\"nobody\",{\"_placeholder\":true,\"num\":0}]\nb:x\nb:y",
		ten+"\n"+ten,
		"b:x",
	)
}

// TestA100AttachmentsThatNeverCome is bounded in memory by the limits of
// messages and attachments; its deadline is tested in sio with a clock.
func TestA100AttachmentsThatNeverCome(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 2 * time.Second})
	w := s.connect()
	w.write(frames(fin|opText, `4510-["a"]`) + strings.Repeat(frames(fin|opBinary, strings.Repeat("x", 100_000)), 9))
	w.wantPrefix("2") // and it does not answer
	w.wantClose(0)
	s.wantReason("ping timeout")
	s.wantCalm()
}

func TestA101Placeholders(t *testing.T) {
	t.Parallel()
	var scripts []string
	for _, num := range []string{"-1", "1.5", `"length"`, `"__proto__"`, "1", "2", "1e3", "null", "true", "[0]", "{}", "0.5", "1e400", "18446744073709551616", `"0"`} {
		scripts = append(scripts, `451-["a",{"_placeholder":true,"num":`+num+"}]\nb:x")
	}
	scripts = append(scripts, "451-[\"a\",{\"_placeholder\":true}]\nb:x", "451-[\"a\",{\"x\":[[{\"num\":7,\"_placeholder\":true}]]}]\nb:x",
		"451-[{\"_placeholder\":true,\"num\":0}]\nb:x")
	wantPacketsRefused(t, scripts...)
	s := serve(t, nil) // one that is unused or used twice is fine, and text is left alone
	w := s.connect()
	w.write(scriptFrames("452-[\"echo\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":1}]\nb:x\nb:y\n" +
		`421["echo",{"_placeholder":true,"num":99}]`))
	op, text := w.next()
	var binaries []string
	for text != `431[{"_placeholder":true,"num":99}]` {
		if op == opBinary {
			binaries = append(binaries, text)
		} else if !strings.HasPrefix(text, "452-[\"echo\",") && !strings.HasPrefix(text, "451-[\"echo\",") {
			t.Fatalf("got opcode %d %q", op, text)
		}
		op, text = w.next()
	}
	if got := strings.Join(binaries, ","); got != "y,y" && got != "y" {
		t.Errorf("attachments %q came back, want that of number 1", got)
	}
	_ = w.c.Close()
	s.wantCalm()
}

func TestA102EventNames(t *testing.T) {
	t.Parallel()
	var scripts []string
	for _, name := range []string{
		"null", "true", "false", "[]", "{}", `["a"]`, `{"a":1}`, "{\"toString\":\"a\"}",
		`"connect"`, `"connect_error"`, `"disconnect"`, `"disconnecting"`, `"newListener"`, `"removeListener"`,
		`"\u0064isconnect"`, `"connec\u0074"`,
	} {
		scripts = append(scripts, "42["+name+",1]", "4217["+name+"]", "451-["+name+",{\"_placeholder\":true,\"num\":0}]\nb:x")
	}
	wantPacketsRefused(t, append(scripts, `42{}`, `42"a"`, `42null`, `421`+"x", `42[`, `42[]`, `42["a"`, `42["a",]`, `42[,"a"]`)...)
	var heard sync.Map
	s := serve(t, nil, func(srv *sio.Server) {
		for _, name := range []string{"1", "-1.5", "1e+21", "Disconnect", "__proto__", "constructor", "toString", "error", "connection", "é", ""} {
			srv.Handle(name, func(e *sio.Event) error { heard.Store(e.Name(), true); return e.Ack() })
		}
	})
	w := s.connect()
	for i, name := range []string{"1", "-1.50", "1e21", `"Disconnect"`, `"__proto__"`, `"constructor"`, `"toString"`, `"error"`, `"connection"`, `"\u00e9"`, `""`} {
		w.text(fmt.Sprintf("42%d[%s]", i, name))
		w.want(fmt.Sprintf("43%d[]", i))
	}
	w.write(frames(fin|opText, "42", "42/", `42["nobody"]`, `42["hasOwnProperty"]`))
	w.wantServed()
	_ = w.c.Close()
	s.wantCounted(12, "EventsIn")
	s.wantCounted(4, "EventsUnhandled")
	s.wantCalm()
}

func TestA103AckIDs(t *testing.T) {
	t.Parallel()
	wantPacketsRefused(t,
		`43-1[]`, `431.5[]`, `431e30[]`, `43+1[]`, `430x1[]`, `431{}`, `431"x"`, `431null`, `431[`, `42-1["a"]`, `421.5["a"]`, `421e30["a"]`,
		`43/joinable,0[]`,
	)
	answers := make(chan error, 10)
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Of("/other")
		srv.Handle("ask", func(e *sio.Event) error {
			return e.Socket().EmitAck("question", func(r *sio.Reply, err error) {
				if err == nil && string(r.Arg(0)) != "1" {
					err = errors.New(string(r.Arg(0)))
				}
				answers <- err
			})
		})
	})
	w := s.connect()
	w.text("40/other,")
	w.wantPrefix("40/other,")
	w.text(`42["ask"]`)
	id := between(func() string { _, p := w.next(); return p }(), "42", "[")
	// Unknown ids, of any size and of another namespace; then the answer, and
	// once more.
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "%s", frame(fin|opText, fmt.Sprintf("43%d[0]", 1_000_000+i)))
	}
	w.write(b.String() + frames(fin|opText, "4318446744073709551615[0]", "4399999999999999999999999[0]", "43[0]", "43", "43/other,"+id+"[0]", "43"+id+"[1]", "43"+id+"[2]"))
	w.wantServed()
	if err := receive(t, answers); err != nil {
		t.Errorf("the answer was %v, want 1", err)
	}
	select {
	case err := <-answers:
		t.Errorf("a second answer: %v", err)
	default:
	}
	// The client's own ids come back as JavaScript prints them.
	for id, want := range map[string]string{
		"0": "0", "007": "7", "9007199254740993": "9007199254740992", "99999999999999999999": "100000000000000000000", strings.Repeat("9", 400): "Infinity",
	} {
		w.text("42" + id + `["echo",1]`)
		w.want("43" + want + "[1]")
	}
	_ = w.c.Close()
	s.wantCounted(0, "PacketsIn")
	s.wantCalm()
}

func receive[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestA104Depth(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	wantPacketsRefused(t,
		`42["a",`+deep(128)+"]", `42["a",`+deep(10_000)+"]", `42["a",`+deep(400_000)+"]", `42["a",`+strings.Repeat("[", 999_000),
		`42["a",`+strings.Repeat(`{"a":`, 150_000), "4"+"31"+deep(129), strings.Repeat(`4[`, 100_000),
	)
	s := serve(t, nil)
	w := s.connect()
	w.text(`421["echo",` + deep(127) + "]")
	w.want("431[" + deep(127) + "]")
	_ = w.c.Close()
	s.wantCalm()
}

func TestA105HostileJSON(t *testing.T) {
	t.Parallel()
	var scripts []string
	for _, arg := range []string{
		`"\x"`, `"\u12"`, `"\u123g"`, "\"\x01\"", "\"\n\"", "01", "1.", ".5", "+1", "-", "1e", "0x1", "NaN", "Infinity", "'a'", "nul", "undefined",
		`{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`, `{,}`, "[1,]", "[1 2]", "/**/1", "1]2[", `"a`, `{`, "\xef\xbb\xbf1",
	} {
		scripts = append(scripts, `42["a",`+arg+"]")
	}
	var plain []string
	for _, s := range scripts { // a line end is a separator here
		if !strings.Contains(s, "\n") {
			plain = append(plain, s)
		}
	}
	wantPacketsRefused(t, append(plain, `42["a"]x`, `42["a"][]`, `42["a"]`+"\x00", `43 1[]`, `42["a"] 1`)...)

	decoded := make(chan string, 1)
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Handle("decode", func(e *sio.Event) error {
			var v any
			if err := e.Decode(&v); err != nil {
				decoded <- "error"
				return err
			}
			b, err := json.Marshal(v)
			decoded <- string(b)
			return err
		})
	})
	w := s.connect()
	for arg, want := range map[string]string{
		`{"a":1,"a":2}`:                       `{"a":2}`,
		`{"__proto__":{"x":1}}`:               `{"__proto__":{"x":1}}`,
		`{"constructor":{"prototype":1}}`:     `{"constructor":{"prototype":1}}`,
		`"\ud800"`:                            `"` + "\ufffd" + `"`,
		`"\ud83d\ude00"`:                      `"😀"`,
		`1e400`:                               "error",
		`-1e400`:                              "error",
		`[1e308]`:                             `[1e+308]`,
		`1e-400`:                              "0",
		`"\u0000"`:                            `"\u0000"`,
		`" "`:                                 `" "`,
		`{"":{"":0}}`:                         `{"":{"":0}}`,
		"1" + strings.Repeat("0", 400):        "error",
		"0." + strings.Repeat("0", 400) + "1": "0",
	} {
		w.text(`421["echo",` + arg + `]`) // raw, it is passed on verbatim
		w.want(`431[` + arg + `]`)
		w.text(`42["decode",` + arg + `]`)
		if got := receive(t, decoded); got != want {
			t.Errorf("%s decoded to %s, want %s", arg, got, want)
		}
	}
	s.wantCounted(0, "EventsIn")
	_ = w.c.Close()
	s.wantCalm()
}

func TestA106Escapes(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Handle("length", func(e *sio.Event) error {
			var text string
			if err := e.Decode(&text); err != nil {
				return err
			}
			return e.Ack(len(text))
		})
	})
	w := s.connect()
	for unit, size := range map[string]int{`\u0041`: 1, `\n`: 1, `\ud83d\ude00`: 4, `\"`: 1, `\ud800`: 3, `\\`: 1} {
		n := 990_000 / len(unit)
		text := strings.Repeat(unit, n)
		w.text(`421["length","` + text + `"]`)
		w.want(fmt.Sprintf("431[%d]", n*size))
		w.text(`421["echo","` + text + `"]`)
		w.want(`431["` + text + `"]`)
	}
	w.text(`42["` + strings.Repeat(`\u0041`, 160_000) + `"]`) // the name is bounded
	w.wantClose(0)
	s.wantCounted(1, "PacketErrors")
	s.wantCalm()
}

func TestA107DisconnectsAndNamespaces(t *testing.T) {
	t.Parallel()
	wantPacketsRefused(t, `41{"a":1}`, `41"x"`, "41[]", "41null", "41 ", "40/a\x1fb,", "40/"+strings.Repeat("n", 300), `40/nope,[]`, `40/nope,"x"`)
	s := serve(t, nil)
	w := s.connect()
	const n = 20_000
	go func() {
		var b strings.Builder
		for i := range n {
			b.Write(frame(fin|opText, fmt.Sprintf("40/no/%d,", i)))
		}
		_ = w.try(b.String())
	}()
	for i := range n {
		w.want(fmt.Sprintf(`44/no/%d,{"message":"Invalid namespace"}`, i))
	}
	w.text("40/no/1?query=1,")
	w.want(`44/no/1?query=1,{"message":"Invalid namespace"}`)
	w.text("40/no/1,") // there still is no such namespace
	w.want(`44/no/1,{"message":"Invalid namespace"}`)
	w.text("41")
	s.wantReason("client namespace disconnect")
	w.text("40")
	w.wantPrefix(`40{"sid":"`)
	_ = w.c.Close()
	s.wantCounted(n+2, "ConnectsRefused")

	// Who asks and does not read is cut off.
	w, _ = s.slow()
	flood := strings.Repeat(frames(fin|opText, "40/"+strings.Repeat("x", 200)+","), 1000)
	for w.try(flood) == nil {
	}
	s.wantCounted(1, "SlowConsumers")
	s.wantReason("slow consumer")
	_ = w.c.Close()
	s.wantCalm()
}

func TestA109HandlersThatPanicOrReenter(t *testing.T) {
	t.Parallel()
	var bystanders atomic.Pointer[[]string] // who is to be left alone
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Handle("panic", func(*sio.Event) error { panic("in a handler") })
		srv.Root().Inline().Handle("inline panic", func(*sio.Event) error { panic(errors.New("on the loop")) })
		srv.Handle("bad index", func(e *sio.Event) error { return e.Ack(make([]int, 1)[e.Len()+1]) })
		srv.Of("/hooks").OnConnection(func(*sio.Socket) { panic("in OnConnection") })
		srv.Of("/leave").OnDisconnect(func(*sio.Socket, sio.DisconnectReason) { panic("in OnDisconnect") })
		tangle := func(e *sio.Event) error {
			self := e.Socket()
			ids := *bystanders.Load()
			_ = self.Join("a", "b")
			_ = self.EmitAck("x", func(*sio.Reply, error) { self.Disconnect(true) })
			_ = srv.To("a").Except(ids...).Emit("y", 1)
			self.On("other", func(*sio.Event) error { return nil })
			_ = srv.To("b").Except(ids...).Leave("b")
			_ = self.Rooms()
			_ = srv.To("a").Except(ids...).Disconnect(true) // itself among them
			_ = self.Emit("behind", 1)
			_ = self.Join("c")
			self.Disconnect(true)
			return e.Ack()
		}
		srv.Handle("tangle", tangle)
		srv.Root().Inline().Handle("inline tangle", tangle)
	})
	ids := s.bystanderRooms()
	bystanders.Store(&ids)
	for _, name := range []string{"panic", "inline panic", "bad index"} {
		w := s.connect()
		w.write(frames(fin|opText, `42["`+name+`"]`, `42["echo","behind"]`))
		op, _ := w.next()
		for op == opText {
			op, _ = w.next()
		}
		if op != opClose {
			t.Errorf("%s: got opcode %d, want a close frame", name, op)
		}
		w.wantEOF()
		p := s.joined()
		p.parked()
		p.post(`42["` + name + `"]`)
		if got := p.body(); got != "1" {
			t.Errorf("%s: got %q, want a close", name, got)
		}
		p.leave()
	}
	s.wantReason("forced close")
	w := s.open()
	w.text("40/hooks,")
	w.wantPrefix(`40/hooks,{"sid":"`)
	w.wantClose(0)
	w = s.open()
	w.text("40/leave,")
	w.wantPrefix(`40/leave,{"sid":"`)
	_ = w.c.Close()
	s.eventually("all panics", func() bool {
		n := 0
		for _, e := range s.noted(&s.errors) {
			if strings.Contains(e, "panic") {
				n++
			}
		}
		return n == 8
	})
	for _, name := range []string{"tangle", "inline tangle"} {
		for range 10 {
			w, other := s.connect(), s.connect()
			w.text(`421["` + name + `"]`)
			w.wantGone()
			other.wantServed()
			_ = other.c.Close()
		}
	}
	s.wantCalm()
}

// TestA113Acks counts the callbacks of events whose answers never come: each
// is called once, whether its socket closes, its time is over or both.
func TestA113Acks(t *testing.T) {
	t.Parallel()
	var calls, timeouts, closed, answered atomic.Int64
	const each = 50
	count := func(_ *sio.Reply, err error) {
		calls.Add(1)
		switch {
		case err == nil:
			answered.Add(1)
		case errors.Is(err, sio.ErrAckTimeout):
			timeouts.Add(1)
		case errors.Is(err, sio.ErrSocketClosed):
			closed.Add(1)
		}
	}
	s := serve(t, nil, func(srv *sio.Server) {
		srv.Handle("ask", func(e *sio.Event) error {
			for i := range each {
				var err error
				switch i % 3 {
				case 0:
					err = e.Socket().EmitAck("q", count)
				case 1:
					err = e.Socket().Timeout(20*time.Millisecond).EmitAck("q", count)
				case 2:
					err = e.Socket().Timeout(time.Hour).EmitAck("q", count)
				}
				if err != nil {
					return err
				}
			}
			return e.Ack()
		})
	})
	asked := int64(0)
	leave := []func(w *ws){
		func(w *ws) { _ = w.c.Close() },
		func(w *ws) { w.reset() },
		func(w *ws) { w.text("41") },
		func(w *ws) { w.text("4") },
		func(w *ws) { // answers everything, and once more
			for id := range each * 20 {
				w.text(fmt.Sprintf("43%d[]", id))
				w.text(fmt.Sprintf("43%d[]", id))
			}
			_ = w.c.Close()
		},
	}
	var clients []*ws
	for _, f := range leave {
		w := s.connect()
		clients = append(clients, w)
		w.text(`42999["ask"]`)
		for {
			if _, p := w.next(); p == "43999[]" {
				break
			}
		}
		asked += each
		f(w)
	}
	s.eventually("every callback", func() bool { return calls.Load() == asked })
	if timeouts.Load()+closed.Load()+answered.Load() != asked || closed.Load() == 0 {
		t.Errorf("%d timeouts, %d closed, %d answered; want %d in all", timeouts.Load(), closed.Load(), answered.Load(), asked)
	}
	for _, w := range clients {
		_ = w.c.Close()
	}
	// A request of a goroutine, whose client goes.
	w, id := s.slow()
	sockets, err := s.srv.To(id).Sockets(t.Context())
	if err != nil || len(sockets) != 1 {
		t.Fatalf("%d sockets, %v", len(sockets), err)
	}
	errs := make(chan error, 2)
	go func() {
		_, err := sockets[0].EmitWithAck(context.Background(), "q")
		errs <- err
	}()
	go func() {
		_, err := s.srv.To(id).EmitWithAck(context.Background(), "q")
		errs <- err
	}()
	w.wantPrefix("42")
	w.wantPrefix("42")
	w.reset()
	for range 2 {
		if err := receive(t, errs); !errors.Is(err, sio.ErrSocketClosed) {
			t.Errorf("EmitWithAck: %v, want ErrSocketClosed", err)
		}
	}
	s.turn()
	if n := calls.Load(); n != asked {
		t.Errorf("%d callbacks for %d events", n, asked)
	}
	for _, e := range s.noted(&s.errors) {
		t.Errorf("handler: %s", e)
	}
	_ = w.c.Close()
	s.wantCounted(0, "SocketsClosed")
	s.wantCalm()
}

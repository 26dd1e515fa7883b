//go:build unix

package attack_test

import (
	"encoding/base64"
	"encoding/hex"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// packed returns what is written in hexadecimal, blanks aside, with what
// follows behind it.
func packed(s string, rest ...string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b) + strings.Join(rest, "")
}

// packedEvent is an event of "/" whose data is yet to come.
const packedEvent = "83 a474797065 02 a36e7370 a12f a464617461 "

// joinPacked joins the namespace "/" with the msgpack parser.
func (w *ws) joinPacked() {
	w.t.Helper()
	w.send(fin|opBinary, packed("82 a474797065 00 a36e7370 a12f"))
	if op, p := w.next(); op != opBinary || !strings.HasPrefix(p, packed("83 a474797065 00 a464617461 81 a3736964 b4")) {
		w.t.Fatalf("got %d %x, want the answer to a CONNECT", op, p)
	}
}

func (s *site) connectPacked() *ws {
	s.t.Helper()
	w := s.open()
	w.joinPacked()
	return w
}

// packedAsk is an event with the ack id 0 to 127 and that number as its
// argument; packedAnswer begins what comes back.
func packedAsk(name string, id byte) string {
	return packed("84 a474797065 02 a36e7370 a12f a26964", string([]byte{id}), packed("a464617461 92"),
		string([]byte{0xa0 | byte(len(name))}), name, string([]byte{id}))
}

func packedAnswer(id byte) string {
	return packed("84 a26964", string([]byte{id}), packed("a474797065 03 a464617461"))
}

// packedBystander is sioBystander with the msgpack parser.
func packedBystander(s *site) *bystander {
	s.t.Helper()
	w := openWS(s, "", bystanderHeader)
	w.wantPrefix(`0{"sid":"`)
	w.joinPacked()
	w.send(fin|opBinary, packedAsk("where", 0))
	_, loop := w.next()
	if !strings.HasPrefix(loop, packedAnswer(0)) {
		s.t.Fatalf("got %x, want an ack", loop)
	}
	return newBystander(s, w, loop, opBinary, func(n int) (string, string) {
		id := byte(n % 128)
		return packedAsk([]string{"echo", "inline"}[n%2], id),
			packedAnswer(id) + packed("91", string([]byte{id}), packed("a36e7370 a12f"))
	})
}

// malformedMsgpack are packets that no parser writes. Declared sizes are far
// beyond what follows.
var malformedMsgpack = []string{
	"", packed("c1"), packed("80"), packed("90"), packed("00"), packed("a3616263"), packed("c0"),
	packed("82 a474797065"), packed("82 a474797065 02 a36e7370"), packed("82 a474797065 02 a36e7370 a12f 00"),
	packed("df ffffffff"), packed("de ffff"), packed("dd ffffffff"), packed("db ffffffff"), packed("c6 ffffffff"), packed("c9 ffffffff 00"),
	packed(packedEvent + "dd ffffffff a46563686f"), packed(packedEvent + "dc ffff a46563686f"), packed(packedEvent + "92 a46563686f dd 7fffffff"),
	packed(packedEvent + "92 a46563686f df ffffffff"), packed(packedEvent + "92 a46563686f df 80000000 00"), packed(packedEvent + "92 a46563686f c6 ffffffff"),
	packed(packedEvent + "92 a46563686f c9 ffffffff 00"), packed(packedEvent + "92 a46563686f db ffffffff 61"), packed(packedEvent + "92 a46563686f d7 00"),
	packed(packedEvent + "92 a46563686f c1"), packed(packedEvent + "92 a46563686f 81 90 00"), packed(packedEvent + "92 a46563686f 81 c40161 00"),
	packed(packedEvent+"92 a46563686f", strings.Repeat("\x91", 1000), "\xc0"), packed(packedEvent+"92 a46563686f", strings.Repeat("\x81\xa1a", 1000), "\xc0"),
	packed(packedEvent + "90"), packed(packedEvent + "91 c0"), packed(packedEvent + "91 91 a46563686f"), packed(packedEvent + "91 c4046563686f"),
	packed(packedEvent + "80"), packed(packedEvent + "c0"), packed(packedEvent + "a46563686f"), packed(packedEvent+"91 da 0200", strings.Repeat("n", 512)),
	packed(packedEvent + "91 aa646973636f6e6e656374"), packed(packedEvent + "91 a4 ff63686f"),
	packed("83 a474797065 05 a36e7370 a12f a464617461 91 a46563686f"), packed("83 a474797065 ff a36e7370 a12f a464617461 91 a46563686f"),
	packed("83 a474797065 cb4000cccccccccccd a36e7370 a12f a464617461 91 a46563686f"), packed("83 a474797065 a132 a36e7370 a12f a464617461 91 a46563686f"),
	packed("82 a36e7370 a12f a464617461 91 a46563686f"), packed("82 a474797065 02 a464617461 91 a46563686f"), packed("83 a474797065 02 a36e7370 01 a464617461 91 a46563686f"),
	packed("84 a474797065 02 a36e7370 a12f a26964 ff a464617461 91 a46563686f"), packed("84 a474797065 02 a36e7370 a12f a26964 a131 a464617461 91 a46563686f"),
	packed("83 a474797065 01 a36e7370 a12f a464617461 91 01"), packed("83 a474797065 04 a36e7370 a12f a464617461 a178"),
	packed("83 a474797065 03 a36e7370 a12f a464617461 80"), packed("83 a474797065 00 a36e7370 a5 2f6e6f6e65 a464617461 91 01"),
}

func TestA108MalformedMsgpack(t *testing.T) {
	t.Parallel()
	var heard atomic.Int64
	s := serve(t, &sio.Options{Parser: sio.ParserMsgpack}, func(srv *sio.Server) {
		for _, name := range []string{"", "null", "disconnect!", "undefined", "\ufffdcho", strings.Repeat("n", 512)} {
			srv.Handle(name, func(*sio.Event) error { heard.Add(1); return nil })
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, p := range malformedMsgpack {
		w := s.connectPacked()
		w.send(fin|opBinary, p)
		w.wantClose(0)
		w = s.open() // nor before any CONNECT
		w.send(fin|opBinary, p)
		w.wantClose(0)
	}
	runtime.ReadMemStats(&after)
	// The least of what is declared would be 2 GiB; other tests allocate too.
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<30 {
		t.Errorf("%d MB were allocated for packets that declare more than they hold", n>>20)
	}
	s.wantCounted(2*int64(len(malformedMsgpack)), "PacketErrors")
	for _, p := range []string{packed("93 01 02 03"), packed(packedEvent + "dd ffffffff a46563686f")} {
		c := s.poller()
		c.parked()
		c.post("b" + base64.StdEncoding.EncodeToString([]byte(p)))
		if got := c.body(); got != "1" {
			t.Errorf("%x on polling: got %q, want a close", p, got)
		}
		c.wantUnknown()
		c.leave()
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("%d events reached a handler", n)
	}
	s.wantCalm()
}

// TestA108WideMsgpack sends packets that are large and legal: they are served.
func TestA108WideMsgpack(t *testing.T) {
	t.Parallel()
	s := serve(t, &sio.Options{Parser: sio.ParserMsgpack})
	w := s.connectPacked()
	wide := packed(packedEvent+"dd 00020000 a46563686f", strings.Repeat("\xc0", 131_071))
	nested := packed(packedEvent+"92 a46563686f", strings.Repeat("\x91", 100), "\xc0")
	odd := packed(packedEvent + "95 a46563686f c7 00 05 d4 7f 00 c4 00 81 c0 d40000")
	for _, p := range []string{wide, nested, odd} {
		w.send(fin|opBinary, p)
		_, data, _ := strings.Cut(p, "\xa4data")
		if op, got := w.next(); op != opBinary || !strings.Contains(got, data) {
			t.Errorf("got %d bytes that begin with %.40x, want %d of data back", len(got), got, len(data))
		}
	}
	_ = w.c.Close()
	s.wantCalm()
}

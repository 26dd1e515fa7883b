//go:build unix

package attack_test

import (
	"bytes"
	"compress/flate"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	gobwas "github.com/gobwas/ws"

	"github.com/gannet-io/gannet/sio"
)

// rsv1 marks the first frame of a compressed message.
const rsv1 = 0x40

// offerDeflate is what browsers send.
const offerDeflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

// deflates are the options of a server that compresses.
func deflates() *sio.Options { return &sio.Options{PerMessageDeflate: &sio.PerMessageDeflate{}} }

// squeezing opens a WebSocket session that has agreed on compression and joins
// the namespace "/".
func (s *site) squeezing() *ws {
	s.t.Helper()
	w := openWS(s, "", offerDeflate)
	w.wantPrefix(`0{"sid":"`)
	w.join()
	return w
}

// deflated is text as the payload of a compressed message. A final one ends with
// a last block, and the zero byte that RFC 7692, section 7.2.3.4, puts behind it.
func deflated(tb testing.TB, text string, final bool) string {
	tb.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
	if final {
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
		return b.String() + "\x00"
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// bombOf is a payload of nearly n bytes that becomes about a thousand times as
// much.
func bombOf(tb testing.TB, n int) string {
	tb.Helper()
	mega := deflated(tb, strings.Repeat("4", 1<<20), false)
	return strings.Repeat(mega+"\x00\x00\xff\xff", n/(len(mega)+4)-1) + mega
}

// inFragments is a compressed message in frames of so many bytes. Without its
// end it is not finished.
func inFragments(payload string, size int, end bool) string {
	var b strings.Builder
	first := byte(rsv1 | opText)
	for len(payload) > size {
		b.Write(frame(first, payload[:size]))
		first, payload = opCont, payload[size:]
	}
	if end {
		first |= fin
	}
	b.Write(frame(first, payload))
	return b.String()
}

// allocated returns how many bytes have ever been allocated.
func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// TestA54DeflateBombs counts all that is allocated meanwhile, so it is not
// parallel. What of that is in use at one time shows wsframe.TestBombPeak.
func TestA54DeflateBombs(t *testing.T) {
	s := serve(t, deflates())
	const limit = 1_000_000
	big := bombOf(t, limit) // 1 GB
	n := 0
	for _, c := range []struct {
		name, raw string
	}{
		{"1 MB in one frame", string(frame(fin|rsv1|opText, big))},
		{"1 MB in fragments", inFragments(big, 4000, true)},
		{"10 KB in one frame", string(frame(fin|rsv1|opText, bombOf(t, 10_000)))},
		{"10 KB in fragments, binary", strings.Replace(inFragments(bombOf(t, 10_000), 100, true), "\x41", "\x42", 1)},
		{"one byte too many", string(frame(fin|rsv1|opText, deflated(t, strings.Repeat("4", limit+1), false)))},
		{"more than the limit as it comes", inFragments(strings.Repeat("\x00\x00\x00\xff\xff", limit/5+1), 10_000, true)},
	} {
		const together = 4
		var list []*ws
		for range together {
			list = append(list, s.squeezing())
		}
		before := allocated()
		var all sync.WaitGroup
		for _, w := range list {
			all.Go(func() { _ = w.try(c.raw) })
		}
		for _, w := range list {
			w.wantClose(1009)
		}
		all.Wait()
		grown := allocated() - before
		t.Logf("%s: %d KB allocated for each", c.name, grown/together>>10)
		// 64, 128, 256 and 512 KB and 1 MB while the payload comes, and as much
		// again; a GB would be a thousand times that.
		if grown > together*4*limit {
			t.Errorf("%s: %d bytes were allocated for %d bombs", c.name, grown, together)
		}
		n += together
	}
	s.wantCounted(int64(n), "FrameErrors")
	s.wantReason("transport error")
	s.wantCalm()
}

// TestA54UnfinishedBombs does not send the end: the server holds what was sent
// and not what it would become.
func TestA54UnfinishedBombs(t *testing.T) {
	s := serve(t, deflates())
	raw := inFragments(bombOf(t, 20_000), 4000, false) // 20 MB
	const clients = 50
	var list []*ws
	for range clients {
		list = append(list, s.squeezing())
	}
	before, in := allocated(), s.figure("BytesIn")
	for _, w := range list {
		w.write(raw)
	}
	s.eventually("all that was sent", func() bool { return s.figure("BytesIn") >= in+int64(clients*len(raw)) })
	if grown := allocated() - before; grown > clients*200_000 {
		t.Errorf("%d bytes were allocated for %d clients that have sent %d each", grown, clients, len(raw))
	}
	for _, w := range list {
		w.reset()
	}
	s.wantReason("transport close")
	s.wantCalm()
}

func TestA55RSV1OutOfPlace(t *testing.T) {
	t.Parallel()
	s := serve(t, deflates())
	echo := deflated(t, `42["echo","`+strings.Repeat("x", 300)+`"]`, false)
	half := string(frame(rsv1|opText, echo[:5]))
	cases := []frameCase{
		{"continuation", half + string(frame(fin|rsv1|opCont, echo[5:])), 1002},
		{"continuation of a plain message", string(frame(opText, "4")) + string(frame(fin|rsv1|opCont, echo)), 1002},
		{"continuation of nothing", string(frame(fin|rsv1|opCont, echo)), 1002},
		{"ping", string(frame(fin|rsv1|opPing, "")), 1002},
		{"ping in a message", half + string(frame(fin|rsv1|opPing, "x")), 1002},
		{"pong", string(frame(fin|rsv1|opPong, "")), 1002},
		{"close", string(frame(fin|rsv1|opClose, "\x03\xe8")), 1002},
		{"message in a message", half + string(frame(fin|rsv1|opText, echo)), 1002},
		{"reserved opcode", string(frame(fin|rsv1|3, echo)), 1002},
		{"with RSV2", string(frame(fin|rsv1|0x20|opText, echo)), 1002},
		{"with RSV3", string(frame(fin|rsv1|0x10|opText, echo)), 1002},
		{"RSV2 alone", string(frame(fin|0x20|opText, "40")), 1002},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := s.squeezing()
			w.t = t
			w.write(c.raw)
			w.wantClose(c.code)
		})
	}
	n := len(cases)
	for _, offer := range []string{"", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7\r\n"} {
		w := openWS(s, "", offer)
		w.wantPrefix(`0{"sid":"`)
		w.join()
		w.send(fin|rsv1|opText, echo)
		w.wantClose(1002)
		n++
	}
	s.wantCounted(int64(n), "FrameErrors")
	s.wantCalm()
}

// neighbours are clients that compress, with one at least on the loop of whoever
// comes.
func (s *site) neighbours() func() {
	var list []*ws
	for range 4 * loops {
		list = append(list, s.squeezing())
	}
	text := strings.Repeat("good news ", 50)
	raw := string(frame(fin|rsv1|opText, deflated(s.t, `42["echo","`+text+`"]`, false)))
	return func() {
		s.t.Helper()
		for _, w := range list {
			w.write(raw)
		}
		for _, w := range list {
			w.want(`42["echo","` + text + `"]`)
		}
	}
}

func TestA56MalformedDeflate(t *testing.T) {
	t.Parallel()
	s := serve(t, deflates())
	served := s.neighbours()
	text := `42["echo","` + strings.Repeat("abc", 100) + `"]`
	whole := deflated(t, text, false)
	cases := []frameCase{
		{"garbage", "no deflate stream", 1007},
		{"all ones", strings.Repeat("\xff", 100), 1007},
		{"reserved kind of block", "\x07", 1007},
		{"stored block of a wrong length", "\x00\x05\x00\x00\x00hello", 1007},
		{"stored block that is cut", "\x00\xff\x00\x00\xffhello", 1007},
		{"code lengths that do not fit", "\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1007},
		{"a match before the beginning", "\x02\x13\x02", 1007},
		{"cut in half", whole[:len(whole)/2], 1007},
		{"no last byte of its codes", whole[:len(whole)-2], 1007},
		{"bytes behind the last block", deflated(t, text, true) + "junk", 1007},
		{"a message behind the last block", deflated(t, text, true)[:len(deflated(t, text, true))-1] + whole, 1007},
		{"text that is none", deflated(t, "42[\"echo\",\"\xff\"]", false), 1007},
		{"text that is cut", deflated(t, "42[\"echo\",\"\xe2\x82", false), 1007},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, raw := range []string{string(frame(fin|rsv1|opText, c.raw)), inFragments(c.raw, 1, true)} {
				w := s.squeezing()
				w.t = t
				w.write(raw)
				w.wantClose(c.code)
				served()
			}
		})
	}
	// What is odd, but allowed.
	w := s.squeezing()
	const empty = "\x00\x00\x00\xff\xff"
	for _, payload := range []string{
		deflated(t, text, true), strings.TrimSuffix(deflated(t, text, true), "\x00"), whole + "\x00\x00\xff\xff" + empty + "\x00",
		empty + empty + whole,
	} {
		w.send(fin|rsv1|opText, payload)
		w.want(text)
	}
	w.send(fin|rsv1|opText, "\x00") // an empty message is no packet
	w.wantClose(0)
	served()
	s.wantCounted(int64(2*len(cases)), "FrameErrors")
	s.wantReason("parse error")
	s.wantReason("transport error")
}

func TestA57HostileNegotiation(t *testing.T) {
	t.Parallel()
	s := serve(t, deflates())
	const name, good = "permessage-deflate", ", permessage-deflate; server_max_window_bits=10"
	declined := []string{
		name + "; server_max_window_bits=7", name + "; server_max_window_bits=16", name + "; server_max_window_bits=abc",
		name + "; server_max_window_bits=0", name + "; server_max_window_bits=-8", name + "; server_max_window_bits=010",
		name + "; server_max_window_bits=99999999999999999999", name + "; server_max_window_bits",
		name + "; client_max_window_bits=7", name + "; client_max_window_bits=16", name + "; client_max_window_bits=abc", name + "; client_max_window_bits=1e1",
		name + "; server_no_context_takeover; server_no_context_takeover", name + "; client_max_window_bits; client_max_window_bits=9",
		name + "; server_no_context_takeover=true", name + "; unknown", name + `; unknown="x"`,
		name + strings.Repeat("; client_no_context_takeover", 50), "permessage-deflat", "x-" + name, name + "x",
	}
	for i, offer := range declined {
		for _, lines := range []string{
			"Sec-WebSocket-Extensions: " + offer + "\r\n",
			strings.Repeat("Sec-WebSocket-Extensions: "+offer+"\r\n", 2),
		} {
			w := &ws{*s.dial()}
			w.write(upgrade("", lines))
			if e := w.wantSwitch().Header.Values("Sec-WebSocket-Extensions"); len(e) != 0 {
				t.Errorf("%.80q: got %q, want no extension", offer, e)
			}
			w.wantPrefix(`0{"sid":"`)
			w.join()
			w.wantServed()
			_ = w.c.Close()
		}
		w := &ws{*s.dial()}
		w.write(upgrade("", "Sec-WebSocket-Extensions: "+strings.Repeat(offer+", ", 1+i%3)+offer+good+"\r\n"))
		want := "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10"
		if e := w.wantSwitch().Header.Values("Sec-WebSocket-Extensions"); !slices.Equal(e, []string{want}) {
			t.Errorf("%.80q and a good offer: got %q, want %q", offer, e, want)
		}
		_ = w.c.Close()
	}
	// What is no list of extensions at all is refused, as in row A30.
	for _, offer := range []string{name + `; server_max_window_bits=""`, name + `; unknown="x, permessage-deflate"`, name + "; =9", name + ";"} {
		w := s.dial()
		w.write(upgrade("", "Sec-WebSocket-Extensions: "+offer+"\r\n"))
		w.want(400, "")
		w.wantEOF()
	}
	s.wantCounted(4, "BadRequests")
	s.wantCalm()
}

// TestA58ContextTakeover asks for what would cost memory: the server gives up
// both contexts whatever is offered, and the second of two equal messages is
// compressed into the same bytes as the first.
func TestA58ContextTakeover(t *testing.T) {
	t.Parallel()
	s := serve(t, deflates())
	text := `42["echo","` + strings.Repeat("to be or not to be ", 100) + `"]`
	for _, params := range []string{"", "; client_max_window_bits", "; server_max_window_bits=15; client_max_window_bits=15", "; client_no_context_takeover"} {
		w := &ws{*s.dial()}
		w.write(upgrade("", "Sec-WebSocket-Extensions: permessage-deflate"+params+"\r\n"))
		e := w.wantSwitch().Header.Get("Sec-WebSocket-Extensions")
		for _, want := range []string{"server_no_context_takeover", "client_no_context_takeover"} {
			if !strings.Contains(e, want) {
				t.Errorf("offer %q: answer %q lacks %s", params, e, want)
			}
		}
		w.wantPrefix(`0{"sid":"`)
		w.join()
		var first []byte
		for range 3 {
			w.text(text)
			f, err := gobwas.ReadFrame(w.r)
			if err != nil {
				t.Fatal(err)
			}
			if !f.Header.Rsv1() || len(f.Payload) > len(text)/4 {
				t.Fatalf("an echo of %d bytes as %+v", len(text), f.Header)
			}
			if first == nil {
				first = f.Payload
			}
			if !bytes.Equal(f.Payload, first) {
				t.Errorf("offer %q: the same message has become %d and %d bytes", params, len(first), len(f.Payload))
			}
		}
		_ = w.c.Close()
	}
	s.wantCalm()
}

// TestA58TenThousandContexts has 10,000 connections, which have each received
// and sent what is compressed, cost no more than as many that have not: one
// compressor would be 0.8 MB and one decompressor 40 KB. It measures the
// process, so it is not parallel.
func TestA58TenThousandContexts(t *testing.T) {
	const conns = 10_000
	text := "4" + strings.Repeat("to be or not to be ", 100)
	squeezed, plain := string(frame(fin|rsv1|opText, deflated(t, text, false))), string(frame(fin|opText, text))
	weigh := func(offer, raw string, want byte) int64 {
		cfg := engineConfig()
		cfg.EIO.PingInterval, cfg.Deflate = 1e9, true
		k := newClockwork(t, cfg)
		before := inUse()
		for i := range conns {
			f := k.open()
			f.inject(upgrade("", offer))
			f.take()
			f.inject(raw)
			if got := f.take(); got == "" || got[0] != want {
				t.Fatalf("connection %d: echo %.10q, want first byte %#x", i, got, want)
			}
		}
		grown := inUse() - before
		runtime.KeepAlive(k)
		return grown
	}
	with, without := weigh(offerDeflate, squeezed, fin|rsv1|opText), weigh("", plain, fin|opText)
	t.Logf("%d connections: %d bytes each with compression, %d without", conns, with/conns, without/conns)
	if with-without > 4<<20 {
		t.Errorf("%d connections that compress use %d bytes more than those that do not", conns, with-without)
	}
}

// inUse returns the bytes of the heap that are in use.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

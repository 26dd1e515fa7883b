package engine

import (
	"net/http"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/polling"
)

// Packets that are not of the queue.
const (
	textNoop  = "6"
	textClose = "1"
)

// A pollTransport carries a session over HTTP long-polling.
type pollTransport struct {
	// Owned by the loop goroutine.
	ex    polling.Exchange[*httpConn]
	dirty bool   // listed in Shard.dirty
	probe *probe // the WebSocket that wants to take over
	form  form
	index string // of the function that JSONP calls
}

// largePacket is the length from which one packet that waits for a GET is
// reason enough to measure the queue.
const largePacket = 16 << 10

// markDirty has the pending GET answered at the end of the turn.
func (p *pollTransport) markDirty(s *Session) {
	if !p.dirty && p.ex.Parked() {
		p.dirty = true
		s.shard.dirty = append(s.shard.dirty, s)
		s.shard.loop.RequestFlush()
	}
}

// openPolling answers the handshake with the open packet.
func (h *httpConn) openPolling(s *Session) {
	sh := h.shard
	sh.open = eio.AppendOpen(sh.open[:0], &sh.cfg.EIO, s.sidView(), eio.Polling)
	packets := [2]string{borrow(sh.open)}
	n := 1
	if first := sh.cfg.InitialPacket; first != "" {
		packets[1] = string(eio.Message) + first
		n++
	}
	h.reply.last = h.headers(true, s.sidView())
	h.accept(&sh.req)
	h.respond(h.pollResponse(s.poll, &h.reply, true, packets[:n]...))
}

// startGet parks a GET, or answers it at once.
func (s *Session) startGet(h *httpConn) {
	if s.poll.ex.StartGet(h) != polling.Park {
		h.empty(http.StatusBadRequest)
		s.fail(eio.ReasonTransportError, errGetOverlap)
		return
	}
	h.reply.last = h.headers(false, "")
	h.accept(&h.shard.req)
	h.parked, h.get, h.getReply = true, s, h.reply
	if s.eio.State() == eio.StateClosing && s.waiting() == 0 {
		s.poll.ex.TakeGet()
		h.answerPoll(s.poll, textNoop, textClose)
		s.end(eio.ReasonForcedClose, nil)
		return
	}
	if s.waiting() > 0 {
		s.poll.markDirty(s)
	}
}

// answerPoll gives the queue to the pending GET. It runs at the end of a turn.
func (s *Session) answerPoll() {
	if s.poll == nil || s.waiting() == 0 {
		return
	}
	h, ok := s.poll.ex.TakeGet()
	if !ok {
		return
	}
	b := s.pollPayload(h, s.behind())
	s.settleBacklog()
	s.weigh()
	h.unpark(b)
	if s.IsOpen() {
		s.lighten()
	}
}

// pollPayload takes what fits into one response off the queue and returns the
// response.
func (s *Session) pollPayload(h *httpConn, q *backlog) *bufpool.Buf {
	n, size := q.batch(s.shard.cfg.EIO.MaxPayload)
	squeeze := h.getReply.encoding != polling.Identity && size >= s.shard.cfg.HTTPThreshold && q.compressible(n)
	if s.poll.form != 0 || squeeze {
		return s.pollTranslated(h, q, n, size, squeeze)
	}
	b := h.pollHead(&h.getReply, size)
	for i := range n {
		if i > 0 {
			b.B = append(b.B, polling.Separator)
		}
		pkt := q.pop()
		b.B = appendPolling(b.B, pkt.B)
		pkt.Release()
	}
	return b
}

// pollTranslated is pollPayload for a form whose length is only known when it
// is there.
func (s *Session) pollTranslated(h *httpConn, q *backlog, n, size int, squeeze bool) *bufpool.Buf {
	f, framing := s.poll.form, polling.TextFraming
	if f.binaryFraming() && q.binary(n) {
		framing = polling.BinaryFraming
	}
	body := bufpool.Get(size + size/4 + 16*n)
	for i := range n {
		pkt := q.pop()
		body.B = f.appendPayload(body.B, pkt.B, framing, i == 0)
		pkt.Release()
	}
	b := h.payload(s.poll, &h.getReply, body.B, framing, squeeze)
	body.Release()
	return b
}

// payload returns the response with a payload; squeeze allows to compress it.
func (h *httpConn) payload(p *pollTransport, r *replyOptions, payload []byte, framing polling.Framing, squeeze bool) *bufpool.Buf {
	if p.form&formJSONP != 0 {
		payload = polling.AppendJSONP(make([]byte, 0, 32+len(payload)+len(payload)/4), p.index, payload)
	}
	enc := polling.Identity
	if squeeze && len(payload) >= h.shard.cfg.HTTPThreshold {
		enc = r.encoding
	}
	if enc != polling.Identity {
		packed := bufpool.Get(len(payload))
		defer packed.Release()
		packed.B = h.shard.compression.http.Append(packed.B, enc, payload)
		payload = packed.B
	}
	b := bufpool.Get(256 + len(r.extra) + len(r.last) + len(payload))
	b.B = polling.AppendPayloadHead(b.B, len(payload), framing, enc, r.options())
	b.B = append(b.B, payload...)
	return b
}

// binary tells whether one of the next n packets has binary messages.
func (q *backlog) binary(n int) bool {
	for _, w := range q.list[q.next:] {
		if w.buf == nil {
			continue
		}
		if n--; n < 0 {
			break
		}
		if hasBinary(w.buf.B) {
			return true
		}
	}
	return false
}

// batch returns how many packets the next response takes, and their length.
func (q *backlog) batch(limit int) (n, size int) {
	for _, w := range q.list[q.next:] {
		if w.buf == nil {
			continue
		}
		more := pollingSize(w.buf.B)
		if n > 0 && size+1+more > limit {
			break
		}
		if n > 0 {
			size++
		}
		size += more
		n++
	}
	return n, size
}

// answerPoll answers the parked GET with packets that are not from the queue.
func (h *httpConn) answerPoll(p *pollTransport, packets ...string) {
	h.unpark(h.pollResponse(p, &h.getReply, false, packets...))
}

// unpark sends the response of the parked GET and what waited behind it.
func (h *httpConn) unpark(b *bufpool.Buf) {
	behind := h.behind
	last := h.getReply.close
	h.parked, h.get, h.behind, h.stuck = false, nil, nil, false
	if last || behind == nil {
		h.write(b, last)
		if behind != nil {
			behind.Release()
		}
	} else {
		h.write(b, false)
		h.write(behind, h.state == httpClosing)
	}
	if !h.gone() && h.kept != nil {
		h.resume()
	}
}

func (h *httpConn) pollResponse(p *pollTransport, r *replyOptions, squeeze bool, packets ...string) *bufpool.Buf {
	var scratch [256]byte
	return h.payload(p, r, p.form.appendText(scratch[:0], packets...), polling.TextFraming, squeeze)
}

// accept notes how the response to a GET may be compressed.
func (h *httpConn) accept(req *http1.Request) {
	if h.shard.cfg.HTTPThreshold > 0 {
		h.reply.encoding = polling.ChooseEncoding(req)
	}
}

func (h *httpConn) pollHead(r *replyOptions, size int) *bufpool.Buf {
	b := bufpool.Get(256 + len(r.extra) + len(r.last) + size)
	b.B = polling.AppendPollHead(b.B, size, r.options())
	return b
}

// startPost begins to read a POST, or refuses it.
func (s *Session) startPost(h *httpConn) {
	req := &h.shard.req
	var status int
	if s.form&formRev3 != 0 {
		h.framing, status = polling.CheckPost3(req)
	} else {
		status = polling.CheckPost(req)
	}
	if status != 0 {
		h.empty(status)
		if status == http.StatusBadRequest {
			s.fail(eio.ReasonTransportError, errContentType)
		}
		return
	}
	if s.poll.ex.StartPost(h) != polling.Accept {
		h.empty(http.StatusBadRequest)
		s.fail(eio.ReasonTransportError, errPostOverlap)
		return
	}
	h.readPost(s, req)
}

func (h *httpConn) readPost(s *Session, req *http1.Request) {
	sh := h.shard
	h.post = s
	h.reply.close = req.Close
	if err := h.body.Init(req, int64(sh.cfg.EIO.MaxPayload)); err != nil {
		h.bodyError(err)
		return
	}
	if sh.cfg.Headers != nil {
		h.httpRequest() // its head will be gone when the hook gets it
	}
	h.bodyBuf = bufpool.Get(int(min(max(req.ContentLength, 0), 4<<10)))
	if h.body.Done() {
		h.bodyDone()
		return
	}
	h.state, h.bodySeen = httpBody, 0
	h.conn.SetDeadline(sh.loop.Now() + sh.cfg.HTTPTimeout)
	if req.Expect100 && !h.parked {
		h.conn.Send(interim)
	}
}

var interim = bufpool.Static([]byte(http1.Continue100))

// payload delivers the packets of a POST: all of them or, if one cannot be
// decoded, none. The reference server delivers those in front of it, but
// closes the session before any handler runs. A session that is closing only
// listens for the client's close.
func (s *Session) payload(b []byte, framing polling.Framing) {
	if s.poll.form&formJSONP != 0 {
		var ok bool
		if b, ok = polling.DecodeJSONP(b); !ok {
			return // as the reference, which looks for nothing else in the form
		}
	}
	rev3 := s.form&formRev3 != 0
	if !rev3 || framing == polling.TextFraming {
		b = polling.ValidUTF8Text(b)
	}
	var err error
	if rev3 {
		err = polling.CheckPayload3(b, framing)
	} else {
		err = polling.CheckPayload(b)
	}
	if err != nil {
		if s.IsOpen() {
			s.fail(eio.ReasonParseError, err)
		}
		return
	}
	s.reading = true
	if rev3 {
		s.packets3(b, framing)
	} else {
		for more := true; more && s.poll != nil; {
			var pkt []byte
			pkt, b, more = polling.NextPacket(b)
			s.packet(pkt)
		}
	}
	s.reading = false
	s.handler().Received()
}

// packets3 delivers the packets of a payload of revision 3 that was checked.
func (s *Session) packets3(b []byte, framing polling.Framing) {
	var r polling.Reader3
	r.Init(b, framing, 0)
	for s.poll != nil {
		p, ok, err := r.Next()
		if !ok || err != nil {
			return
		}
		s.decoded(p.Type, p.Data, p.Binary)
	}
}

// base64Message takes a binary message in text form.
func (s *Session) base64Message(pkt []byte) {
	_, data, _, err := polling.DecodePacket(pkt)
	if err != nil {
		s.fail(eio.ReasonParseError, err)
		return
	}
	s.binary(data)
}

// getLost is called when the connection of the pending GET is gone.
func (s *Session) getLost(h *httpConn) {
	if s.poll != nil {
		s.poll.ex.Lost(h)
		s.fail(eio.ReasonTransportError, errGetLost)
	}
}

// postLost is called when the connection of a POST is gone before its end.
func (s *Session) postLost(h *httpConn) {
	if s.poll != nil {
		s.poll.ex.Lost(h)
		s.fail(eio.ReasonTransportError, errPostLost)
	}
}

// closePolling begins a graceful close. It reports whether it is over: with a
// GET pending and nothing queued it is.
func (s *Session) closePolling() bool {
	p := s.poll
	if p.ex.Parked() && s.waiting() == 0 {
		return true
	}
	s.eio.StartClose(s.shard.loop.Now())
	if p.ex.Parked() {
		s.answerPoll() // a poll that carries what is queued, then one that closes, maybe there already
	}
	return false
}

// end answers the pending GET of a session that is over and lets go of a
// POST under way.
func (p *pollTransport) end(reason eio.Reason) {
	if h, ok := p.ex.TakeGet(); ok {
		if reason == eio.ReasonTransportClose {
			h.answerPoll(p, textNoop)
		} else {
			h.answerPoll(p, textClose)
		}
	}
	p.detachPost()
}

// releasePost answers the POST that is held, if there is one.
func (p *pollTransport) releasePost() {
	if h, ok := p.ex.TakePost(); ok && h.state == httpHold {
		h.post = nil
		h.release()
	} else if ok {
		p.ex.StartPost(h)
	}
}

// release answers a POST that was held, and goes on with the connection.
func (h *httpConn) release() {
	h.endPost()
	if !h.gone() {
		h.resume()
	}
}

// detachPost lets go of the POST under way: its connection answers it.
func (p *pollTransport) detachPost() {
	h, ok := p.ex.TakePost()
	if !ok {
		return
	}
	h.post = nil
	if h.state == httpHold {
		h.release()
	}
}

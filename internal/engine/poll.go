package engine

import (
	"net/http"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/polling"
)

// Payloads that are not packets of the queue.
var (
	textNoop      = []byte("6")
	textClose     = []byte("1")
	textNoopClose = []byte("6\x1e1")
)

// A pollTransport carries a session over HTTP long-polling.
type pollTransport struct {
	// Owned by the loop goroutine.
	ex    polling.Exchange[*httpConn]
	dirty bool   // listed in Shard.dirty
	probe *probe // the WebSocket that wants to take over
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
	if first := sh.cfg.InitialPacket; first != "" {
		sh.open = append(append(sh.open, polling.Separator, byte(eio.Message)), first...)
	}
	h.reply.last = h.headers(true, s.sidView())
	h.respond(h.pollResponse(&h.reply, sh.open))
}

// startGet parks a GET, or answers it at once.
func (s *Session) startGet(h *httpConn) {
	if s.poll.ex.StartGet(h) != polling.Park {
		h.empty(http.StatusBadRequest)
		s.fail(eio.ReasonTransportError, errGetOverlap)
		return
	}
	h.reply.last = h.headers(false, "")
	h.parked, h.get, h.getReply = true, s, h.reply
	if s.eio.State() == eio.StateClosing && s.waiting() == 0 {
		s.poll.ex.TakeGet()
		h.answerPoll(textNoopClose)
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
	q := s.behind()
	n, size := q.batch(s.shard.cfg.EIO.MaxPayload)
	b := h.pollHead(&h.getReply, size)
	for i := range n {
		if i > 0 {
			b.B = append(b.B, polling.Separator)
		}
		pkt := q.pop()
		b.B = appendPolling(b.B, pkt.B)
		pkt.Release()
	}
	s.settleBacklog()
	s.weigh()
	h.unpark(b)
	if s.IsOpen() {
		s.lighten()
	}
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

// answerPoll answers the parked GET with a payload that is not from the queue.
func (h *httpConn) answerPoll(payload []byte) {
	h.unpark(h.pollResponse(&h.getReply, payload))
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

func (h *httpConn) pollResponse(r *replyOptions, payload []byte) *bufpool.Buf {
	b := h.pollHead(r, len(payload))
	b.B = append(b.B, payload...)
	return b
}

func (h *httpConn) pollHead(r *replyOptions, size int) *bufpool.Buf {
	b := bufpool.Get(256 + len(r.extra) + len(r.last) + size)
	b.B = polling.AppendPollHead(b.B, size, r.options())
	return b
}

// startPost begins to read a POST, or refuses it.
func (s *Session) startPost(h *httpConn) {
	req := &h.shard.req
	if status := polling.CheckPost(req); status != 0 {
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
	h.reply.last = h.headers(false, "")
	if err := h.body.Init(req, int64(sh.cfg.EIO.MaxPayload)); err != nil {
		h.bodyError(err)
		return
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
func (s *Session) payload(b []byte) {
	b = polling.ValidUTF8Text(b)
	if err := polling.CheckPayload(b); err != nil {
		if s.IsOpen() {
			s.fail(eio.ReasonParseError, err)
		}
		return
	}
	s.reading = true
	for more := true; more && s.poll != nil; {
		var pkt []byte
		pkt, b, more = polling.NextPacket(b)
		s.packet(pkt)
	}
	s.reading = false
	s.handler().Received()
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

// appendBase64 appends a binary message in text form.
func appendBase64(dst, data []byte) []byte { return polling.AppendBinaryPacket(dst, data) }

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
			h.answerPoll(textNoop)
		} else {
			h.answerPoll(textClose)
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

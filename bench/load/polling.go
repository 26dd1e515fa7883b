package load

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/loop"
	"github.com/gannet-io/gannet/wsframe"
)

// separator stands between the packets of a payload.
const separator = 0x1e

// polling is what a Conn has besides while it is on HTTP long-polling.
type polling struct {
	// Immutable after opened.
	sid        string
	maxPayload int
	getLine    string // of every GET
	postLine   string // of every POST, and the headers it always has

	// Owned by the loop goroutine.
	get, post, probe *leg
	outbox           []byte // packets that wait for a POST, with separators
	sending          []byte // the body of the POST under way
	decoded          []byte // of base64
	busy             bool   // a POST is under way
	asked            bool   // a GET is under way
	dialling         bool   // the leg of the POSTs has been asked for
	queued           bool   // is in the loop's list of those that want to POST
	paused           bool   // no GET any more: the upgrade waits for the last one
	upgradeBegan     int64
	upgradeTook      int64
}

// getArrived asks for a session, or goes on with the one there is.
func (c *Conn) getArrived(g *leg) {
	if c.poll == nil {
		c.poll = &polling{get: g, asked: true}
		g.request("GET "+c.pool.opts.target("polling", "")+" HTTP/1.1\r\n", "")
		return
	}
	c.poll.get = g
	c.poll.asked = false
	c.ask()
}

// opened takes what the server said first.
func (p *polling) opened(c *Conn, open *openPacket) {
	if c.transport == Upgrade && !slices.Contains(open.Upgrades, "websocket") {
		c.end(fail(Refused, nil, "the server offers no upgrade to WebSocket"))
		return
	}
	p.sid = open.SID
	p.maxPayload = open.MaxPayload
	if p.maxPayload <= 0 {
		p.maxPayload = 1e6
	}
	target := c.pool.opts.target("polling", p.sid)
	p.getLine = "GET " + target + " HTTP/1.1\r\n"
	p.postLine = "POST " + target + " HTTP/1.1\r\nContent-Type: text/plain;charset=UTF-8\r\n" + c.pool.headers
}

// ask sends the next GET.
func (c *Conn) ask() {
	p := c.poll
	if p.asked || p.paused || p.get == nil || c.state == stateClosed {
		return
	}
	p.asked = true
	p.get.request(p.getLine, "")
}

// polled takes the payload of a GET.
func (c *Conn) polled(payload []byte) {
	p := c.poll
	p.asked = false
	for more := true; more && c.state != stateClosed; {
		var packet []byte
		packet, payload, more = bytes.Cut(payload, []byte{separator})
		c.polledPacket(packet)
	}
	if c.state == stateClosed {
		return
	}
	c.ask()
	c.finishUpgrade()
}

func (c *Conn) polledPacket(packet []byte) {
	if len(packet) == 0 || packet[0] != 'b' {
		if c.state == stateDialled && bytes.Contains(packet, []byte(":0{")) {
			c.end(fail(WrongVersion, nil, "version mismatch: the server answered in the manner of Engine.IO 3"))
			return
		}
		if c.state == stateDialled && (len(packet) == 0 || packet[0] != '0') {
			c.end(fail(WrongPath, nil, "no Socket.IO at http://%s%s: the server answered %.40q: is the path right?",
				c.pool.opts.Addr, c.pool.opts.Path, packet))
			return
		}
		c.text(packet)
		return
	}
	n := base64.StdEncoding.DecodedLen(len(packet) - 1)
	c.poll.decoded = slices.Grow(c.poll.decoded[:0], n)[:n]
	n, err := base64.StdEncoding.Decode(c.poll.decoded, packet[1:])
	if err != nil {
		c.end(fail(Other, err, "the server sent malformed base64"))
		return
	}
	c.attachment(c.poll.decoded[:n])
}

// pollSend queues a packet for the next POST.
func (c *Conn) pollSend(text []byte) {
	p := c.poll
	if p == nil || c.state == stateClosed {
		return
	}
	p.separate()
	p.outbox = append(p.outbox, text...)
	c.postLater()
}

func (c *Conn) pollSendBinary(data []byte) {
	p := c.poll
	if p == nil || c.state == stateClosed {
		return
	}
	p.separate()
	p.outbox = base64.StdEncoding.AppendEncode(append(p.outbox, 'b'), data)
	c.postLater()
}

func (p *polling) separate() {
	if len(p.outbox) > 0 {
		p.outbox = append(p.outbox, separator)
	}
}

// postLater has flushPost called at the end of the turn.
func (c *Conn) postLater() {
	if c.poll.queued {
		return
	}
	c.poll.queued = true
	c.h.posting = append(c.h.posting, c)
	c.h.loop.RequestFlush()
}

// flushPost sends what waits, unless a POST is under way.
func (c *Conn) flushPost() {
	p := c.poll
	p.queued = false
	if p.busy || len(p.outbox) == 0 || c.state == stateClosed || c.ws != nil {
		return
	}
	if p.post == nil {
		c.wantPost()
		return
	}
	cut, next := len(p.outbox), len(p.outbox)
	if cut > p.maxPayload {
		if i := bytes.LastIndexByte(p.outbox[:p.maxPayload], separator); i > 0 {
			cut, next = i, i+1
		}
	}
	p.sending = append(p.sending[:0], p.outbox[:cut]...)
	p.outbox = append(p.outbox[:0], p.outbox[next:]...)
	c.sendPost()
}

// sendPost sends the body in p.sending.
func (c *Conn) sendPost() {
	p := c.poll
	p.busy = true
	b := bufpool.Get(len(p.postLine) + len(p.sending) + 48)
	b.B = append(append(b.B, p.postLine...), "Content-Length: "...)
	b.B = append(strconv.AppendInt(b.B, int64(len(p.sending)), 10), "\r\n\r\n"...)
	b.B = append(b.B, p.sending...)
	p.post.send(b)
}

// posted takes the answer to a POST.
func (c *Conn) posted() {
	c.poll.busy = false
	if len(c.poll.outbox) > 0 {
		c.postLater()
	}
	c.finishUpgrade()
}

// postArrived posts what waits for g, or once more what a connection lost that
// had been idle for too long.
func (c *Conn) postArrived(g *leg) {
	p := c.poll
	if c.ws != nil {
		g.lc.Close(ErrHangup)
		return
	}
	p.post = g
	if p.busy {
		c.sendPost()
		return
	}
	c.postLater()
}

// wantPost asks for the leg of the POSTs.
func (c *Conn) wantPost() {
	if p := c.poll; !p.dialling {
		p.dialling = true
		c.pool.requestLeg(c, rolePost)
	}
}

// legClosed handles the end of a keep-alive connection: while nothing is under
// way on it that is the server's right.
func (c *Conn) legClosed(g *leg, err error) {
	p := c.poll
	switch {
	case p == nil:
		c.end(err)
	case g == p.post:
		p.post, p.dialling = nil, false
		if p.busy && !g.http.fresh() || p.busy && !g.used {
			c.end(err)
			return
		}
		if p.busy || len(p.outbox) > 0 {
			c.wantPost()
		}
	case g == p.get:
		p.get = nil
		if p.asked {
			c.end(err)
			return
		}
		if !p.paused {
			c.pool.requestLeg(c, roleGet)
		}
	}
}

var (
	probePing  = []byte("2probe")
	probePong  = []byte("3probe")
	upgradeNow = []byte("5")
)

// probe asks for the WebSocket of the upgrade.
func (c *Conn) probe() {
	c.poll.upgradeBegan = c.pool.Now()
	c.pool.requestLeg(c, roleProbe)
}

// probeArrived sends the request of the upgrade.
func (c *Conn) probeArrived(g *leg) {
	c.poll.probe = g
	g.upgrade(c.poll.sid)
}

// probed takes a message of the WebSocket before it is the transport.
func (c *Conn) probed(b []byte) {
	if !bytes.Equal(b, probePong) {
		c.end(fail(Refused, nil, "the server answered the probe of the upgrade with %.40q", b))
		return
	}
	c.poll.paused = true
	c.finishUpgrade()
}

// finishUpgrade makes the WebSocket the transport, once the last GET and the
// last POST have been answered.
func (c *Conn) finishUpgrade() {
	p := c.poll
	if !p.paused || p.asked || p.busy || c.ws != nil || c.state != stateUpgrading {
		return
	}
	g := p.probe
	g.frame(wsframe.OpText, upgradeNow)
	c.ws, p.probe = g, nil
	for packet := range bytes.SplitSeq(p.outbox, []byte{separator}) {
		if len(packet) > 0 {
			g.frame(wsframe.OpText, packet)
		}
	}
	p.upgradeTook = c.pool.Now() - p.upgradeBegan
	for _, old := range []*leg{p.get, p.post} {
		if old != nil {
			old.lc.Close(ErrHangup)
		}
	}
	p.get, p.post, p.outbox, p.sending = nil, nil, nil, nil
	c.becomeOpen()
}

var _ loop.Handler = (*handler)(nil)

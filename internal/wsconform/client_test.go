//go:build unix

package wsconform_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/internal/puff"
	"github.com/gannet-io/gannet/internal/wsconform"
)

// patience bounds every wait; it is never the measure of anything.
const patience = 60 * time.Second

// A client is a WebSocket on our side of the wire. It writes bytes as they are
// given and reads with gobwas and the standard library alone.
type client struct {
	conn   net.Conn
	in     *bufio.Reader
	agreed *agreement // nil if nothing is compressed

	inflater io.ReadCloser // a flate.Resetter
	window   []byte        // what the server may refer to, if it takes its context over
	squeezed int           // messages that came compressed
	checked  int           // of these, how many were looked at for the reach of their matches
}

// connect opens a WebSocket and checks the answer to the offer.
func connect(ctx context.Context, addr, offer string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	c.wait()
	if err := c.handshake(offer); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return c, nil
}

// wait gives the server patience, counted from now on.
func (c *client) wait() { _ = c.conn.SetDeadline(time.Now().Add(patience)) }

func (c *client) handshake(offer string) error {
	req := "GET /any/path HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	if offer != "" {
		req += "Sec-WebSocket-Extensions: " + offer + "\r\n"
	}
	if _, err := io.WriteString(c.conn, req+"\r\n"); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		return fmt.Errorf("status %s, header %v", res.Status, res.Header)
	}
	c.agreed, err = readAnswer(offer, res.Header.Values("Sec-WebSocket-Extensions"))
	return err
}

// write sends data in writes of chop bytes. A server that fails the connection
// may not take all of it.
func (c *client) write(data []byte, chop int) error {
	if chop <= 0 {
		chop = max(1, len(data))
	}
	for len(data) > 0 {
		n := min(chop, len(data))
		if _, err := c.conn.Write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// errClosed is the end of what the server sends.
var errClosed = errors.New("closed")

// A closing is how the server ends the connection.
type closing struct {
	framed bool // by a close frame
	code   uint16
}

// next reads a message or a pong, or the close frame, or the end: then it
// returns errClosed.
func (c *client) next() (e wsconform.Event, end closing, err error) {
	var first ws.Header
	var payload []byte
	for begun := false; ; {
		h, p, err := c.frame()
		switch {
		case errors.Is(err, io.EOF) && !begun:
			return e, closing{}, errClosed
		case err != nil:
			return e, closing{}, err
		case h.OpCode == ws.OpClose:
			return e, closing{true, closeCode(p)}, checkClose(p)
		case h.OpCode.IsControl():
			return wsconform.Event{Op: byte(h.OpCode), Payload: string(p)}, closing{}, nil
		case begun == (h.OpCode != ws.OpContinuation):
			return e, closing{}, fmt.Errorf("frame %+v of the server out of turn", h)
		case !begun:
			first = h
		case h.Rsv != 0:
			return e, closing{}, fmt.Errorf("continuation %+v of the server with reserved bits", h)
		}
		begun = true
		if payload == nil {
			payload = p
		} else {
			payload = append(payload, p...)
		}
		if !h.Fin {
			continue
		}
		if first.Rsv1() {
			if payload, err = c.inflate(payload); err != nil {
				return e, closing{}, err
			}
		}
		if first.OpCode == ws.OpText && !utf8.Valid(payload) {
			return e, closing{}, errors.New("text of the server is none")
		}
		return wsconform.Event{Op: byte(first.OpCode), Payload: string(payload)}, closing{}, nil
	}
}

func (c *client) frame() (h ws.Header, payload []byte, err error) {
	if h, err = ws.ReadHeader(c.in); err != nil {
		return h, nil, err
	}
	compressed := h.Rsv == 4 && c.agreed != nil && !h.OpCode.IsControl() // 4 is RSV1 alone
	if h.Masked || (h.Rsv != 0 && !compressed) || h.OpCode.IsReserved() || (h.OpCode.IsControl() && (!h.Fin || h.Length > 125)) {
		return h, nil, fmt.Errorf("malformed frame of the server: %+v", h)
	}
	payload = make([]byte, h.Length)
	_, err = io.ReadFull(c.in, payload)
	return h, payload, err
}

// closeCode returns the code of a close frame, 0 if there is none.
func closeCode(p []byte) uint16 {
	if len(p) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(p)
}

// checkClose ends with errClosed if the payload is in order.
func checkClose(p []byte) error {
	if len(p) == 1 || (len(p) > 2 && !utf8.Valid(p[2:])) {
		return fmt.Errorf("malformed close frame of the server: %q", p)
	}
	return errClosed
}

// tail is what a sender takes off a compressed message, and a last block.
const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// inflate decompresses a message of the server and sees to its window.
func (c *client) inflate(p []byte) ([]byte, error) {
	c.squeezed++
	src := io.MultiReader(bytes.NewReader(p), bytes.NewReader([]byte(tail)))
	var dict []byte
	if c.agreed.serverTakeover {
		dict = c.window
	}
	if r, ok := c.inflater.(flate.Resetter); !ok {
		c.inflater = flate.NewReaderDict(src, dict)
	} else if err := r.Reset(src, dict); err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(c.inflater, 32<<20))
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	if c.agreed.serverTakeover {
		c.window = append(c.window, out...)
		c.window = c.window[max(0, len(c.window)-32<<10):]
		return out, nil
	}
	return out, c.checkReach(p, out)
}

// checkReach looks at the matches of the first messages, if they are not long.
func (c *client) checkReach(p, out []byte) error {
	if c.agreed.serverBits == 15 || c.checked == 2 || len(out) > 16<<10 {
		return nil
	}
	c.checked++
	var d puff.Decoder
	if err := d.Inflate(p); err != nil || !bytes.Equal(d.Out, out) {
		return fmt.Errorf("the plain decoder reads %d bytes of %d, %w", len(d.Out), len(out), err)
	}
	if d.Far > 1<<c.agreed.serverBits {
		return fmt.Errorf("a match reaches %d bytes back in a window of %d bits", d.Far, c.agreed.serverBits)
	}
	return nil
}

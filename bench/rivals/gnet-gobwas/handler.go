package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/gobwas/ws"
	"github.com/panjf2000/gnet/v2"
)

type set map[*client]struct{}

// handler answers all connections on gnet's one event loop, which owns its
// fields.
type handler struct {
	booted chan gnet.Engine
	all    set
	rooms  map[string]set
	reader bytes.Reader // of the frames of one OnTraffic
	out    bytes.Buffer // what one OnTraffic answers its own client
}

// A client is one connection, from its upgrade on.
type client struct {
	conn  gnet.Conn
	rooms map[string]struct{}
}

func (h *handler) OnBoot(e gnet.Engine) gnet.Action {
	h.booted <- e
	return gnet.None
}

func (h *handler) OnShutdown(gnet.Engine)                 {}
func (h *handler) OnOpen(gnet.Conn) ([]byte, gnet.Action) { return nil, gnet.None }
func (h *handler) OnTick() (time.Duration, gnet.Action)   { return time.Hour, gnet.None }

func (h *handler) OnClose(c gnet.Conn, _ error) gnet.Action {
	cl, ok := c.Context().(*client)
	if !ok {
		return gnet.None
	}
	delete(h.all, cl)
	for room := range cl.rooms {
		h.leave(cl, room)
	}
	return gnet.None
}

func (h *handler) OnTraffic(c gnet.Conn) gnet.Action {
	cl, ok := c.Context().(*client)
	if !ok {
		if cl = h.upgrade(c); cl == nil {
			return gnet.None
		}
	}
	b, _ := c.Peek(-1)
	used, action := h.frames(cl, b)
	if used > 0 { // Discard(0) discards everything
		_, _ = c.Discard(used)
	}
	if h.out.Len() > 0 {
		_, _ = c.Write(h.out.Bytes())
		h.out.Reset()
	}
	return action
}

// upgrade answers the request when all of it is there.
func (h *handler) upgrade(c gnet.Conn) *client {
	b, _ := c.Peek(-1)
	if !bytes.Contains(b, []byte("\r\n\r\n")) {
		return nil
	}
	if _, err := ws.Upgrade(c); err != nil {
		_ = c.Close()
		return nil
	}
	cl := &client{conn: c}
	c.SetContext(cl)
	h.all[cl] = struct{}{}
	return cl
}

// frames answers the complete frames in b and returns their length.
func (h *handler) frames(cl *client, b []byte) (used int, action gnet.Action) {
	h.reader.Reset(b)
	for {
		head, err := ws.ReadHeader(&h.reader)
		if err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return used, gnet.None
			}
			return used, gnet.Close
		}
		begin := len(b) - h.reader.Len()
		if head.Length > int64(len(b)-begin) {
			return used, gnet.None
		}
		used = begin + int(head.Length)
		payload := b[begin:used:used]
		ws.Cipher(payload, head.Mask, 0)
		_, _ = h.reader.Seek(head.Length, io.SeekCurrent)
		if !h.frame(cl, head, payload) {
			return used, gnet.Close
		}
	}
}

// frame says whether the connection goes on. Messages in fragments are not
// understood.
func (h *handler) frame(cl *client, head ws.Header, payload []byte) bool {
	switch {
	case head.OpCode == ws.OpPing:
		_ = ws.WriteFrame(&h.out, ws.NewPongFrame(payload))
		return true
	case head.OpCode == ws.OpPong:
		return true
	case head.OpCode == ws.OpClose:
		_ = ws.WriteFrame(&h.out, ws.NewCloseFrame(payload))
		return false
	case !head.Fin || head.OpCode == ws.OpContinuation || len(payload) < 5:
		return false
	}
	return h.message(cl, head.OpCode, payload)
}

func (h *handler) message(cl *client, op ws.OpCode, b []byte) bool {
	switch b[4] { // the first letter of the event's name
	case 'e':
		_ = ws.WriteFrame(&h.out, ws.NewFrame(op, true, b))
	case 'b':
		send(h.all, b)
	case 'v':
		send(h.all, bytes.Replace(b, []byte("volatile"), []byte("broadcast"), 1))
	case 'r':
		room, rest := name(b, "room")
		send(h.rooms[string(room)], append([]byte(`42["room"`), rest...))
	case 'j':
		room, _ := name(b, "join")
		h.join(cl, string(room))
		_ = ws.WriteFrame(&h.out, ws.NewTextFrame(fmt.Appendf(nil, `42["joined","%s"]`, room)))
	case 'l':
		room, _ := name(b, "leave")
		delete(cl.rooms, string(room))
		h.leave(cl, string(room))
		_ = ws.WriteFrame(&h.out, ws.NewTextFrame(fmt.Appendf(nil, `42["left","%s"]`, room)))
	default:
		return false
	}
	return true
}

func (h *handler) join(cl *client, room string) {
	if cl.rooms == nil {
		cl.rooms = map[string]struct{}{}
	}
	cl.rooms[room] = struct{}{}
	if h.rooms[room] == nil {
		h.rooms[room] = set{}
	}
	h.rooms[room][cl] = struct{}{}
}

func (h *handler) leave(cl *client, room string) {
	delete(h.rooms[room], cl)
	if len(h.rooms[room]) == 0 {
		delete(h.rooms, room)
	}
}

// send writes one frame, made once, to many.
func send(to set, payload []byte) {
	frame := ws.MustCompileFrame(ws.NewTextFrame(payload))
	for cl := range to {
		_, _ = cl.conn.Write(frame)
	}
}

// name returns the string behind `42["EVENT",` and what follows it.
func name(b []byte, event string) (room, rest []byte) {
	begin := len(`42["",`) + len(event)
	if len(b) <= begin {
		return nil, nil
	}
	room, rest, _ = bytes.Cut(b[begin+1:], []byte{'"'})
	return room, rest
}

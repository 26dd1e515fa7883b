package sio

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

// What is different for clients of Socket.IO 2, whose Engine.IO protocol is of
// revision 3: they are in "/" without asking, get no id in the answer to a
// CONNECT and use that of their session, send the auth payload as a query
// behind the namespace, and want an error as it is.

// legacy tells whether the client speaks revision 3.
func (c *client) legacy() bool { return c.Revision() == eio.Revision3 }

// connectRoot joins "/" for a client that never asks to.
func (c *client) connectRoot() {
	c.connect(&packet.Packet{Type: packet.Connect, Namespace: []byte("/")})
}

// readLegacy takes the query off the namespace of a packet: that of a CONNECT
// becomes its auth payload, an object of strings in which the last value of a
// name counts. With the msgpack parser, which such clients hardly have, it is
// passed over.
func (c *client) readLegacy(p *packet.Packet) {
	name, query, _ := bytes.Cut(p.Namespace, []byte("?"))
	p.Namespace = name
	if p.Type == packet.Connect && !c.shard.srv.dialect.msgpack {
		p.Data = legacyAuth(string(query))
	}
}

// legacyAuth returns a query as JSON, nil if it is empty.
func legacyAuth(query string) []byte {
	if query == "" {
		return nil
	}
	var names []string
	last := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescapeQuery(name)
		if _, seen := last[name]; !seen {
			names = append(names, name)
		}
		last[name] = unescapeQuery(value)
	}
	b := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsonx.AppendString(b, name), ':')
		b = jsonx.AppendString(b, last[name])
	}
	return append(b, '}')
}

// unescapeQuery decodes a part of a query; a malformed one stays as it is.
func unescapeQuery(s string) string {
	if v, err := url.QueryUnescape(s); err == nil {
		return strings.ToValidUTF8(v, "\uFFFD")
	}
	return s
}

// nameLegacy gives a socket the id that its client takes for granted: that of
// the session in "/", and with the namespace in front elsewhere.
func (s *Socket) nameLegacy() {
	id := s.client.SID()
	if s.nsp.name != "/" {
		id = s.nsp.name + "#" + id
	}
	s.ensureExtra().id = id
	s.ownLeft = true
}

// namesRoom tells whether the id of the socket is a room like any other, because
// it does not say where the socket is: it is a client's of Socket.IO 2, or that
// of an earlier socket.
func (s *Socket) namesRoom() bool { return s.client.legacy() || s.Recovered() }

// enter makes the socket a member of its namespace. The id of a client of
// Socket.IO 2 says nothing about where its socket is: it is a room like any
// other.
func (s *Socket) enter() {
	s.shard().index.Add(&s.entry)
	if s.client.legacy() {
		s.enterRoom(s.ID())
	}
}

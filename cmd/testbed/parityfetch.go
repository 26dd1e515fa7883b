package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/gannet-io/gannet/sio"
)

// A fetched is a socket as the op fetchSockets acknowledges it.
type fetched = map[string]any

func (c *call) fetchSockets() (any, error) {
	t, err := c.Target.build(c.socket)
	if err != nil {
		return nil, err
	}
	found, err := t.FetchSockets(c.socket.Context())
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b *sio.RemoteSocket) int { return strings.Compare(a.ID, b.ID) })
	keys := slices.Sorted(maps.Keys(nodeHandshake(c.socket)))
	list := []any{}
	for _, r := range found {
		data := r.Data
		if data == nil {
			data = fetched{}
		}
		list = append(list, fetched{"id": r.ID, "rooms": sorted(r.Rooms), "data": data, "handshakeKeys": keys})
	}
	return list, nil
}

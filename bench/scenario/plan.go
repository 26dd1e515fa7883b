package scenario

import (
	"fmt"
	"maps"
	"slices"
)

// roomName returns the name of a room in this run.
func (r *run) roomName(room int) string { return fmt.Sprintf("bench-%d-%d", r.tag, room) }

// plan decides which of the clients that are open send what to whom. It is
// called before anything is sent.
func (r *run) plan(open []*client) {
	c := r.cfg
	slow := int(float64(c.Slow) * float64(len(open)))
	reading := open[:len(open)-slow]
	members := r.members(open)
	for _, name := range c.traffic {
		f := r.newFlow(name)
		if f == nil {
			continue
		}
		from := len(r.senders)
		switch f.kind {
		case kindEcho:
			for _, cl := range reading {
				r.addSender(f, cl, 0, 0, 1)
			}
		case kindBroadcast:
			for i := range min(c.Senders, len(reading)) {
				r.addSender(f, reading[i], i, 0, len(reading))
			}
		case kindRoom:
			for room, list := range members {
				hear := slices.DeleteFunc(slices.Clone(list), func(id int) bool { return id >= len(reading) })
				for i := range min(c.Senders, len(hear)) {
					r.addSender(f, open[hear[i]], i, room, len(hear))
				}
			}
		}
		f.all = len(r.senders) - from
	}
	r.hand(open, reading, members)
}

// members returns for each room the indices of the clients that are in it.
func (r *run) members(open []*client) [][]int {
	c := r.cfg
	if !c.flows("room") {
		return nil
	}
	rooms := make([][]int, c.Rooms)
	if c.Members == 0 {
		for i := range open {
			rooms[i%c.Rooms] = append(rooms[i%c.Rooms], i)
		}
		return rooms
	}
	for room := range rooms {
		for k := range min(c.Members, len(open)) {
			rooms[room] = append(rooms[room], (room*c.Members+k)%len(open))
		}
		slices.Sort(rooms[room])
	}
	return rooms
}

// newFlow returns the flow of that name, or nil if the mix has none of it.
func (r *run) newFlow(name string) *flow {
	c := r.cfg
	f := &flow{name: name, depth: c.Depth, rate: c.Rate}
	switch name {
	case "echo":
		f.kind, f.time, f.ack = kindEcho, timeEcho, c.Ack
		if c.Ack {
			f.time = timeAck
		}
		f.once = c.Churn > 0
	case "broadcast":
		f.kind, f.time = kindBroadcast, timeBroadcast
	case "room":
		f.kind, f.time = kindRoom, timeBroadcast
	}
	if len(c.Mix) > 0 && c.Rate > 0 {
		sum := 0.0
		for _, w := range slices.Sorted(maps.Values(c.Mix)) {
			sum += w
		}
		f.rate = c.Rate * c.Mix[name] / sum
		if c.Mix[name] == 0 {
			return nil
		}
	}
	return f
}

func (r *run) addSender(f *flow, cl *client, index, room, receivers int) {
	s := &sender{flow: f, client: cl, number: len(r.senders), index: index, room: room, receivers: int64(receivers)}
	switch f.kind {
	case kindEcho:
		s.head = fmt.Appendf(nil, `[%q,`, r.events.echo)
	case kindBroadcast:
		s.head = fmt.Appendf(nil, `[%q,`, r.events.broadcast)
	case kindRoom:
		s.head = fmt.Appendf(nil, `[%q,%q,`, r.events.room, r.roomName(room))
	}
	w := r.workers[cl.on]
	s.next = func() {
		if w.sending {
			w.send(s, r.pool.Now())
		}
	}
	r.senders = append(r.senders, s)
}

// hand gives each worker its part of the plan.
func (r *run) hand(open, reading []*client, members [][]int) {
	memberships := make([][]membership, len(open))
	for room, list := range members {
		for _, i := range list {
			memberships[i] = append(memberships[i], membership{room: room, tracks: make([]track, r.cfg.Senders)})
		}
	}
	broadcasts := 0
	if r.cfg.flows("broadcast") {
		broadcasts = min(r.cfg.Senders, len(reading))
	}
	r.each(func(w *worker) {
		for i, cl := range open {
			if cl.on != w.id {
				continue
			}
			w.clients = append(w.clients, cl)
			cl.broadcast = make([]track, broadcasts)
			cl.rooms = memberships[i]
			cl.slow = i >= len(reading)
		}
		schedules := map[*flow]*schedule{}
		for _, s := range r.senders {
			if s.client.on != w.id {
				continue
			}
			w.senders = append(w.senders, s)
			if s.flow.kind == kindEcho {
				s.client.echo = s
			}
			w.addToSchedule(schedules, s)
		}
		for _, sc := range w.schedule {
			f := sc.senders[0].flow
			sc.rate = f.rate * float64(len(sc.senders)) / float64(f.all)
		}
		w.planned = true
	})
}

func (w *worker) addToSchedule(known map[*flow]*schedule, s *sender) {
	if s.flow.rate == 0 || s.flow.once {
		return
	}
	sc := known[s.flow]
	if sc == nil {
		sc = new(schedule)
		known[s.flow] = sc
		w.schedule = append(w.schedule, sc)
	}
	sc.senders = append(sc.senders, s)
}

// sendJoins has every client of w join its rooms.
func (w *worker) sendJoins() {
	r := w.run
	for _, cl := range w.clients {
		for i := range cl.rooms {
			if !cl.opened() {
				break
			}
			cl.joins++
			cl.conn.Send(fmt.Appendf(nil, `42%s%d[%q,%q]`, r.pool.Prefix(), joinID+int64(i), r.events.join, r.roomName(cl.rooms[i].room)))
		}
	}
}

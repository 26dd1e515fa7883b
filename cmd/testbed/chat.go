package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/gannet-io/gannet/sio"
)

// Events of profile chat and what they carry.
const (
	chatJoin     sio.CallName[chatEntry, chatRoom] = "join"
	chatSay      sio.CallName[string, bool]        = "message"
	chatTap      sio.Name[bool]                    = "typing"
	chatMessage  sio.Name[chatText]                = "message"
	chatTyping   sio.Name[chatNotice]              = "typing"
	chatPresence sio.Name[chatRoom]                = "presence"
)

// A chatEntry is whose place in which room; a socket's data.
type chatEntry struct {
	Name string `json:"name"`
	Room string `json:"room"`
}

// A chatMember is somebody in a room.
type chatMember struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// A chatRoom tells who is in a room.
type chatRoom struct {
	Room    string       `json:"room"`
	Members []chatMember `json:"members"`
}

// A chatText is a message to the others in the room.
type chatText struct {
	From chatMember `json:"from"`
	Text string     `json:"text"`
}

// A chatNotice says that somebody has begun or stopped to type.
type chatNotice struct {
	From chatMember `json:"from"`
	On   bool       `json:"on"`
}

var errNoRoom = &sio.Error{Message: "join a room first"}

// startChat is profile chat: rooms, typing notices and acks.
//
//	join({name, room}) → ack {room, members}; the others get presence
//	message(text)      → ack true; the others get message({from, text})
//	typing(on)         → the others get typing({from, on}), volatile
func startChat(_ context.Context, c *config) (service, error) {
	return newSIO(c, &sio.Options{CORS: anyOrigin()}, func(srv *sio.Server) {
		n := srv.Root()
		chatJoin.On(n, enterChat)
		chatSay.On(n, sayInChat)
		chatTap.On(n, typeInChat)
		n.OnDisconnect(func(s *sio.Socket, _ sio.DisconnectReason) {
			if at, ok := s.Data().(chatEntry); ok {
				_, _ = tellPresence(s, at.Room) // only a server that shuts down fails
			}
		})
	})
}

func enterChat(e *sio.Event, to chatEntry) (chatRoom, error) {
	s := e.Socket()
	if to.Name == "" || to.Room == "" {
		return chatRoom{}, &sio.Error{Message: "name and room must be given"}
	}
	from, _ := s.Data().(chatEntry)
	s.SetData(to)
	if from.Room != "" && from.Room != to.Room {
		_, err := tellPresence(s, from.Room)
		if err := errors.Join(err, s.Leave(from.Room)); err != nil {
			return chatRoom{}, err
		}
	}
	if err := s.Join(to.Room); err != nil {
		return chatRoom{}, err
	}
	return tellPresence(s, to.Room)
}

// tellPresence tells the others in a room who is in it.
func tellPresence(s *sio.Socket, room string) (chatRoom, error) {
	state := chatRoom{Room: room, Members: []chatMember{}}
	found, err := s.Namespace().To(room).FetchSockets(context.Background())
	if err != nil {
		return state, err
	}
	for _, r := range found {
		if at, ok := r.Data.(chatEntry); ok && at.Room == room {
			state.Members = append(state.Members, chatMember{r.ID, at.Name})
		}
	}
	slices.SortFunc(state.Members, func(a, b chatMember) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return state, chatPresence.Emit(s.To(room), state)
}

func sayInChat(e *sio.Event, text string) (bool, error) {
	s := e.Socket()
	at, ok := s.Data().(chatEntry)
	if !ok {
		return false, errNoRoom
	}
	return true, chatMessage.Emit(s.To(at.Room), chatText{chatMember{s.ID(), at.Name}, text})
}

func typeInChat(e *sio.Event, on bool) error {
	s := e.Socket()
	at, ok := s.Data().(chatEntry)
	if !ok {
		return errNoRoom
	}
	return chatTyping.Emit(s.To(at.Room).Volatile(), chatNotice{chatMember{s.ID(), at.Name}, on})
}

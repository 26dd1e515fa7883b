package chat

import "github.com/gannet-io/gannet/sio"

// What clients send.
const (
	join    sio.CallName[JoinRequest, JoinReply] = "join"
	say     sio.CallName[string, Receipt]        = "message"
	tapping sio.Name[bool]                       = "typing"
)

// What they are sent.
const (
	message                        = "message"
	typing    sio.Name[Typing]     = "typing"
	delivered sio.Name[Delivered]  = "delivered"
	presence  sio.Name[Presence]   = "presence"
	roomList  sio.Name[[]RoomInfo] = "rooms"
)

// A JoinRequest asks for a place in a room. It replaces an earlier one.
type JoinRequest struct {
	Name string `json:"name"`
	Room string `json:"room"`
}

// A JoinReply tells what the room looks like.
type JoinReply struct {
	You     Member    `json:"you"`
	Room    string    `json:"room"`
	Count   int       `json:"count"`
	Members []Member  `json:"members"`
	History []Message `json:"history"`
}

// A Member is somebody in a room. ID is that of the socket.
type Member struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// A Message is a message in a room. Seq grows by 1 with each of a room, and
// does not fall back when the room, or the server, is made anew.
type Message struct {
	ID   string `json:"id"`
	Seq  uint64 `json:"seq"`
	From Member `json:"from"`
	Text string `json:"text"`
	At   int64  `json:"at"` // Unix time in milliseconds
}

// A Receipt says that the server has taken a message. Peers is how many others
// are asked to confirm it, and -1 if the room is too large for that.
type Receipt struct {
	ID    string `json:"id"`
	Seq   uint64 `json:"seq"`
	At    int64  `json:"at"`
	Peers int    `json:"peers"`
}

// Delivered says how many of the peers have confirmed a message so far.
type Delivered struct {
	ID    string `json:"id"`
	Count int64  `json:"count"`
	Peers int    `json:"peers"`
}

// Typing says that somebody has begun or stopped to type.
type Typing struct {
	Member
	On bool `json:"on"`
}

// Presence says who is in a room. Members are the first of Count.
type Presence struct {
	Room    string   `json:"room"`
	Count   int      `json:"count"`
	Members []Member `json:"members"`
}

// A RoomInfo is a room and how many are in it.
type RoomInfo struct {
	Name    string `json:"name"`
	Members int    `json:"members"`
}

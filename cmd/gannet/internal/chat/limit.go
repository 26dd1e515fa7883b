package chat

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gannet-io/gannet/sio"
)

// What a client may do.
const (
	maxName     = 32   // characters of a name
	maxRoomName = 48   // characters of a room's name
	maxText     = 4000 // characters of a message
	maxRooms    = 1000 // rooms with a history, the empty ones included
	maxReceipts = 64   // members up to which messages are confirmed one by one
	maxListed   = 100  // members that are named in presence
	maxRoomList = 50   // rooms that are told to everybody
	historySize = 50   // messages that are kept of each room

	burst  = 40.0 // events at once
	perSec = 10.0 // events in the long run
)

// A bucket limits how often a client may do something.
type bucket struct {
	left float64
	last time.Time
}

// take tells whether one more is allowed now.
func (b *bucket) take(now time.Time) bool {
	if b.last.IsZero() {
		b.left = burst
	} else {
		b.left = min(burst, b.left+now.Sub(b.last).Seconds()*perSec)
	}
	b.last = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

var errTooFast error = &sio.Error{Message: "Slow down a little."}

// label cleans a name: printable characters, single spaces.
func label(s, what string, longest int) (string, error) {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) && r != zwj
	}), " ")
	switch {
	case strings.Trim(s, string(zwj)) == "":
		return "", &sio.Error{Message: "A " + what + " is needed."}
	case utf8.RuneCountInString(s) > longest:
		return "", &sio.Error{Message: "This " + what + " is too long."}
	}
	return s, nil
}

// zwj joins the parts of an emoji.
const zwj = '\u200d'

// body cleans a message: printable characters and line breaks.
func body(s string) (string, error) {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == zwj || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s))
	switch {
	case s == "":
		return "", &sio.Error{Message: "The message is empty."}
	case utf8.RuneCountInString(s) > maxText:
		return "", &sio.Error{Message: "The message is too long."}
	}
	return s, nil
}

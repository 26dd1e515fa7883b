package loop

// Kinds from here on belong to the loop itself.
const (
	kindReserved uint16 = 0x100 + iota

	// KindMoved marks, in Handler.Dropped only, a connection that could not
	// arrive any more. Obj is the note that was sent along.
	KindMoved

	kindArrive // Obj is *arrival
	kindAccept // Arg is the descriptor, Obj the *tls.Config
	kindTLS    // Obj is *handshake
	kindCall   // Obj is *request
	kindPipe   // Obj is *Pipe
)

// A Message is what Post carries to a loop. Kinds below 0x100 belong to the
// handler; all fields are the handler's own.
type Message struct {
	Kind  uint16
	Flags uint16
	Arg   uint32
	Obj   any
	Ref   any
	Text  string
}

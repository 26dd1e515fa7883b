package sio

// A DisconnectReason says why a socket was disconnected, in the words of the
// Node server.
type DisconnectReason string

// The reasons.
const (
	ReasonTransportError    DisconnectReason = "transport error"
	ReasonTransportClose    DisconnectReason = "transport close"
	ReasonPingTimeout       DisconnectReason = "ping timeout"
	ReasonParseError        DisconnectReason = "parse error"
	ReasonForcedClose       DisconnectReason = "forced close"
	ReasonForcedServerClose DisconnectReason = "forced server close"
	ReasonServerShutdown    DisconnectReason = "server shutting down"
	ReasonClientDisconnect  DisconnectReason = "client namespace disconnect"
	ReasonServerDisconnect  DisconnectReason = "server namespace disconnect"
	ReasonSlowConsumer      DisconnectReason = "slow consumer" // not in Node, which queues for ever
)

// A farewell is what a socket that has disconnected still tells. It is
// immutable.
type farewell struct {
	rooms []string // those that it was in, until OnDisconnecting has run
	err   error
}

// Err returns what lies behind the reason of a disconnect, for OnDisconnecting
// and OnDisconnect: what was wrong with the transport, or with what the client
// sent. It is nil where the reason says it all, and while the socket is
// connected.
func (s *Socket) Err() error {
	if x := s.extra.Load(); x != nil {
		if f := x.farewell.Load(); f != nil {
			return f.err
		}
	}
	return nil
}

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

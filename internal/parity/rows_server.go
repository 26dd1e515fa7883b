package parity

// serverRows are section 3: the API of the server, as far as clients see it.
var serverRows = []Row{
	{Name: "3.1/client files compressed", Scripts: []string{"client-files-encoding"}, Tests: []string{"sio.TestClientFileEncodings"}},

	{Name: "3.3/children by a pattern", Scripts: []string{"dynamic-pattern"}},
	{Name: "3.3/children by a function", Scripts: []string{"dynamic-function"}},
	{Name: "3.3/cleanupEmptyChildNamespaces", Scripts: []string{"dynamic-cleanup"}},

	{Name: "3.4/use refuses events", Scripts: []string{"socket-use"}},
	{Name: "3.4/onAny and onAnyOutgoing", Scripts: []string{"socket-any"}},

	{Name: "3.5/transport error: of the WebSocket", Scripts: []string{"ws-unmasked"}},
	{Name: "3.5/transport error: message too large", Scripts: []string{"ws-too-large"}},
	{Name: "3.5/transport error: GET or POST dropped", Scripts: []string{"get-dropped", "post-cut-off"}},
	{Name: "3.5/transport error: overlap", Scripts: []string{"get-overlap", "post-overlap"}},
	{Name: "3.5/transport error: octet-stream", Scripts: []string{"post-octet-stream"}},
	{Name: "3.5/transport error: heartbeat in the wrong direction", Scripts: []string{"session-ping"}},
	{Name: "3.5/transport close: by the peer", Scripts: []string{"ws-peer-close", "ws-peer-gone"}},
	{Name: "3.5/transport close: posted", Scripts: []string{"session-close-polling"}},
	{Name: "3.5/ping timeout", Scripts: []string{"heartbeat-timeout", "heartbeat-polling-pending"}},
	{Name: "3.5/parse error", Scripts: []string{"codec-unknown", "post-malformed"}},
	{Name: "3.5/forced close", Scripts: []string{"violation-decode", "violation-unjoined"}},
	{Name: "3.5/forced server close", Scripts: []string{"violation-unjoined-polling"}},
	{Name: "3.5/client namespace disconnect", Scripts: []string{"disconnect"}},
	{Name: "3.5/server namespace disconnect", Scripts: []string{"disconnect-server", "disconnect-server-close"}},
	{Name: "3.5/server shutting down", Tests: []string{"sio.TestShutdown"}, Without: "the application that would tell has ended"},

	{Name: "3.6/acks of a broadcast", Scripts: []string{"ack-broadcast"}},
	{Name: "3.6/late acks are ignored", Scripts: []string{"ack-broadcast"}},
	{Name: "3.6/nobody to answer", Scripts: []string{"ack-broadcast"}},
	{Name: "3.6/volatile", Scripts: []string{"volatile"}},
	{Name: "3.5/disconnecting is told with the rooms", Scripts: []string{"disconnect-order"}},
	{Name: "3.4/leaving the room of the own id", Scripts: []string{"rooms-own"}},
	{Name: "3.6/fetchSockets", Scripts: []string{"rooms-outside"}},
	{Name: "3.6/socketsJoin and socketsLeave", Scripts: []string{"rooms-outside"}},
	{Name: "3.6/disconnectSockets", Scripts: []string{"rooms-outside"}},
	{Name: "3.4/reserved names cannot be emitted", Scripts: []string{"emit-reserved"}},
	{Name: "3.6/reserved names cannot be broadcast", Scripts: []string{"emit-reserved"}},
	{Name: "3.2/serverSideEmit refuses reserved names", Scripts: []string{"emit-reserved"}},
	{Name: "3.4/timeout(0)", Scripts: []string{"ack-timeout-zero"}},
	{Name: "3.6/union of rooms, each once", Scripts: []string{"broadcast-targets"}},
	{Name: "3.6/except", Scripts: []string{"broadcast-targets"}},
	{Name: "3.6/the sender is left out", Scripts: []string{"broadcast-targets"}},
	{Name: "3.5/what is recoverable", Scripts: []string{"recovery-reasons"}},
}

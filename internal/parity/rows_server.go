package parity

// serverRows are section 3: the API of the server, as far as clients see it.
var serverRows = []Row{
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
}

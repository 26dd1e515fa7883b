package parity

// A Row is one statement about the wire, by the section of the compatibility
// table that it is from.
type Row struct {
	Name    string
	Scripts []string // in testdata, without .txt
	Without string   // why there is no script
}

// Rows is the table.
var Rows = []Row{
	{Name: "1.2/encoded paths do not match", Scripts: []string{"path-encoded"}},
	{Name: "1.2/addTrailingSlash false", Scripts: []string{"path-no-trailing-slash"}},
	{Name: "1.2/the same prefix for upgrades", Scripts: []string{"path-prefix-upgrade"}},
	{Name: "1.2/prefix of the target, not equality", Scripts: []string{"path-prefix"}},
	{Name: "1.2/upgrade of another path", Scripts: []string{"path-upgrade-elsewhere"}},
	{Name: "1.2/without the slash", Scripts: []string{"path-without-slash"}},
	{Name: "1.2/plus is a space", Scripts: []string{"query-encoding"}},
	{Name: "1.2/other parameters", Scripts: []string{"query-ignored"}},
	{Name: "1.2/the last of repeated parameters", Scripts: []string{"query-last-wins"}},
	{Name: "1.2/EIO is exactly 4", Scripts: []string{"query-revision"}},

	{Name: "1.3/pending GET dropped", Scripts: []string{"get-dropped", "get-hung-up"}},
	{Name: "1.3/second GET while one is pending", Scripts: []string{"get-overlap"}},
	{Name: "1.3/PUT, DELETE or HEAD with a sid", Scripts: []string{"method-put-500", "method-put"}},
	{Name: "1.3/OPTIONS with cors", Scripts: []string{"options-cors"}},
	{Name: "1.3/OPTIONS without cors and without sid", Scripts: []string{"options-handshake"}},
	{Name: "1.3/OPTIONS without cors, with a sid", Scripts: []string{"options-session-500", "options-session"}},
	{Name: "1.3/GET and POST pipelined", Scripts: []string{"pipelining"}},
	{Name: "1.3/POST connection dropped before the body ended", Scripts: []string{"post-cut-off"}},
	{Name: "1.3/POST body that is empty", Scripts: []string{"post-empty"}},
	{Name: "1.3/invalid UTF-8 in a POST", Scripts: []string{"post-invalid-utf8"}},
	{Name: "1.3/POST body of exactly the limit", Scripts: []string{"post-limit"}},
	{Name: "1.3/POST body whose first packet is malformed", Scripts: []string{"post-malformed"}},
	{Name: "1.3/POST with Content-Type application/octet-stream; x=1", Scripts: []string{"post-octet-stream-parameters"}},
	{Name: "1.3/POST with Content-Type application/octet-stream", Scripts: []string{"post-octet-stream"}},
	{Name: "1.3/POST ok", Scripts: []string{"post-ok"}},
	{Name: "1.3/POST while another is unfinished", Scripts: []string{"post-overlap"}},
	{Name: "1.3/POST body larger than maxHttpBufferSize, in chunks", Scripts: []string{"post-too-large-chunked"}},
	{Name: "1.3/POST body larger than maxHttpBufferSize", Scripts: []string{"post-too-large-node", "post-too-large"}},
	{Name: "1.3/after the session is gone", Scripts: []string{"session-gone"}},
	{Name: "1.3/invalid extension header", Scripts: []string{"upgrade-extensions-bad"}},
	{Name: "1.3/missing or invalid Sec-WebSocket-Key", Scripts: []string{"upgrade-key"}},
	{Name: "1.3/upgrade with a sid and another method than GET", Scripts: []string{"upgrade-method-node", "upgrade-method"}},
	{Name: "1.3/upgrade to a server with polling only", Scripts: []string{"upgrade-polling-only"}},
	{Name: "1.3/code 5 on a WebSocket handshake", Scripts: []string{"upgrade-revision-late", "upgrade-revision"}},
	{Name: "1.3/invalid subprotocol header", Scripts: []string{"upgrade-subprotocol-bad"}},
	{Name: "1.3/subprotocol", Scripts: []string{"upgrade-subprotocol"}},
	{Name: "1.3/upgrade with transport=polling and no sid", Scripts: []string{"upgrade-transport-polling"}},
	{Name: "1.3/bad Upgrade value", Scripts: []string{"upgrade-value"}},
	{Name: "1.3/missing or invalid Sec-WebSocket-Version", Scripts: []string{"upgrade-version"}},
	{Name: "1.3/8 allowRequest is skipped with a sid", Scripts: []string{"verify-allow-request-sid"}},
	{Name: "1.3/always 400 for an upgrade, also for code 4", Scripts: []string{"verify-allow-request-upgrade"}},
	{Name: "1.3/8 allowRequest refuses", Scripts: []string{"verify-allow-request"}},
	{Name: "1.3/refused with a body: the connection", Scripts: []string{"verify-method-close", "verify-method-keepalive"}},
	{Name: "1.3/6 bad handshake method", Scripts: []string{"verify-method"}},
	{Name: "1.3/order of the checks", Scripts: []string{"verify-order"}},
	{Name: "1.3/5 protocol mismatch", Scripts: []string{"verify-protocol-mismatch"}},
	{Name: "1.3/upgrade error response, exact bytes", Scripts: []string{"verify-sid-upgrade"}},
	{Name: "1.3/3 session unknown", Scripts: []string{"verify-sid"}},
	{Name: "1.3/4 transport mismatch", Scripts: []string{"verify-transport-mismatch"}},
	{Name: "1.3/1 transport switched off", Scripts: []string{"verify-transport-off"}},
	{Name: "1.3/1 transport unknown", Scripts: []string{"verify-transport"}},
	{Name: "1.3/7 websocket without an upgrade", Scripts: []string{"verify-websocket"}},

	{Name: "1.6/empty payload", Scripts: []string{"post-empty"}},

	{Name: "9/EIO=3 not allowed", Scripts: []string{"query-revision"}},
	{Name: "9/allowRequest says nope to a WebSocket", Scripts: []string{"verify-allow-request-upgrade"}},
	{Name: "9/allowRequest says nope", Scripts: []string{"verify-allow-request"}},
	{Name: "9/POST without a sid", Scripts: []string{"verify-method"}},
	{Name: "9/upgrade with an unknown sid", Scripts: []string{"verify-sid-upgrade"}},
	{Name: "9/GET with an unknown sid", Scripts: []string{"verify-sid"}},
	{Name: "9/GET without a transport, or transport=tobi", Scripts: []string{"verify-transport"}},
	{Name: "9/GET transport=websocket without an upgrade", Scripts: []string{"verify-websocket"}},
}

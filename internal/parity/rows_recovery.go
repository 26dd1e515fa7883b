package parity

// recoveryRows are section 4: connection state recovery.
var recoveryRows = []Row{
	{Name: "4/the answer to a CONNECT has a pid", Scripts: []string{"recovery"}},
	{Name: "4/an offset behind the arguments", Scripts: []string{"recovery"}},
	{Name: "4/an offset behind the placeholders", Scripts: []string{"recovery"}},
	{Name: "4/the missed events, then the CONNECT", Scripts: []string{"recovery"}},
	{Name: "4/what is replayed", Scripts: []string{"recovery"}},
	{Name: "4/both must be strings", Scripts: []string{"recovery-refused"}},
	{Name: "4/a failure is a fresh session", Scripts: []string{"recovery-refused"}},
	{Name: "4/only after a loss", Scripts: []string{"recovery-left", "recovery-reasons"}},
	{Name: "4/events with an ack are not kept", Scripts: []string{"recovery-ack"}},
	{Name: "4/skipMiddlewares", Scripts: []string{"recovery-skip", "recovery-middleware"}},
	{Name: "4/a reconnect before the loss was noticed", Scripts: []string{"recovery-takeover-node", "recovery-takeover"}},
	{Name: "4/a session is consumed by its restore", Scripts: []string{"recovery-twice-node", "recovery-takeover"}},
	{Name: "4/a client that has received nothing", Scripts: []string{"recovery-nothing-node", "recovery-nothing"}},
	{Name: "4/emits in a middleware", Scripts: []string{"recovery-hello-node", "recovery-hello"}},
	{Name: "4/clients of revision 3 get no pid", Scripts: []string{"eio3-recovery"}},
	{Name: "4/listeners see the offset", Scripts: []string{"recovery-outgoing"}},
	{Name: "4/the replay filter", Scripts: []string{"recovery-replay"}},
}

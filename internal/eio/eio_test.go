package eio_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unsafe"

	"github.com/gannet-io/gannet/internal/eio"
)

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code    eio.ErrorCode
		number  int
		message string
		status  int
	}{
		{eio.CodeUnknownTransport, 0, "Transport unknown", 400},
		{eio.CodeUnknownSID, 1, "Session ID unknown", 400},
		{eio.CodeBadHandshakeMethod, 2, "Bad handshake method", 400},
		{eio.CodeBadRequest, 3, "Bad request", 400},
		{eio.CodeForbidden, 4, "Forbidden", 403},
		{eio.CodeUnsupportedVersion, 5, "Unsupported protocol version", 400},
		{eio.ErrorCode(6), 6, "", 400},
	}
	for _, tt := range tests {
		if int(tt.code) != tt.number || tt.code.Message() != tt.message || tt.code.HTTPStatus() != tt.status {
			t.Errorf("code %d: message %q status %d, want %d, %q, %d",
				tt.code, tt.code.Message(), tt.code.HTTPStatus(), tt.number, tt.message, tt.status)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	var got []string
	for typ := eio.PacketType('/'); typ <= '7'; typ++ {
		got = append(got, typ.String())
	}
	const want = "error open close ping pong message upgrade noop error"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("packet types %q, want %q", s, want)
	}
	for _, transport := range []eio.Transport{eio.Polling, eio.WebSocket} {
		if back, ok := eio.ParseTransport(transport.String()); !ok || back != transport {
			t.Errorf("ParseTransport(%q) = %v, %v", transport.String(), back, ok)
		}
	}
	reasons := map[eio.Action]eio.Reason{
		eio.ActTransportError: "transport error", eio.ActTransportClose: "transport close",
		eio.ActParseError: "parse error", eio.ActPingTimeout: "ping timeout",
		eio.ActCloseTimeout: "forced close", eio.ActUpgradeClose: "forced close",
	}
	seen := map[string]bool{}
	for act := eio.ActNone; act <= eio.ActCloseTimeout; act++ {
		if act.Reason() != reasons[act] || act.Closes() != (reasons[act] != "") {
			t.Errorf("%v: reason %q, closes %v, want %q", act, act.Reason(), act.Closes(), reasons[act])
		}
		if seen[act.String()] || act.String() == "unknown" {
			t.Errorf("action %d is called %q", act, act)
		}
		seen[act.String()] = true
	}
	if got := (eio.ActCloseTimeout + 1).String(); got != "unknown" {
		t.Errorf("an action that does not exist is called %q", got)
	}
	if got := eio.Transport(2).String(); got != "unknown" {
		t.Errorf("a transport that does not exist is called %q", got)
	}
}

func TestAppendOpen(t *testing.T) {
	t.Parallel()
	all := eio.Config{PingInterval: 3000, PingTimeout: 2000, MaxPayload: 2000}
	off, wsOnly, pollOnly := all, all, all
	off.DisableUpgrades = true
	wsOnly.Transports = []eio.Transport{eio.WebSocket}
	pollOnly.Transports = []eio.Transport{eio.Polling}
	const head, tail = `0{"sid":"EmyQlUpeRDRqiavnAAAA","upgrades":[`, `],"pingInterval":3000,"pingTimeout":2000,"maxPayload":2000}`
	tests := []struct {
		name string
		cfg  *eio.Config
		t    eio.Transport
		want string
	}{
		{"polling", &all, eio.Polling, head + `"websocket"` + tail}, // PARITY 1.5, verified example
		{"websocket", &all, eio.WebSocket, head + tail},
		{"upgrades off", &off, eio.Polling, head + tail},
		{"websocket only", &wsOnly, eio.WebSocket, head + tail},
		{"polling only", &pollOnly, eio.Polling, head + tail},
	}
	for _, tt := range tests {
		if got := eio.AppendOpen([]byte("x"), tt.cfg, "EmyQlUpeRDRqiavnAAAA", tt.t); string(got) != "x"+tt.want {
			t.Errorf("%s:\n got %s\nwant x%s", tt.name, got, tt.want)
		}
	}
}

// A user's GenerateID may return anything.
func TestAppendOpenEscapesTheID(t *testing.T) {
	t.Parallel()
	cfg := eio.Config{}
	for _, id := range []string{"", `a"b\c`, "line\r\nbreak\x00\x1f", "é€😀"} {
		packet := eio.AppendOpen(nil, &cfg, id, eio.Polling)
		var open struct{ SID string }
		if err := json.Unmarshal(packet[1:], &open); err != nil || open.SID != id {
			t.Errorf("id %q: %s reads back as %q, %v", id, packet, open.SID, err)
		}
	}
}

func TestSessionIsSmall(t *testing.T) {
	t.Parallel()
	if got := unsafe.Sizeof(eio.Session{}); got != 24 {
		t.Errorf("a Session takes %d bytes, want 24", got)
	}
}

func TestZeroSession(t *testing.T) {
	t.Parallel()
	var s eio.Session
	cfg := config()
	if s.Deadline() != 0 || s.Expire(cfg, 1<<40) != eio.ActNone || s.StartUpgrade(cfg, 1) {
		t.Error("the zero Session has something to do")
	}
	for typ := eio.PacketType('/'); typ <= '7'; typ++ {
		if act := s.Packet(cfg, 1, typ, false); act != eio.ActNone {
			t.Errorf("the zero Session takes a %v: %v", typ, act)
		}
	}
	s.StartClose(1)
	s.Resume(cfg, 1)
	if s.State() != eio.StateNone || s.Deadline() != 0 {
		t.Errorf("the zero Session changes to state %d, deadline %d", s.State(), s.Deadline())
	}
}

func config() *eio.Config {
	return &eio.Config{PingInterval: 25000, PingTimeout: 20000, UpgradeTimeout: 10000, MaxPayload: 1000000}
}

func TestHeartbeatOff(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.PingInterval = 0
	for _, open := range []func(s *eio.Session){
		func(s *eio.Session) { s.Open(cfg, eio.Polling, 0, 5) },
		func(s *eio.Session) { s.OpenRevision3(cfg, eio.Polling, 5) },
	} {
		var s eio.Session
		open(&s)
		if s.Deadline() != 0 || s.Packet(cfg, 1<<40, eio.Message, false) != eio.ActMessage {
			t.Errorf("deadline %d without a heartbeat", s.Deadline())
		}
		if s.Revision() == eio.Revision4 {
			if act := s.Packet(cfg, 1<<40, eio.Pong, false); act != eio.ActNone || s.Deadline() != 0 {
				t.Errorf("a pong without a heartbeat: %v, deadline %d", act, s.Deadline())
			}
		}
		if !s.StartUpgrade(cfg, 10) || s.UpgradePacket(cfg, 20, eio.Upgrade, nil) != eio.ActUpgrade || s.Deadline() != 0 {
			t.Errorf("deadline %d without a heartbeat after an upgrade", s.Deadline())
		}
	}
}

// The granularity of timers must not look like a pause: a session with very
// short heartbeats still times out.
func TestShortHeartbeatTimesOut(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.PingInterval, cfg.PingTimeout = 20, 5
	var s eio.Session
	s.Open(cfg, eio.WebSocket, 0, 1000)
	if act := s.Expire(cfg, 1030); act != eio.ActPing {
		t.Fatalf("at the ping: %v", act)
	}
	if act := s.Expire(cfg, 1040); act != eio.ActPingTimeout {
		t.Errorf("15 ms after the timeout: %v, want ping timeout", act)
	}
}

func TestPauseDetector(t *testing.T) {
	t.Parallel()
	cfg := config()
	var d eio.PauseDetector
	steps := []struct {
		now  int64
		want bool
	}{{50_000, false}, {51_000, false}, {70_999, false}, {90_999, true}, {91_000, false}}
	for _, step := range steps {
		if got := d.Paused(cfg, step.now); got != step.want {
			t.Errorf("at %d: Paused = %v, want %v", step.now, got, step.want)
		}
	}
	cfg.PingInterval = 0
	if d.Paused(cfg, 1<<40) {
		t.Error("Paused without a heartbeat")
	}
}

func TestResumeNeverBringsADeadlineForward(t *testing.T) {
	t.Parallel()
	cfg := config()
	var s eio.Session
	s.Open(cfg, eio.WebSocket, 0, 0)
	for _, now := range []int64{10, 20_000, 24_999} {
		if s.Resume(cfg, now); s.Deadline() != 25_000 {
			t.Fatalf("Resume at %d: deadline %d, want 25000", now, s.Deadline())
		}
	}
	s.Expire(cfg, 25_000)
	before := s.Deadline()
	if s.Resume(cfg, 24_000); s.Deadline() != before {
		t.Errorf("Resume moved the timeout from %d to %d", before, s.Deadline())
	}
	s.Closed()
	if s.Resume(cfg, 100_000); s.Deadline() != 0 {
		t.Errorf("Resume gave a closed session the deadline %d", s.Deadline())
	}
}

// A pause of the process must not disconnect a crowd (ATTACKS A97), whatever
// each session was doing, and whichever of timers and packets comes first.
func TestPauseDisconnectsNobody(t *testing.T) {
	t.Parallel()
	cfg := config()
	for _, pause := range []int64{20_000, 25_000, 60_000, 3_600_000} {
		var d eio.PauseDetector
		sessions := make([]eio.Session, 500)
		for i := range sessions {
			sessions[i].Open(cfg, eio.WebSocket, int64(1+i*50), 0) // pings spread over the interval
		}
		const stop = 12_345
		for now := int64(100); now <= stop; now += 100 {
			d.Paused(cfg, now)
			for i := range sessions {
				if sessions[i].Expire(cfg, now) == eio.ActPing && i%3 != 0 {
					sessions[i].Packet(cfg, now, eio.Pong, false)
				}
			}
		}
		now := stop + pause
		if d.Paused(cfg, now) {
			for i := range sessions {
				sessions[i].Resume(cfg, now)
			}
		} else {
			t.Errorf("pause of %d ms was not noticed", pause)
		}
		for i := range sessions {
			s := &sessions[i]
			for act := s.Expire(cfg, now); act != eio.ActNone; act = s.Expire(cfg, now) {
				if act.Closes() {
					t.Fatalf("pause of %d ms: session %d: %v", pause, i, act)
				}
			}
			if d := s.Deadline(); s.AwaitingPong() && d < now+cfg.PingTimeout {
				t.Fatalf("pause of %d ms: session %d has %d ms to answer", pause, i, d-now)
			}
		}
	}
}

// An upgrade timeout longer than 32 bits of milliseconds is cut.
func TestHugeUpgradeTimeout(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.UpgradeTimeout, cfg.PingInterval = 1<<50, 0
	var s eio.Session
	s.Open(cfg, eio.Polling, 0, 0)
	if !s.StartUpgrade(cfg, 1000) || s.UpgradePacket(cfg, 1000, eio.Ping, []byte("probe")) != eio.ActProbe {
		t.Fatal("no upgrade")
	}
	if d := s.Deadline(); d != 1100 {
		t.Errorf("first noop check at %d, want 1100", d)
	}
	if act := s.Expire(cfg, 1200); act != eio.ActNoop || s.Deadline() != 1300 {
		t.Errorf("%v, next at %d; want noop, 1300", act, s.Deadline())
	}
}

// Extra probes of an upgrading client leave no trace (ATTACKS A74).
func TestThousandProbes(t *testing.T) {
	t.Parallel()
	cfg := config()
	var s eio.Session
	s.Open(cfg, eio.Polling, 0, 0)
	s.StartUpgrade(cfg, 0)
	for i := range int64(1000) {
		if act := s.UpgradePacket(cfg, i, eio.Ping, []byte("probe")); act != eio.ActProbe {
			t.Fatalf("probe %d: %v", i, act)
		}
	}
	if d := s.Deadline(); d != 1099 {
		t.Errorf("next check at %d, want 1099", d)
	}
	if act := s.Expire(cfg, 10_000); act != eio.ActNoop {
		t.Errorf("at the upgrade timeout: %v first, want noop", act)
	}
	if act := s.Expire(cfg, 10_000); act != eio.ActUpgradeTimeout || s.Upgrading() {
		t.Errorf("at the upgrade timeout: %v, upgrading %v", act, s.Upgrading())
	}
}

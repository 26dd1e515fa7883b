package eio_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
)

// TestTranscripts replays testdata/*.txt. A line is one of
//
//	# comment
//	config interval=25000 timeout=20000 upgrade=10000 noupgrades eio3
//	open polling|websocket [first=MS] [eio3]     the handshake; a WebSocket is called ws0
//	@MS          the clock moves to MS and every deadline is met on time
//	@MS late     the clock moves to MS at once, and only then what is due is done
//	@MS unswept  the clock moves to MS, and what is due is not done yet
//	@MS resume   the process was paused until MS: the session is resumed, then as late
//	> GET, > POST payload, > WS wsN              requests of the session
//	> wsN packet, > wsN FIN                      frames, or the end of a WebSocket
//	! send packet, ! close                       what the application does
//	< …          what the server sends; complete and in order
//	* …          what the application sees; likewise
//
// with \x1e for the record separator.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := replay(string(text)); err != nil {
				t.Errorf("%s:%v", file, err)
			}
		})
	}
}

func replay(text string) error {
	o := &owner{cfg: eio.Config{PingInterval: 25000, PingTimeout: 20000, UpgradeTimeout: 10000, MaxPayload: 1000000}}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case line[0] == '<' || line[0] == '*':
			if len(o.out) == 0 {
				return fmt.Errorf("%d: want %q, got nothing (at %d ms, state %d)", i+1, line, o.now, o.s.State())
			}
			if o.out[0] != line {
				return fmt.Errorf("%d: want %q, got %q (at %d ms)", i+1, line, o.out[0], o.now)
			}
			o.out = o.out[1:]
			continue
		}
		if len(o.out) != 0 {
			return fmt.Errorf("%d: before %q the server sent %q (at %d ms)", i+1, line, o.out, o.now)
		}
		if err := o.step(strings.ReplaceAll(line, `\x1e`, "\x1e")); err != nil {
			return fmt.Errorf("%d: %q: %w", i+1, line, err)
		}
	}
	if len(o.out) != 0 {
		return fmt.Errorf("%d: at the end the server sent %q", len(lines), o.out)
	}
	return nil
}

// step does one line that is not an expectation.
func (o *owner) step(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case word == "config":
		return o.configure(strings.Fields(rest))
	case word == "open":
		return o.handshake(strings.Fields(rest))
	case word[0] == '@':
		at, err := strconv.ParseInt(word[1:], 10, 64)
		if err != nil || at < o.now {
			return fmt.Errorf("bad time: %w", err)
		}
		return o.clock(at, rest)
	case word == ">":
		name, pkt, _ := strings.Cut(rest, " ")
		switch name {
		case "GET":
			o.poll()
		case "POST":
			o.post(pkt)
		case "WS":
			o.socket(pkt)
		default:
			o.frame(name, pkt)
		}
		return nil
	case word == "!" && rest == "close":
		o.shut()
		return nil
	case word == "!" && strings.HasPrefix(rest, "send "):
		o.send(strings.TrimPrefix(rest, "send "))
		return nil
	}
	return fmt.Errorf("unknown line")
}

func (o *owner) clock(at int64, how string) error {
	switch how {
	case "":
		o.advance(at)
	case "late":
		o.now = at
		o.expire()
	case "unswept":
		o.now = at
	case "resume":
		o.now = at
		o.s.Resume(&o.cfg, at)
		o.expire()
	default:
		return fmt.Errorf("unknown clock %q", how)
	}
	return nil
}

func (o *owner) configure(fields []string) error {
	for _, field := range fields {
		key, value, _ := strings.Cut(field, "=")
		n, _ := strconv.ParseInt(value, 10, 64)
		switch key {
		case "interval":
			o.cfg.PingInterval = n
		case "timeout":
			o.cfg.PingTimeout = n
		case "upgrade":
			o.cfg.UpgradeTimeout = n
		case "noupgrades":
			o.cfg.DisableUpgrades = true
		case "eio3":
			o.cfg.AllowEIO3 = true
		default:
			return fmt.Errorf("unknown setting %q", field)
		}
	}
	return nil
}

func (o *owner) handshake(fields []string) error {
	t, rev, first, ws := eio.Polling, eio.Revision4, int64(0), ""
	for _, field := range fields {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "polling":
		case "websocket":
			t, ws = eio.WebSocket, "ws0"
		case "first":
			first, _ = strconv.ParseInt(value, 10, 64)
		case "eio3":
			rev = eio.Revision3
		default:
			return fmt.Errorf("unknown handshake %q", field)
		}
	}
	o.open(t, rev, first, ws)
	return nil
}

package report

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// A Phase is a part of a run.
type Phase int

// The phases of a run, in their order.
const (
	RampUp    Phase = iota // connections are being opened
	WarmUp                 // traffic that is not counted yet
	Measuring              // traffic that is counted
	Stopping               // waiting for what is in flight
)

// String returns the phase as people read it.
func (p Phase) String() string {
	switch p {
	case RampUp:
		return "ramp-up"
	case WarmUp:
		return "warm-up"
	case Measuring:
		return "measuring"
	case Stopping:
		return "stopping"
	default:
		return fmt.Sprintf("phase %d", int(p))
	}
}

// LiveOptions configures a Live. Its zero value is usable.
type LiveOptions struct {
	// Out is where progress goes. Nil means os.Stderr. On a terminal one line
	// is redrawn, elsewhere lines follow each other.
	Out io.Writer
	// Total is how long the whole run will take, ramp-up included. Zero means
	// that it is not known.
	Total time.Duration
	// Connections is how many connections the run wants. Zero means that it is
	// not known.
	Connections int64
	// Every is the least time between two lines where there is no terminal.
	// Zero means 5s.
	Every time.Duration
}

// Live shows the progress of a run, one Sample after the other. It has no
// clock: time is what the samples say. Its methods may be called from any
// goroutine.
type Live struct {
	// Immutable after NewLive.
	opts  LiveOptions
	width func() int // of the terminal in columns; nil when there is none

	mu      sync.Mutex // guards following
	errors  int64
	join    joiner
	shown   bool // a line has been written
	at      float64
	phase   Phase
	painted bool // the line on the terminal is ours
}

// NewLive returns a Live that has written nothing yet. A nil o means the zero
// value.
func NewLive(o *LiveOptions) *Live {
	l := &Live{}
	if o != nil {
		l.opts = *o
	}
	if l.opts.Out == nil {
		l.opts.Out = os.Stderr
	}
	if l.opts.Every == 0 {
		l.opts.Every = 5 * time.Second
	}
	if f, ok := l.opts.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		l.width = func() int {
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil || w <= 0 {
				return 80
			}
			return w
		}
	}
	return l
}

// Update shows a sample. Each sample must be passed once, in their order: its
// errors are added to those of the samples before. One of less than half a
// second is shown together with what follows.
func (l *Live) Update(p Phase, s *Sample) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors += s.Errors
	joined, complete := l.join.add(s)
	if !complete {
		return
	}
	s = &joined
	parts := l.parts(p, s)
	if l.width != nil {
		l.painted = true
		_, _ = io.WriteString(l.opts.Out, "\r"+fit(parts, l.width()-1)+"\x1b[K")
		return
	}
	if l.shown && p == l.phase && s.At-l.at < l.opts.Every.Seconds() {
		return
	}
	l.shown, l.phase, l.at = true, p, s.At
	_, _ = io.WriteString(l.opts.Out, join(parts)+"\n")
}

// Note writes a line that stays, above the line that is redrawn.
func (l *Live) Note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	_, _ = io.WriteString(l.opts.Out, printable(text)+"\n")
}

// Done removes the line that is redrawn, so that a table can follow. Lines that
// were written where there is no terminal stay.
func (l *Live) Done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
}

// clear empties the line on the terminal. Needs mu.
func (l *Live) clear() {
	if l.painted {
		l.painted = false
		_, _ = io.WriteString(l.opts.Out, "\r\x1b[K")
	}
}

// A part is a piece of the progress line; the highest rank is the first to go
// when a terminal is too narrow.
type part struct {
	text string
	rank int
}

// parts returns the pieces of the line for a sample. Needs mu.
func (l *Live) parts(p Phase, s *Sample) []part {
	at := clock(time.Duration(s.At * float64(time.Second)))
	if l.opts.Total > 0 {
		at += "/" + clock(l.opts.Total)
	}
	open := commas(s.Open)
	if p == RampUp && l.opts.Connections > 0 {
		open += "/" + commas(l.opts.Connections)
	}
	latency := func(us float64) string {
		if us <= 0 {
			return absent
		}
		return micros(us)
	}
	wrong := part{plural(l.errors, "error"), 5}
	if l.errors > 0 {
		wrong.rank = 0
	}
	return []part{
		{at, 0},
		{fmt.Sprintf("%-9s", p), 1},
		{open + " open", 2},
		{commas(s.Sent) + "/s sent", 6},
		{commas(s.Received) + "/s received", 3},
		{commas(s.InFlight) + " in flight", 7},
		{"p50 " + latency(s.P50), 4},
		{"p99 " + latency(s.P99), 2},
		wrong,
	}
}

func join(parts []part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.text
	}
	return strings.Join(texts, "  ")
}

// fit leaves out parts until the line has at most width columns.
func fit(parts []part, width int) string {
	for {
		text := join(parts)
		if utf8.RuneCountInString(text) <= width {
			return text
		}
		worst := 0
		for i := range parts {
			if parts[i].rank >= parts[worst].rank {
				worst = i
			}
		}
		if len(parts) == 1 {
			return string([]rune(text)[:max(width, 0)])
		}
		parts = append(parts[:worst:worst], parts[worst+1:]...)
	}
}

package report_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/gannet/bench/report"
)

// play shows a run to l.
func play(l *report.Live) {
	r := sample()
	r.Series[40].Errors = 3
	for i := range r.Series {
		s := &r.Series[i]
		phase := report.RampUp
		switch {
		case s.At > 74:
			phase = report.Stopping
		case s.At > 15:
			phase = report.Measuring
		case s.At > 10:
			phase = report.WarmUp
		}
		if s.At == 30 {
			l.Note("a note\x1b[2J of\nthe run")
		}
		l.Update(phase, s)
	}
	l.Done()
}

// TestLivePlain has no terminal: a line each 10 s and at each phase.
func TestLivePlain(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	play(report.NewLive(&report.LiveOptions{Out: &b, Total: 75 * time.Second, Connections: 10_000, Every: 10 * time.Second}))
	golden(t, "live_plain.txt", b.String())
}

// TestLiveTerminal shows every drawing on a line of its own.
func TestLiveTerminal(t *testing.T) {
	t.Parallel()
	for name, width := range map[string]int{"live_wide.txt": 132, "live_80.txt": 80, "live_narrow.txt": 24} {
		var b strings.Builder
		l := report.NewLive(&report.LiveOptions{Out: &b})
		l.SetWidth(func() int { return width })
		play(l)
		out := b.String()
		golden(t, name, strings.ReplaceAll(strings.ReplaceAll(out, "\r", "\n"), "\x1b[K", "|"))
		for drawing := range strings.SplitSeq(out, "\r") {
			if line, _, ok := strings.Cut(drawing, "\x1b[K"); ok && len([]rune(line)) >= width {
				t.Errorf("%d columns in a terminal of %d: %q", len([]rune(line)), width, line)
			}
		}
		if !strings.HasSuffix(out, "\r\x1b[K") {
			t.Errorf("the line stays: %q", out[len(out)-40:])
		}
	}
}

// TestLiveWidths leaves the last column free: a full line would wrap.
func TestLiveWidths(t *testing.T) {
	t.Parallel()
	for width := 1; width < 140; width++ {
		var b strings.Builder
		l := report.NewLive(&report.LiveOptions{Out: &b, Total: time.Minute})
		l.SetWidth(func() int { return width })
		l.Update(report.Measuring, &sample().Series[50])
		line, _, _ := strings.Cut(strings.TrimPrefix(b.String(), "\r"), "\x1b[K")
		if n := len([]rune(line)); n >= width {
			t.Errorf("%d columns in a terminal of %d: %q", n, width, line)
		}
	}
}

// TestLiveRace updates from several goroutines; the race detector looks on.
func TestLiveRace(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	l := report.NewLive(&report.LiveOptions{Out: &b})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { play(l) })
	}
	wg.Wait()
	if !strings.Contains(b.String(), "12 errors") {
		t.Errorf("the errors of all samples are not counted:\n%s", b.String())
	}
}

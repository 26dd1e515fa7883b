package scenario

import (
	"fmt"
	"os"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gannet-io/gannet/bench/report"
)

// result puts together what was measured. The loops still run.
func (r *run) result() *report.Result {
	r.each((*worker).account)
	s := &r.sampler
	total := r.total()
	res := &report.Result{
		Format: report.Format, Started: r.started, Scenario: r.cfg.Scenario, Target: r.cfg.shown(),
		Settings: r.cfg.settings(), Machine: machine(), Latencies: map[string]report.Latency{}, Series: s.series,
		Connections: report.Connections{
			Wanted: int64(r.cfg.Connections), Opened: total.opened, Failed: total.failed, Lost: total.lost, Errors: map[string]int64{},
		},
	}
	if r.storms > 0 {
		res.Settings["storms"] = strconv.Itoa(r.storms)
	}
	if r.cfg.Slow > 0 {
		res.Settings["slow-disconnected"] = strconv.FormatInt(total.slowClosed, 10)
	}
	if r.interrupted {
		res.Interrupt()
	}
	res.Seconds = s.to.at.Sub(s.from.at).Seconds()
	r.messages(res)
	r.latencies(res)
	r.checks(res)
	r.processes(res)
	res.ClientBound = r.clientBound(res)
	res.Failures = r.failures(res)
	return res
}

// account counts what has not come. Nothing is in flight any more, or the grace
// is over.
func (w *worker) account() {
	if w.run.cfg.Lossy {
		return
	}
	for _, cl := range w.clients {
		if cl.slow || cl.gone {
			continue
		}
		w.accountClient(cl)
	}
}

func (w *worker) accountClient(cl *client) {
	lost := func(t *track, sent uint64, what func() string) {
		n, first := t.lost(sent)
		if excused := min(n, cl.corrupted); excused > 0 {
			n -= excused
			cl.corrupted -= excused
		}
		if n > 0 {
			w.wrong(&w.checks.Lost, n, "connection %d did not get %d %s, message %d the first", cl.id, n, what(), first)
		}
	}
	if cl.echo != nil {
		lost(&cl.self, cl.echo.seq, func() string { return "of its own echoes" })
	}
	if cl.ticked {
		lost(&cl.ticks, 0, func() string { return "of the server's ticks" })
	}
	for _, s := range w.run.senders {
		if s.flow.kind == kindEcho {
			continue
		}
		if t := cl.track(s); t != nil {
			lost(t, s.finalSeq(), func() string { return fmt.Sprintf("messages of sender %d (%s)", s.number, s.flow.name) })
		}
	}
}

// messages fills in what was sent and received in the measured time.
func (r *run) messages(res *report.Result) {
	from, to := &r.sampler.from, &r.sampler.to
	m := &res.Messages
	m.Sent = to.counts.sent - from.counts.sent
	m.Received = to.counts.received - from.counts.received
	m.BytesSent = to.bytesOut - from.bytesOut
	m.BytesReceived = to.bytesIn - from.bytesIn
	m.Unsent = r.total().unsent
	if res.Seconds > 0 {
		m.SentRate = float64(m.Sent) / res.Seconds
		m.ReceivedRate = float64(m.Received) / res.Seconds
	}
}

// latencies merges the histograms of the loops.
func (r *run) latencies(res *report.Result) {
	var merged [times]*hdrhistogram.Histogram
	for _, w := range r.collected() {
		for kind, h := range w {
			if h == nil {
				continue
			}
			if merged[kind] == nil {
				merged[kind] = newHistogram()
			}
			merged[kind].Merge(h)
		}
	}
	for kind, h := range merged {
		if h != nil {
			res.Latencies[timeNames[kind]] = latency(h)
		}
	}
}

// collected hands the histograms of the loops over: nothing is recorded any
// more once the run is ending.
func (r *run) collected() [][times]*hdrhistogram.Histogram {
	list := make([][times]*hdrhistogram.Histogram, len(r.workers))
	r.each(func(w *worker) { list[w.id], w.times = w.times, [times]*hdrhistogram.Histogram{} })
	return list
}

func latency(h *hdrhistogram.Histogram) report.Latency {
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) }
	l := report.Latency{
		Count: h.TotalCount(), Min: float64(h.Min()), Mean: h.Mean(),
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(h.Max()),
	}
	if b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err == nil {
		l.Histogram = string(b)
	}
	return l
}

// checks merges the checks of the loops.
func (r *run) checks(res *report.Result) {
	list := make([]report.Checks, len(r.workers))
	errs := r.gather()
	r.each(func(w *worker) { list[w.id] = w.checks })
	c := &res.Checks
	for i, o := range list {
		c.Lost += o.Lost
		c.Duplicated += o.Duplicated
		c.Reordered += o.Reordered
		c.Corrupted += o.Corrupted
		c.Misrouted += o.Misrouted
		c.First = append(c.First, o.First[:min(len(o.First), maxFirst-len(c.First))]...)
		for text, n := range errs[i].errors {
			res.Connections.Errors[text] += n
		}
	}
}

// processes fills in what client and server have used.
func (r *run) processes(res *report.Result) {
	s := &r.sampler
	res.Client = report.Process{
		CPUSeconds: (s.to.client - s.from.client).Seconds(), RSSBefore: s.ownBefore, RSSPeak: s.peakClient,
	}
	if res.Seconds > 0 {
		res.Client.CPUShare = res.Client.CPUSeconds / res.Seconds
	}
	if res.Messages.Received > 0 {
		res.Client.CPUPerMessage = res.Client.CPUSeconds * 1e6 / float64(res.Messages.Received)
	}
	if r.cfg.PID == 0 {
		return
	}
	p := &report.Process{
		CPUSeconds: (s.to.server.cpu - s.from.server.cpu).Seconds(), RSSBefore: r.serverBefore.rss, RSSPeak: s.peakServer,
	}
	if res.Seconds > 0 {
		p.CPUShare = p.CPUSeconds / res.Seconds
	}
	if res.Messages.Received > 0 {
		p.CPUPerMessage = p.CPUSeconds * 1e6 / float64(res.Messages.Received)
	}
	if n := res.Connections.Opened; n > 0 && !r.cfg.repeats() && s.ready.rss > p.RSSBefore {
		p.BytesPerConnection = float64(s.ready.rss-p.RSSBefore) / float64(n)
	}
	res.Server = p
}

const (
	// busyShare is how much of the cores of its loops a client may use.
	busyShare = 0.9
	// lateLoop is how late, in microseconds, the slowest hundredth of the beats
	// of a loop may be.
	lateLoop = 20_000
)

// clientBound says why the client was the bottleneck, or nothing.
func (r *run) clientBound(res *report.Result) string {
	lag := newHistogram()
	parts := make([]*hdrhistogram.Histogram, len(r.workers))
	r.each(func(w *worker) { parts[w.id], w.lag = w.lag, newHistogram() })
	for _, h := range parts {
		lag.Merge(h)
	}
	loops := float64(r.cfg.Loops)
	switch late := lag.ValueAtQuantile(99); {
	case res.Client.CPUShare > busyShare*loops:
		return fmt.Sprintf("the client used %.0f%% of a core with %d event loops: more loops, fewer messages or another machine would tell more",
			res.Client.CPUShare*100, r.cfg.Loops)
	case late > lateLoop:
		return fmt.Sprintf("the client's event loops were late: %.1f ms at the 99th percentile, so latencies are at least in part its own", float64(late)/1000)
	}
	return ""
}

// failures says why the run has failed, thresholds aside.
func (r *run) failures(res *report.Result) []string {
	var list []string
	c := &res.Checks
	for _, n := range []struct {
		n    int64
		what string
	}{{c.Lost, "lost"}, {c.Duplicated, "duplicated"}, {c.Reordered, "reordered"}, {c.Corrupted, "corrupted"}, {c.Misrouted, "misrouted"}} {
		if n.n > 0 {
			list = append(list, fmt.Sprintf("%d messages were %s", n.n, n.what))
		}
	}
	if n := res.Connections.Failed; n > 0 {
		list = append(list, fmt.Sprintf("%d connections could not be opened", n))
	}
	if n := res.Connections.Lost; n > 0 {
		list = append(list, fmt.Sprintf("%d connections were lost", n))
	}
	if res.Messages.Received == 0 && res.Seconds > 0 && !r.interrupted {
		switch {
		case r.cfg.Scenario == "ticker":
			list = append(list, fmt.Sprintf("the server sent no event %q", r.cfg.Events["tick"]))
		case len(r.cfg.traffic) > 0:
			list = append(list, "no message came back in the measured time")
		}
	}
	return list
}

func ownRSS() int64 { return processRSS(os.Getpid()) }

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A bench runs scenarios on servers.
type bench struct {
	runs   int
	length time.Duration // of a timed run
	quick  bool
	only   []string // scenarios; nil means all
	which  []string // servers; nil means all
	json   string
	pinned bool
	stderr io.Writer

	conns int    // at most; 0 means as many as a scenario wants
	built string // folder of the servers of this repository, for this run alone
	cert  *certificate
}

const (
	quickConns  = 400
	quickLength = 300 * time.Millisecond

	// onceTimeout bounds one run of one server, so that one that hangs does not
	// hold the others up.
	onceTimeout = 4 * time.Minute
)

// quickServers are those of a quick run, unless others are asked for.
var quickServers = []string{floor, gannet, gannetInline, node}

var runners = map[kind]func(context.Context, *bench, *scenario, *server) (measure, error){
	kindEcho: runEcho, kindBroadcast: runBroadcast, kindRooms: runRooms, kindPolling: runEcho,
	kindHandshake: runHandshake, kindChurn: runChurn, kindIdle: runIdle, kindObjects: runObjects, kindHeap: runHeap,
}

// run measures everything that was asked for. What failed is in the results as
// not run; an error means that there are none, or that a server of this
// repository failed.
func (b *bench) run(ctx context.Context) (*results, error) {
	if b.quick {
		b.runs, b.length, b.conns = 1, quickLength, quickConns
		if b.which == nil {
			b.which = quickServers
		}
	}
	chosen, err := b.choose()
	if err != nil {
		return nil, err
	}
	if b.built, err = os.MkdirTemp("", "gannet-bench"); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(b.built) }()
	if b.cert, err = newCertificate(b.built); err != nil {
		return nil, err
	}
	r := b.newResults()
	ready := b.install(ctx, r, chosen)
	for i := range scenarios {
		sc := &scenarios[i]
		if b.only != nil && !slices.Contains(b.only, sc.name) {
			continue
		}
		if b.conns > 0 {
			sc = sc.small(b.conns)
		}
		if slices.ContainsFunc(r.Scenarios, func(s scenarioResult) bool { return s.Title == sc.title() }) {
			continue // they differ in what was made small
		}
		r.Scenarios = append(r.Scenarios, scenarioResult{Name: sc.name, Title: sc.title(), Unit: sc.unit()})
		b.scenario(ctx, r, sc, ready)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := b.save(r); err != nil {
			return nil, err
		}
	}
	err = r.failure()
	return r, err
}

// choose returns the servers that were asked for.
func (b *bench) choose() ([]contender, error) {
	all := contenders()
	for _, name := range b.only {
		if findScenario(name) == nil {
			return nil, fmt.Errorf("unknown scenario %q", name)
		}
	}
	if b.which == nil {
		return all, nil
	}
	var chosen []contender
	for _, name := range b.which {
		i := slices.IndexFunc(all, func(c contender) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown server %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// folder is where a server is installed. Rivals stay installed.
func (b *bench) folder(c *contender) string {
	name := cmp.Or(c.shares, c.name)
	if c.theirs {
		return filepath.Join(".bin", "rivals", name)
	}
	return filepath.Join(b.built, name)
}

// install installs all and returns those that can run.
func (b *bench) install(ctx context.Context, r *results, chosen []contender) []contender {
	var ready []contender
	for i := range chosen {
		c := &chosen[i]
		if !b.needs(c) {
			continue
		}
		dir := b.folder(c)
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = c.install(ctx, dir)
		}
		if err != nil {
			b.notRun(r, c.name, "", err)
			continue
		}
		s := serverResult{Name: c.name, Title: c.title, Plain: c.plain, Variant: c.variant != asItIs}
		if c.version != nil {
			s.Version = c.version(dir)
		}
		r.Servers = append(r.Servers, s)
		ready = append(ready, *c)
	}
	return ready
}

// needs reports whether a server takes part in any scenario that was asked for.
func (b *bench) needs(c *contender) bool {
	return slices.ContainsFunc(scenarios, func(s scenario) bool {
		return (b.only == nil || slices.Contains(b.only, s.name)) && s.takesPart(c)
	})
}

func (b *bench) notRun(r *results, server, scenario string, why error) {
	b.say("not run: %s %s: %v", server, scenario, why)
	r.NotRun = append(r.NotRun, notRun{Server: server, Scenario: scenario, Reason: why.Error(), Failed: true})
}

// say tells how it goes. There is nobody to tell if that fails.
func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.stderr, format+"\n", args...) }

// scenario runs one scenario on all servers in turn, every other time in the
// opposite order.
func (b *bench) scenario(ctx context.Context, r *results, sc *scenario, ready []contender) {
	var servers []contender
	for i := range ready {
		c := &ready[i]
		if !sc.takesPart(c) {
			continue
		}
		if reason := c.cannot(sc); reason != "" {
			r.NotRun = append(r.NotRun, notRun{Server: c.name, Scenario: sc.name, Reason: reason})
			continue
		}
		servers = append(servers, *c)
	}
	failed := map[string]bool{}
	for run := range b.runs {
		for i := range servers {
			c := &servers[i]
			if run%2 == 1 {
				c = &servers[len(servers)-1-i]
			}
			if failed[c.name] || ctx.Err() != nil {
				continue
			}
			m, err := b.once(ctx, sc, c)
			if err != nil {
				failed[c.name] = true
				b.notRun(r, c.name, sc.name, err)
				continue
			}
			r.Runs = append(r.Runs, runResult{Scenario: sc.name, Server: c.name, Run: run, measure: m})
			b.say("%s %d/%d %s: %.4g %s, %.0f/s, p99 %.4g µs, client %.0f %%", sc.name, run+1, b.runs, c.name,
				m.Cost, sc.unit(), m.Rate, m.P99, 100*m.ClientShare)
		}
	}
}

// cannot says why a server has no part in a scenario.
func (c *contender) cannot(sc *scenario) string {
	switch {
	case c.plain && !sc.plain():
		return "has no Socket.IO"
	case (sc.kind == kindObjects || sc.kind == kindHeap) && !c.profiles:
		return "does not tell"
	}
	return c.skip[sc.name]
}

// once starts a server, measures it and ends it.
func (b *bench) once(ctx context.Context, sc *scenario, c *contender) (measure, error) {
	ctx, cancel := context.WithTimeout(ctx, onceTimeout+2*b.length)
	defer cancel()
	s, err := b.start(ctx, c, sc.kind == kindObjects || sc.kind == kindHeap)
	if err != nil {
		return measure{}, err
	}
	defer s.stop()
	if c.name == floor && sc.floorDepth != 0 {
		f := *sc
		f.depth = sc.floorDepth
		sc = &f
	}
	m, err := runners[sc.kind](ctx, b, sc, s)
	if err != nil {
		if said := s.errors.String(); said != "" {
			err = errors.Join(err, errors.New(said))
		}
		return measure{}, err
	}
	return m, nil
}

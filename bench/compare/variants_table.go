package main

import "io"

// writeVariants has every figure of the scenarios that compare variants: beside
// the server as it is, and beside the official one with the same switched on.
func writeVariants(w io.Writer, r *results) {
	put(w, "| scenario | server | cost of one | range | × gannet | × Node | per second | p50 | p99 |\n|---|---|---|---|---|---|---|---|---|\n")
	for i := range r.Scenarios {
		sc := &r.Scenarios[i]
		if !varies(sc.Name) {
			continue
		}
		title := sc.Title
		for _, server := range r.Servers {
			s, ok := r.summary(sc.Name, server.Name)
			if !ok {
				continue
			}
			put(w, "| %s | %s | %s %s%s | %s to %s | %s | %s | %s | %s | %s |\n", title, server.Name,
				figure(s.cost), sc.Unit, bound(&s), figure(s.low), figure(s.high),
				r.ratioText(sc.Name, server.Name, gannet), r.ratioText(sc.Name, server.Name, counterpart(server.Name)),
				orNone(s.rate, ""), orNone(s.p50, " µs"), orNone(s.p99, " µs"))
			title = ""
		}
	}
}

// plain returns r without what compares variants.
func (r *results) plain() *results {
	p := *r
	p.Servers, p.Scenarios, p.NotRun = nil, nil, nil
	for _, s := range r.Servers {
		if !s.Variant {
			p.Servers = append(p.Servers, s)
		}
	}
	for _, s := range r.Scenarios {
		if !varies(s.Name) {
			p.Scenarios = append(p.Scenarios, s)
		}
	}
	for _, n := range r.NotRun {
		if !varies(n.Scenario) {
			p.NotRun = append(p.NotRun, n)
		}
	}
	return &p
}

// varied returns r without what does not compare variants.
func (r *results) varied() *results {
	p := *r
	p.Scenarios, p.NotRun = nil, nil
	for _, s := range r.Scenarios {
		if varies(s.Name) {
			p.Scenarios = append(p.Scenarios, s)
		}
	}
	for _, n := range r.NotRun {
		if varies(n.Scenario) {
			p.NotRun = append(p.NotRun, n)
		}
	}
	return &p
}

// only has a table written of a part of the results.
func only(part func(*results) *results, write func(io.Writer, *results)) func(io.Writer, *results) {
	return func(w io.Writer, r *results) { write(w, part(r)) }
}

package main

import "slices"

// A variant is a server with one thing switched on that its clients notice. It
// takes part only in the scenarios that name it.
type variant uint8

const (
	asItIs     variant = iota
	deflated           // permessage-deflate
	encrypted          // TLS
	packed             // the msgpack parser
	recovering         // connection state recovery
)

// A variation is how a variant is made of a server.
type variation struct {
	variant variant
	name    string // behind that of the server
	title   string // behind that of the server
	set     string // of the testbed's flag -set; empty for a flag of its own
}

var variations = []variation{
	{deflated, "deflate", "`PerMessageDeflate`", "perMessageDeflate=true"},
	{encrypted, "tls", "TLS", ""},
	{packed, "msgpack", "msgpack parser", "parser=msgpack"},
	{recovering, "recovery", "connection state recovery", "connectionStateRecovery={}"},
}

// official is the prefix of the variants of the official server.
const official = "node"

// variants returns all variants of ours and of the official server.
func variants(ours, theirs *contender) []contender {
	var all []contender
	for _, base := range []struct {
		*contender
		prefix string
	}{{ours, gannet}, {theirs, official}} {
		for i := range variations {
			v := &variations[i]
			c := *base.contender
			c.shares, c.variant = base.name, v.variant
			c.name, c.title = base.prefix+"-"+v.name, base.title+", "+v.title
			command := base.command
			c.command = func(dir string) (argv, env []string) {
				argv, env = command(dir)
				if v.set != "" {
					argv = append(argv, "-set", v.set)
				}
				return argv, env
			}
			all = append(all, c)
		}
	}
	return all
}

// withVariants lists ours and the official server, both as they are and with
// one thing switched on.
func withVariants(name string) []string {
	return []string{gannet, gannet + "-" + name, node, official + "-" + name}
}

// counterpart is the official server with the same switched on as in name.
func counterpart(name string) string {
	if name == gannet {
		return node
	}
	for i := range variations {
		if name == gannet+"-"+variations[i].name {
			return official + "-" + variations[i].name
		}
	}
	return ""
}

// takesPart reports whether a server belongs into a scenario.
func (s *scenario) takesPart(c *contender) bool {
	if s.servers == nil {
		return c.variant == asItIs
	}
	return slices.Contains(s.servers, c.name)
}

// expand replaces "variants" among the names of scenarios by those that compare
// variants.
func expand(names []string) []string {
	i := slices.Index(names, "variants")
	if i < 0 {
		return names
	}
	all := slices.Clone(names[:i])
	for k := range scenarios {
		if scenarios[k].servers != nil {
			all = append(all, scenarios[k].name)
		}
	}
	return append(all, names[i+1:]...)
}

// varies reports whether a scenario compares variants.
func varies(name string) bool {
	s := findScenario(name)
	return s != nil && s.servers != nil
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
)

// A config is the command line.
type config struct {
	// Immutable after parseFlags.
	profile       *profile
	addr          string
	path          string
	clientDir     string
	loops         int
	inline        bool
	dropHandshake bool
	hz            float64
	payload       int
	volatile      bool
	conflate      bool
	set           settings
	node          string
	tlsCert       string
	tlsKey        string
	pprof         string
	statsFile     string
	print         func(io.Writer) // set by flags that print something and end

	// Set by run.
	stderr io.Writer
	logger *slog.Logger

	background sync.WaitGroup // goroutines of the profile, which end with its context
}

// A usageError is a mistake on the command line.
type usageError struct{ text string }

// Error implements error.
func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// notLanded are the flags whose capability does not exist yet.
var notLanded = map[string]string{
	"redis": "the Redis adapter",
	"nats":  "the NATS adapter",
}

// limitedFlags are the flags that only some profiles have.
var limitedFlags = []string{"path", "client-dir", "inline", "drop-handshake", "hz", "payload", "volatile", "conflate", "set"}

// parseFlags reads the command line. Errors are a *usageError.
func parseFlags(args []string) (*config, error) {
	c := &config{}
	fs := flag.NewFlagSet("testbed", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var name string
	var list bool
	fs.StringVar(&name, "profile", "", "`NAME` of the profile")
	fs.BoolVar(&list, "list", false, "print the profiles and end")
	fs.StringVar(&c.addr, "addr", "", "`HOST:PORT` to listen on (default 127.0.0.1 and the profile's port)")
	fs.StringVar(&c.path, "path", "", "URL `path` (default the profile's)")
	fs.StringVar(&c.clientDir, "client-dir", "", "`folder` with the browser client, served below the path: dist of the npm package socket.io-client")
	fs.IntVar(&c.loops, "loops", 0, "number of event loops (default one per core)")
	fs.BoolVar(&c.inline, "inline", false, "run handlers on the loop (bench, ticker and the protocol profiles)")
	fs.BoolVar(&c.dropHandshake, "drop-handshake", false, "free each handshake when its connection handlers have returned")
	fs.Float64Var(&c.hz, "hz", 20, "ticks a second (ticker)")
	fs.IntVar(&c.payload, "payload", 100, "`bytes` of a tick's payload (ticker)")
	fs.BoolVar(&c.volatile, "volatile", false, "ticks are volatile (ticker)")
	fs.BoolVar(&c.conflate, "conflate", false, "ticks are conflated: who is behind gets the latest (ticker)")
	fs.Var(&c.set, "set", "`NAME=VALUE` of an option, repeatable (bench and parity)")
	fs.StringVar(&c.node, "node", "", "`name` of this node")
	fs.String("redis", "", "not supported yet: `URL` of a Redis")
	fs.String("nats", "", "not supported yet: `URL` of a NATS server")
	fs.StringVar(&c.tlsCert, "tls-cert", "", "`file` with a certificate in PEM form: serve https and wss")
	fs.StringVar(&c.tlsKey, "tls-key", "", "`file` with its key")
	fs.StringVar(&c.pprof, "pprof", "", "`HOST:PORT` to serve profiles of the process on")
	fs.StringVar(&c.statsFile, "stats-json", "", "`file` for the final counters")

	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		c.print = func(w io.Writer) { fs.SetOutput(w); fs.PrintDefaults() }
		return c, nil
	case err != nil:
		return nil, usagef("%s", strings.ReplaceAll(err.Error(), "\n", " "))
	case fs.NArg() > 0:
		return nil, usagef("unexpected argument %q", fs.Arg(0))
	case list:
		c.print = printProfiles
		return c, nil
	}
	err := c.choose(name)
	if err == nil {
		err = c.check(fs)
	}
	return c, err
}

// choose finds the profile.
func (c *config) choose(name string) error {
	if name == "" {
		return usagef("no -profile given; -list prints them")
	}
	i := slices.IndexFunc(profiles, func(p profile) bool { return p.name == name })
	if i < 0 {
		return usagef("unknown profile %q; -list prints them", name)
	}
	c.profile = &profiles[i]
	return nil
}

// check validates the flags together with the profile.
func (c *config) check(fs *flag.FlagSet) error {
	var err error
	fs.Visit(func(f *flag.Flag) {
		switch {
		case err != nil:
		case notLanded[f.Name] != "":
			err = usagef("-%s: %s is not supported yet", f.Name, notLanded[f.Name])
		case slices.Contains(limitedFlags, f.Name) && !slices.Contains(c.profile.flags, f.Name):
			err = usagef("-%s: profile %s has no such flag", f.Name, c.profile.name)
		}
	})
	switch {
	case err != nil:
		return err
	case c.volatile && c.conflate:
		return usagef("-conflate: has no effect on ticks that are -volatile")
	case c.loops < 0:
		return usagef("-loops %d: must not be negative", c.loops)
	case c.hz <= 0 || c.hz > 1e6:
		return usagef("-hz %v: must be above 0 and at most 1e6", c.hz)
	case (c.tlsCert == "") != (c.tlsKey == ""):
		return usagef("-tls-cert and -tls-key: both or none")
	case c.clientDir != "" && !isFolder(c.clientDir):
		return usagef("-client-dir %s: no such folder", c.clientDir)
	case c.payload < 0 || c.payload > 16<<20:
		return usagef("-payload %d: must be between 0 and 16 MiB", c.payload)
	}
	if c.addr == "" {
		c.addr = c.profile.defaultAddr()
	}
	if _, _, err := net.SplitHostPort(c.addr); err != nil {
		return usagef("-addr %q: want HOST:PORT", c.addr)
	}
	return nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

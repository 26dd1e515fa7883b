package config_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/cmd/gannet/internal/config"
	"github.com/gannet-io/gannet/sio"
)

// load reads settings as the command does. An empty file is none.
func load(t *testing.T, args, environ []string, file string) (*config.Settings, error) {
	t.Helper()
	s := config.New()
	if err := s.Flags.Parse(args); err != nil {
		return nil, err
	}
	if _, err := s.LoadEnv(environ); err != nil {
		return nil, err
	}
	if file != "" {
		path := filepath.Join(t.TempDir(), "g.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.LoadFile(path); err != nil {
			return nil, errors.New(strings.ReplaceAll(err.Error(), path, "g.yaml"))
		}
	}
	return s, s.Config.Validate()
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	const file = "ping-interval: 3s\nping-timeout: 3s\nupgrade-timeout: 3s\naddr: [\":1\", \":2\"]\n"
	env := []string{"GANNET_PING_INTERVAL=2s", "GANNET_PING_TIMEOUT=2s", "GANNET_ADDR=:3,:4", "PATH=/bin"}
	s, err := load(t, []string{"--ping-interval", "1s", "--addr", ":5", "--addr=:6"}, env, file)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Config
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"flag before variable", c.PingInterval, time.Second},
		{"variable before file", c.PingTimeout, 2 * time.Second},
		{"file before default", c.UpgradeTimeout, 3 * time.Second},
		{"default", c.ConnectTimeout, 45 * time.Second},
		{"a list replaces a list", c.Addr, []string{":5", ":6"}},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestListsFromAnywhere(t *testing.T) {
	t.Parallel()
	want := []string{":3", ":4"}
	for name, from := range map[string]struct {
		args, env []string
		file      string
	}{
		"flags":            {args: []string{"--addr", ":3", "--addr", ":4"}},
		"one flag":         {args: []string{"--addr", ":3,:4"}},
		"variable":         {env: []string{"GANNET_ADDR=:3,:4"}},
		"file, flow style": {file: `addr: [":3", ":4"]`},
		"file, lines":      {file: "addr:\n  - :3\n  - \":4\"\n"},
	} {
		s, err := load(t, from.args, from.env, from.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(s.Config.Addr, want) {
			t.Errorf("%s: got %q, want %q", name, s.Config.Addr, want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		env  []string
		file string
		want string // part of the message; empty: no error
	}{
		{name: "unknown flag", args: []string{"--pong"}, want: "unknown flag: --pong"},
		{name: "bad flag", args: []string{"--loops", "many"}, want: "--loops"},
		{name: "unknown variable", env: []string{"GANNET_LOOP=1"}, want: "unknown variable GANNET_LOOP; did you mean GANNET_LOOPS?"},
		{name: "bad variable", env: []string{"GANNET_LOOPS=many"}, want: `GANNET_LOOPS=many: "many": invalid syntax`},
		{name: "empty variable", env: []string{"GANNET_LOOPS="}},
		{name: "variables of Kubernetes", env: []string{"GANNET_SERVICE_HOST=10.0.0.1", "GANNET_PORT=tcp://10.0.0.1:80", "GANNET_PORT_80_TCP=x"}},
		{name: "unknown key", file: "loops: 1\nping: 1s\n", want: `g.yaml:2: unknown key "ping"`},
		{name: "unknown key, misspelt", file: "ping_interval: 1s\n", want: `g.yaml:1: unknown key "ping_interval"; did you mean ping-interval?`},
		{name: "unknown key, overridden", args: []string{"--loops=1"}, file: "loop: 1\n", want: "unknown key"},
		{name: "no setting in a file", file: "config: x\n", want: `unknown key "config"`},
		{name: "key twice", file: "loops: 1\nloops: 2\n", want: "g.yaml:2: loops is there already, in line 1"},
		{name: "bad value", file: "# a comment\n\nloops: many\n", want: `g.yaml:3: loops: "many": invalid syntax`},
		{name: "list for one value", file: "loops: [1, 2]\n", want: "a single value is needed"},
		{name: "map for a value", file: "loops: {a: 1}\n", want: "a single value is needed"},
		{name: "lists in a list", file: "addr: [[1]]\n", want: "a list of single values is needed"},
		{name: "not a map", file: "- a\n", want: "key: value"},
		{name: "two documents", file: "loops: 1\n---\nloops: 2\n", want: "one YAML document"},
		{name: "not YAML", file: "a: b: c\n", want: "yaml"},
		{name: "empty file", file: "# nothing\n"},
		{name: "null", file: "loops:\n"},
		{name: "alias", file: "ping-interval: &t 1s\nping-timeout: *t\n"},

		{name: "no address", args: []string{"--addr="}, want: "addr: there must be at least one"},
		{name: "bad address", args: []string{"--addr=localhost"}, want: "addr: \"localhost\" is not HOST:PORT"},
		{name: "no socket path", args: []string{"--addr=unix:"}, want: "addr:"},
		{name: "bad profile address", args: []string{"--pprof-addr=6060"}, want: "pprof-addr:"},
		{name: "bad path", args: []string{"--path=/a?b"}, want: "path:"},
		{name: "no path", args: []string{"--path=/"}, want: "path:"},
		{name: "bad transport", args: []string{"--transports=carrier-pigeon"}, want: "transports:"},
		{name: "no interval", args: []string{"--ping-interval=0s"}, want: "ping-interval: 0s is too short"},
		{name: "negative loops", args: []string{"--loops=-1"}, want: "loops:"},
		{name: "too many loops", args: []string{"--loops=257"}, want: "loops:"},
		{name: "no buffer", args: []string{"--max-http-buffer-size=0"}, want: "max-http-buffer-size:"},
		{name: "negative drain", args: []string{"--drain-delay=-1s"}, want: "drain-timeout:"},
		{name: "cookies for all", args: []string{"--cors-origin=*", "--cors-credentials"}, want: `cors-credentials: cannot go with the origin "*"`},
		{name: "cookies for nobody", args: []string{"--cors-credentials"}, want: "cors-credentials: needs cors-origin"},
		{name: "cookies for one", args: []string{"--cors-origin=https://a.example", "--cors-credentials"}},
		{name: "bad origin", args: []string{"--cors-origin=example.com"}, want: "cors-origin:"},
		{name: "bad proxy", args: []string{"--trusted-proxy=proxy.example"}, want: "trusted-proxy:"},
		{name: "certificate without key", args: []string{"--tls-cert=x"}, want: "tls-cert: needs tls-key"},
		{name: "key without certificate", args: []string{"--tls-key=x"}, want: "tls-key: needs tls-cert"},
		{name: "no certificate", args: []string{"--tls-cert=x.pem", "--tls-key=y.pem"}, want: "tls-cert: open x.pem: no such file"},
		{name: "no client", args: []string{"--client-dir=."}, want: "client-dir: there is no socket.io.js in \".\""},
		{name: "bad level", args: []string{"--log-level=loud"}, want: "--log-level"},
		{name: "bad format", args: []string{"--log-format=xml"}, want: "log-format:"},
		{name: "bad size", args: []string{"--max-queue=4TB"}, want: "--max-queue"},
		{name: "size of a connection", args: []string{"--max-queue=4GB"}, want: "max-queue: 4000000000 is too large, at most 2147483647 is possible"},
		{name: "size of all connections", args: []string{"--max-total-queue=4GB"}},
		{name: "no limit at all", args: []string{"--max-total-queue=-1"}},
		{name: "negative limit", args: []string{"--max-total-queue=-2"}, want: "max-total-queue: -2 is too small, at least -1 is needed"},
		{name: "no soft limit", args: []string{"--soft-queue=0"}, want: "soft-queue: 0 is too small"},
		{name: "no CONNECT", args: []string{"--max-connect-size=0"}, want: "max-connect-size:"},
		{name: "no attachments", args: []string{"--max-attachments=0"}, want: "max-attachments:"},
		{name: "no namespaces", args: []string{"--max-namespaces=0"}, want: "max-namespaces:"},
		{name: "no rooms", args: []string{"--max-rooms=0"}, want: "max-rooms:"},
		{name: "no workers", args: []string{"--max-workers=0"}, want: "max-workers:"},
		{name: "no events", args: []string{"--max-pending=-1"}, want: "max-pending:"},
		{name: "negative threshold", args: []string{"--http-compression-threshold=-1"}, want: "http-compression-threshold:"},
		{name: "negative threshold of frames", args: []string{"--per-message-deflate-threshold=-1"}, want: "per-message-deflate-threshold:"},
		{name: "no time away", args: []string{"--max-disconnection-duration=0s"}, want: "max-disconnection-duration: 0s is too short"},
		{name: "nothing kept", args: []string{"--max-recovery-bytes=0"}, want: "max-recovery-bytes:"},
		{name: "no time for TLS", args: []string{"--tls-handshake-timeout=0s"}, want: "tls-handshake-timeout:"},
		{name: "bad parser", args: []string{"--parser=protobuf"}, want: `parser: "protobuf" is not json or msgpack`},
		{name: "bad cookie", args: []string{"--cookie=a;b"}, want: `cookie: "a;b" cannot be the name of a cookie`},
		{name: "bad site of a cookie", args: []string{"--cookie-same-site=loose"}, want: `cookie-same-site: "loose" is not lax, strict or none`},
		{name: "cookie for all sites", args: []string{"--cookie=io", "--cookie-same-site=none"}, want: "cookie-same-site: none needs cookie-secure"},
		{name: "encrypted cookie for all sites", args: []string{"--cookie=io", "--cookie-same-site=None", "--cookie-secure"}},
		{name: "age of a cookie", args: []string{"--cookie-max-age=1500ms"}, want: "cookie-max-age: 1.5s is not a whole number of seconds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, tt.args, tt.env, tt.file)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestConfigFileFromVariable(t *testing.T) {
	t.Parallel()
	file, err := config.New().LoadEnv([]string{"GANNET_CONFIG=/etc/gannet.yaml"})
	if err != nil || file != "/etc/gannet.yaml" {
		t.Errorf("got %q, %v", file, err)
	}
}

func TestPrintIsAFile(t *testing.T) {
	t.Parallel()
	args := []string{"--addr=[::1]:80", "--addr=unix:/run/g.sock", "--cors-origin=*", "--max-queue=1e6", "--log-level=debug"}
	s, err := load(t, args, []string{"GANNET_LOOPS=3"}, "path: /ws\n")
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	if err := s.Print(&printed); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"loops: 3 # GANNET_LOOPS\n", "path: /ws # g.yaml, line 1\n", "max-queue: 1000000 # --max-queue\n", "ping-interval: 25s\n"} {
		if !strings.Contains(printed.String(), line) {
			t.Errorf("no line %q in\n%s", line, printed.String())
		}
	}
	again, err := load(t, nil, nil, printed.String())
	if err != nil {
		t.Fatalf("%v in\n%s", err, printed.String())
	}
	if got, want := again.Config, s.Config; !same(got, want) {
		t.Errorf("read again:\n got %+v\nwant %+v", got, want)
	}
}

// same compares the values: an empty list is as good as none.
func same(a, b config.Config) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if x.Field(i).Kind() == reflect.Slice && x.Field(i).Len() == 0 && y.Field(i).Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			return false
		}
	}
	return true
}

func TestOptions(t *testing.T) {
	t.Parallel()
	s, err := load(t, []string{
		"--transports=websocket", "--max-http-buffer-size=64KiB", "--max-conns=5", "--loops=1", "--cors-origin=https://a.example",
		"--trusted-proxy=10.1.2.3/8", "--trusted-proxy=::1", "--log-level=warn", "--addr=unix:/run/g", "--addr=:80",
		"--max-rooms=3", "--max-workers=4", "--max-pending=6", "--soft-queue=7", "--max-total-queue=8GiB", "--tls-handshake-timeout=9s",
		"--connection-state-recovery", "--max-recovery-bytes=11", "--per-message-deflate", "--per-message-deflate-threshold=0",
		"--http-compression-threshold=0",
	}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	o := s.Config.Options()
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"transports", o.Transports, []string{"websocket"}},
		{"buffer", o.MaxHTTPBufferSize, 65536},
		{"conns", o.MaxConns, 5},
		{"loops", o.Loops, 1},
		{"origins", o.CORS.Origins, []string{"https://a.example"}},
		{"proxies", o.TrustedProxies, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
		{"rooms", o.MaxRooms, 3},
		{"workers", o.MaxWorkers, 4},
		{"pending", o.MaxPending, 6},
		{"soft queue", o.SoftQueue, 7},
		{"all queues", o.MaxTotalQueue, int64(8 << 30)},
		{"TLS handshake", o.TLSHandshakeTimeout, 9 * time.Second},
		{"recovery", *o.ConnectionStateRecovery, sio.RecoveryOptions{MaxDisconnectionDuration: 2 * time.Minute, MaxBytes: 11}},
		{"every frame", o.PerMessageDeflate.Threshold, 1},
		{"every response", o.HTTPCompressionThreshold, 1},
		{"level", s.Config.LogLevel, slog.LevelWarn},
		{"listeners", s.Config.Listeners(), []config.Listener{{Network: "unix", Addr: "/run/g"}, {Network: "tcp", Addr: ":80"}}},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// The defaults that are written here are those of the library, so that the
// help tells the truth.
func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	s, err := load(t, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Config.Options().CORS != nil {
		t.Error("other sites may connect by default")
	}
	o := s.Config.Options()
	if _, err := sio.NewServer(o); err != nil {
		t.Error(err)
	}
	if o.PerMessageDeflate != nil || o.ConnectionStateRecovery != nil || o.Cookie != nil || o.AllowEIO3 || o.DisableUpgrades ||
		o.NoTrailingSlash || o.DisableServeClient || o.Parser != sio.ParserJSON || o.HTTPCompressionThreshold != 1024 {
		t.Errorf("not the defaults of the library: %+v", o)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{
		"0": 0, "1000": 1000, "1e6": 1_000_000, "64KiB": 65536, "1.5 MiB": 3 << 19, "2kB": 2000, "1MB": 1_000_000, "7B": 7, "2GB": 2e9, "3GiB": 3 << 30,
	} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: got %d, %v, want %d", text, s, err, want)
		}
	}
	for _, text := range []string{"", "x", "1.5", "1TB", "1e99", "KiB", "0x10KiB?"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %d, want an error", text, s)
		}
	}
	for _, s := range []config.Size{0, 1, 1000, 1024, 4 << 20, 1_000_000} {
		text, _ := s.MarshalText()
		var back config.Size
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%d is written %q and read %d, %v", s, text, back, err)
		}
	}
}

package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// envPrefix begins the variables that are read.
const envPrefix = "GANNET_"

// Settings are a Config together with its flags and where each value is from.
type Settings struct {
	Config Config
	Flags  *pflag.FlagSet

	from map[string]string // by flag name; missing: the flag, or the default
}

// New returns the settings with their defaults. Flags is still to be parsed.
func New() *Settings {
	s := &Settings{Flags: pflag.NewFlagSet("serve", pflag.ContinueOnError), from: map[string]string{}}
	s.Flags.SortFlags = false
	s.register()
	return s
}

// EnvName returns the variable of a setting: GANNET_PING_INTERVAL for
// ping-interval.
func EnvName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// LoadEnv takes the settings that no flag has set from variables of the form
// NAME=value. It returns the value of GANNET_CONFIG.
func (s *Settings) LoadEnv(environ []string) (file string, err error) {
	known := map[string]*pflag.Flag{}
	s.Flags.VisitAll(func(f *pflag.Flag) { known[EnvName(f.Name)] = f })
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		switch f := known[name]; {
		case !strings.HasPrefix(name, envPrefix) || fromKubernetes(name) || value == "":
		case name == envPrefix+"CONFIG":
			file = value
		case f == nil:
			return "", fmt.Errorf("unknown variable %s%s", name, suggest(name, known))
		case f.Changed:
		default:
			if err := f.Value.Set(value); err != nil {
				return "", fmt.Errorf("%s=%s: %w", name, value, plain(err))
			}
			s.set(f, name)
		}
	}
	return file, nil
}

// fromKubernetes tells the variables that Kubernetes makes up for a service
// called gannet.
func fromKubernetes(name string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	return rest == "PORT" || strings.HasPrefix(rest, "PORT_") || strings.HasPrefix(rest, "SERVICE_")
}

// plain leaves out which function of strconv complains.
func plain(err error) error {
	if num, ok := errors.AsType[*strconv.NumError](err); ok {
		return fmt.Errorf("%q: %w", num.Num, num.Err)
	}
	return err
}

// Print writes the settings in force as a file that LoadFile reads, with a
// note behind each that is not the default.
func (s *Settings) Print(w io.Writer) error {
	doc := &yaml.Node{Kind: yaml.MappingNode}
	s.Flags.VisitAll(func(f *pflag.Flag) {
		value := valueNode(f)
		if from := s.from[f.Name]; from != "" {
			value.LineComment = from
		} else if f.Changed {
			value.LineComment = "--" + f.Name
		}
		doc.Content = append(doc.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: f.Name}, value)
	})
	enc := yaml.NewEncoder(w)
	if err := enc.Encode(doc); err != nil {
		return err
	}
	return enc.Close()
}

func (s *Settings) register() {
	f, c := s.Flags, &s.Config
	f.StringSliceVar(&c.Addr, "addr", []string{":3000"}, "`where` to listen: HOST:PORT, :PORT or unix:PATH; may be repeated")
	f.StringVar(&c.Path, "path", "/socket.io", "URL path of the Socket.IO server")
	f.BoolVar(&c.AddTrailingSlash, "add-trailing-slash", true, "add a slash to the path, which is a prefix")
	f.StringVar(&c.TLSCert, "tls-cert", "", "`file` with a certificate and its signers' in PEM form: every address but unix:PATH is https")
	f.StringVar(&c.TLSKey, "tls-key", "", "`file` with its key; SIGHUP reads both again")
	f.StringVar(&c.ClientDir, "client-dir", "", "folder with the browser client: dist of the npm package socket.io-client")
	f.BoolVar(&c.ServeClient, "serve-client", true, "serve the browser client below the path")
	f.BoolVar(&c.StatsPage, "stats", true, "serve the page of server figures at /stats")

	registerProtocol(f, c)
	registerAccess(f, c)
	registerLimits(f, c)

	f.DurationVar(&c.DrainDelay, "drain-delay", 0, "after SIGTERM, go on for this long with /readyz answering 503")
	f.DurationVar(&c.DrainTimeout, "drain-timeout", 10*time.Second, "how long the shutdown may take after that")

	f.TextVar(&c.LogLevel, "log-level", slog.LevelInfo, "`level`: debug, info, warn or error")
	f.StringVar(&c.LogFormat, "log-format", "text", "`format`: text or json")
	f.StringVar(&c.PprofAddr, "pprof-addr", "", "HOST:PORT of a separate listener for net/http/pprof (default: none)")
}

// registerProtocol adds what clients and server say to each other.
func registerProtocol(f *pflag.FlagSet, c *Config) {
	f.StringSliceVar(&c.Transports, "transports", []string{"polling", "websocket"}, "transports that are enabled")
	f.BoolVar(&c.AllowUpgrades, "allow-upgrades", true, "tell clients on polling that they may go over to WebSocket")
	f.BoolVar(&c.AllowEIO3, "allow-eio3", false, "accept clients of Socket.IO 2, whose socket ids let anybody speak for them")
	f.StringVar(&c.Parser, "parser", "json", "what all clients speak: json, or msgpack as socket.io-msgpack-parser does")
	f.StringVar(&c.InitialPacket, "initial-packet", "", "Engine.IO message that every client gets behind the handshake (default: none)")
	f.DurationVar(&c.PingInterval, "ping-interval", 25*time.Second, "time between heartbeats")
	f.DurationVar(&c.PingTimeout, "ping-timeout", 20*time.Second, "how long a client may take to answer a heartbeat")
	f.DurationVar(&c.UpgradeTimeout, "upgrade-timeout", 10*time.Second, "how long an upgrade to WebSocket may take")
	f.DurationVar(&c.ConnectTimeout, "connect-timeout", 45*time.Second, "how long a client may take to join a namespace")
	f.DurationVar(&c.TLSHandshakeTimeout, "tls-handshake-timeout", 10*time.Second, "how long a TLS handshake may take")

	f.BoolVar(&c.PerMessageDeflate, "per-message-deflate", false, "compress on WebSocket, for clients that offer it")
	f.TextVar(&c.PerMessageDeflateThreshold, "per-message-deflate-threshold", Size(1024), "`bytes` from which a message is compressed")
	f.BoolVar(&c.HTTPCompression, "http-compression", true, "compress the responses to polls, for clients that accept it")
	f.TextVar(&c.HTTPCompressionThreshold, "http-compression-threshold", Size(1024), "`bytes` from which a response is compressed")

	f.BoolVar(&c.Recovery, "connection-state-recovery", false, "have clients whose connection was lost for a moment go on where they were")
	f.DurationVar(&c.MaxDisconnectionDuration, "max-disconnection-duration", 2*time.Minute, "how long they may stay away")
	f.TextVar(&c.MaxRecoveryBytes, "max-recovery-bytes", Size(16<<20), "`bytes` that each namespace keeps for them")
}

// registerAccess adds who may connect, and how that is known.
func registerAccess(f *pflag.FlagSet, c *Config) {
	f.StringSliceVar(&c.CORSOrigins, "cors-origin", nil, `other sites that may connect, such as https://example.com, or "*"; may be repeated`)
	f.BoolVar(&c.CORSCredentials, "cors-credentials", false, "let these sites send cookies")
	f.StringSliceVar(&c.TrustedProxies, "trusted-proxy", nil, "proxies that may name the client's address by X-Forwarded-For; may be repeated")
	f.StringVar(&c.Cookie, "cookie", "", "`name` of a cookie that carries the session id, for load balancers (default: none)")
	f.StringVar(&c.CookieSameSite, "cookie-same-site", "lax", "its attribute SameSite: lax, strict or none")
	f.BoolVar(&c.CookieSecure, "cookie-secure", false, "send it over https only")
	f.DurationVar(&c.CookieMaxAge, "cookie-max-age", 0, "how long browsers keep it (default: until they are closed)")
}

// registerLimits adds what clients may make the server hold.
func registerLimits(f *pflag.FlagSet, c *Config) {
	f.IntVar(&c.MaxConns, "max-conns", 0, "most connections at a time (default: the limit of open files less 64)")
	f.IntVar(&c.Loops, "loops", 0, "number of event loops (default: one for each core)")
	f.TextVar(&c.MaxHTTPBufferSize, "max-http-buffer-size", Size(1_000_000), "largest message and POST body, in `bytes`")
	f.TextVar(&c.MaxConnectSize, "max-connect-size", Size(64<<10), "largest CONNECT packet, in `bytes`")
	f.IntVar(&c.MaxAttachments, "max-attachments", 10, "most binary attachments of a packet")
	f.IntVar(&c.MaxNamespaces, "max-namespaces", 1024, "most namespaces that one client may join")
	f.IntVar(&c.MaxRooms, "max-rooms", 65_536, "most rooms of one socket")
	f.IntVar(&c.MaxWorkers, "max-workers", 10_000, "most goroutines that run handlers")
	f.IntVar(&c.MaxPending, "max-pending", 1024, "events of one socket that may wait before it is not read")
	f.TextVar(&c.MaxQueue, "max-queue", Size(4<<20), "`bytes` that may wait for one slow client before it is disconnected")
	f.TextVar(&c.SoftQueue, "soft-queue", Size(64<<10), "`bytes` waiting for a client above which it counts as slow")
	f.TextVar(&c.MaxTotalQueue, "max-total-queue", Size(0), "`bytes` that may wait for all slow clients, -1 for no limit (default: a quarter of the memory)")
	f.DurationVar(&c.WriteTimeout, "write-timeout", 10*time.Second, "how long a client may refuse to take bytes")
}

func (s *Settings) set(f *pflag.Flag, from string) {
	f.Changed = true
	s.from[f.Name] = from
}

func valueNode(f *pflag.Flag) *yaml.Node {
	list, ok := f.Value.(pflag.SliceValue)
	if !ok {
		n := &yaml.Node{Kind: yaml.ScalarNode, Value: f.Value.String()}
		if n.Value == "" {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, v := range list.GetSlice() {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: v})
	}
	return n
}

// suggest names what was probably meant, if anything.
func suggest[T any](name string, known map[string]T) string {
	best, least := "", 3
	for k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance counts the letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(last[j]+change, last[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

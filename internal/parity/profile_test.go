package parity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// milliseconds is a duration as Node's options have it.
type milliseconds float64

func (m milliseconds) duration() time.Duration {
	return time.Duration(float64(m) * float64(time.Millisecond))
}

// A settings is the options that scripts set, by their names in Node.
type settings struct {
	PingInterval      milliseconds    `json:"pingInterval"`
	PingTimeout       milliseconds    `json:"pingTimeout"`
	UpgradeTimeout    milliseconds    `json:"upgradeTimeout"`
	ConnectTimeout    milliseconds    `json:"connectTimeout"`
	MaxHTTPBufferSize int             `json:"maxHttpBufferSize"`
	Transports        []string        `json:"transports"`
	AllowUpgrades     *bool           `json:"allowUpgrades"`
	AddTrailingSlash  *bool           `json:"addTrailingSlash"`
	AllowRequest      bool            `json:"allowRequest"`
	CORS              json.RawMessage `json:"cors"`
	Cookie            json.RawMessage `json:"cookie"`
	InitialPacket     string          `json:"initialPacket"`
	Parser            string          `json:"parser"`
	AllowEIO3         bool            `json:"allowEIO3"`
	Cleanup           bool            `json:"cleanupEmptyChildNamespaces"`
	Recovery          *struct {
		MaxDisconnectionDuration milliseconds `json:"maxDisconnectionDuration"`
		SkipMiddlewares          *bool        `json:"skipMiddlewares"`
	} `json:"connectionStateRecovery"`
}

// options turns NAME=VALUE into the options of a server.
func options(set []string) (*sio.Options, error) {
	fields := map[string]json.RawMessage{}
	for _, item := range set {
		name, value, _ := strings.Cut(item, "=")
		fields[name] = json.RawMessage(value)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var v settings
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	o := &sio.Options{
		PingInterval:      v.PingInterval.duration(),
		PingTimeout:       v.PingTimeout.duration(),
		UpgradeTimeout:    v.UpgradeTimeout.duration(),
		ConnectTimeout:    v.ConnectTimeout.duration(),
		MaxHTTPBufferSize: v.MaxHTTPBufferSize,
		Transports:        v.Transports,
		DisableUpgrades:   v.AllowUpgrades != nil && !*v.AllowUpgrades,
		NoTrailingSlash:   v.AddTrailingSlash != nil && !*v.AddTrailingSlash,
		CORS:              &sio.CORS{Origin: "*"},
		InitialPacket:     v.InitialPacket,
		AllowEIO3:         v.AllowEIO3,

		CleanupEmptyChildNamespaces: v.Cleanup,
	}
	if v.Parser == sio.ParserMsgpack.String() {
		o.Parser = sio.ParserMsgpack
	}
	if v.Cookie != nil {
		if o.Cookie, err = cookieOption(v.Cookie); err != nil {
			return nil, err
		}
	}
	if v.AllowRequest {
		o.AllowRequest = denies
	}
	if r := v.Recovery; r != nil {
		o.ConnectionStateRecovery = &sio.RecoveryOptions{
			MaxDisconnectionDuration: r.MaxDisconnectionDuration.duration(),
			RunMiddlewares:           r.SkipMiddlewares != nil && !*r.SkipMiddlewares,
		}
	}
	if v.CORS != nil {
		o.CORS, err = corsOption(v.CORS)
	}
	return o, err
}

// denies is what the option allowRequest=true stands for.
func denies(r *http.Request) error {
	if q := r.URL.Query(); q.Has("deny") {
		return &sio.Error{Message: q.Get("deny")}
	}
	return nil
}

// cookieOption makes a cookie of true, or of the attributes that Node has.
func cookieOption(raw json.RawMessage) (*sio.Cookie, error) {
	if string(raw) == "true" {
		return &sio.Cookie{}, nil
	}
	var v struct {
		Name, Domain, SameSite string
		MaxAge                 int
		HTTPOnly               *bool `json:"httpOnly"`
		Secure                 bool
		Path                   any
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	c := &sio.Cookie{
		Name: v.Name, Domain: v.Domain, SameSite: v.SameSite, MaxAge: v.MaxAge, Secure: v.Secure,
		DisableHTTPOnly: v.HTTPOnly != nil && !*v.HTTPOnly,
	}
	switch path := v.Path.(type) {
	case string:
		c.Path = path
	case bool:
		c.OmitPath = !path
	}
	return c, nil
}

func corsOption(raw json.RawMessage) (*sio.CORS, error) {
	if string(raw) == "false" {
		return nil, nil //nolint:nilnil // no CORS, as asked for
	}
	var v struct {
		Origin            any
		Methods           []string
		AllowedHeaders    []string
		ExposedHeaders    []string
		Credentials       bool
		MaxAge            int
		PreflightContinue bool
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	c := &sio.CORS{
		Methods: v.Methods, AllowedHeaders: v.AllowedHeaders, ExposedHeaders: v.ExposedHeaders,
		Credentials: v.Credentials, MaxAge: v.MaxAge, PreflightContinue: v.PreflightContinue,
	}
	switch origin := v.Origin.(type) {
	case string:
		c.Origin = origin
	case bool:
		c.ReflectOrigin = origin
	case []any:
		for _, o := range origin {
			c.Origins = append(c.Origins, fmt.Sprint(o))
		}
	}
	return c, nil
}

// useAuth adds the middlewares that do what the auth payload says.
func useAuth(n *sio.Namespace) {
	type auth struct {
		Fail  *string
		Data  json.RawMessage
		Join  []string
		Hello json.RawMessage
	}
	read := func(s *sio.Socket) (a auth) {
		_ = s.Auth(&a) // one of another shape says nothing
		return a
	}
	n.Use(func(s *sio.Socket) error {
		a := read(s)
		if a.Fail == nil {
			return nil
		}
		refusal := &sio.Error{Message: *a.Fail}
		if a.Data != nil {
			refusal.Data = a.Data
		}
		return refusal
	})
	n.Use(func(s *sio.Socket) error { return s.Join(read(s).Join...) })
	n.Use(func(s *sio.Socket) error {
		if a := read(s); a.Hello != nil {
			return s.Emit("from-middleware", a.Hello)
		}
		return nil
	})
}

// greet tells every socket about itself.
func greet(s *sio.Socket) {
	auth := json.RawMessage("{}")
	_ = s.Auth(&auth) // any JSON fits
	rooms := append([]string{}, s.Rooms()...)
	slices.Sort(rooms)
	query := map[string]any{}
	for name, values := range s.Handshake().Query {
		query[name] = values[len(values)-1]
	}
	_ = s.Emit("welcome", struct { // a socket that has gone needs no welcome
		ID           string          `json:"id"`
		Recovered    bool            `json:"recovered"`
		Rooms        []string        `json:"rooms"`
		Auth         json.RawMessage `json:"auth"`
		Query        map[string]any  `json:"query"`
		HeadersCount int             `json:"headersCount"`
	}{s.ID(), s.Recovered(), rooms, auth, query, len(s.Handshake().Headers)})
}

// A command is the argument of the event ctl.
type command struct {
	Op     string
	Event  string
	Args   []json.RawMessage
	Rooms  []string
	Close  bool
	MS     milliseconds
	Target struct {
		From     string
		To       []string
		Volatile bool
		Timeout  milliseconds
	}
}

func (c *command) args() []any {
	var args []any
	for _, raw := range c.Args {
		args = append(args, raw)
	}
	return args
}

// target is what the command is about: its own socket unless it says otherwise.
func (c *command) target(s *sio.Socket) sio.Target {
	t := s.Timeout(0)
	switch {
	case c.Target.From == "server":
		t = s.Namespace().To(c.Target.To...)
	case len(c.Target.To) > 0:
		t = s.To(c.Target.To...)
	}
	if c.Target.Volatile {
		t = t.Volatile()
	}
	if c.Target.Timeout > 0 {
		t = t.Timeout(c.Target.Timeout.duration())
	}
	return t
}

// control does a command and acknowledges it where the client wants that.
func (s *local) control(ctx context.Context, e *sio.Event) error {
	var c command
	if err := e.Decode(&c); err != nil {
		return err
	}
	var answer any = true
	socket := e.Socket()
	switch c.Op {
	case "emit":
		if err := c.target(socket).Emit(c.Event, c.args()...); err != nil && !errors.Is(err, sio.ErrDropped) {
			return err
		}
	case "emitWithAck":
		replies, err := c.target(socket).EmitWithAck(ctx, c.Event, c.args()...)
		answer = responses(replies, err, len(c.Target.To) == 0)
	case "join":
		if err := socket.Join(c.Rooms...); err != nil {
			return err
		}
	case "hang":
		select {
		case <-time.After(c.MS.duration()):
		case <-ctx.Done():
		}
	case "disconnect":
		socket.Disconnect(c.Close)
		return nil
	case "disconnectSockets":
		if err := c.target(socket).Disconnect(c.Close); err != nil {
			return err
		}
	case "log":
		answer = s.takeLog(socket.Namespace().Name())
	case "guard", "unguard":
		s.mu.Lock()
		s.guards[socket.ID()] = c.Op == "guard"
		s.mu.Unlock()
	default:
		return fmt.Errorf("%w: %q", errUnknownOp, c.Op)
	}
	if !e.WantsAck() {
		return nil
	}
	return e.Ack(answer)
}

// takeLog returns what was recorded in a namespace since the last call.
func (s *local) takeLog(namespace string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := append([]any{}, s.log[namespace]...)
	s.log[namespace] = nil
	return log
}

// responses is what emitWithAck acknowledges: the answer of one socket, or a
// list of those that came.
func responses(replies []*sio.Reply, err error, one bool) map[string]any {
	list := []any{}
	for _, r := range replies {
		list = append(list, r.Arg(0))
	}
	switch {
	case err != nil:
		return map[string]any{"error": strings.TrimPrefix(err.Error(), "sio: "), "responses": list}
	case one && len(list) == 1:
		return map[string]any{"responses": list[0]}
	}
	return map[string]any{"responses": list}
}

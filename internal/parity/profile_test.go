package parity_test

import (
	"bytes"
	"encoding/json"
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
	DestroyUpgrade    milliseconds    `json:"destroyUpgradeTimeout"`
	ConnectTimeout    milliseconds    `json:"connectTimeout"`
	MaxHTTPBufferSize int             `json:"maxHttpBufferSize"`
	Transports        []string        `json:"transports"`
	AllowUpgrades     *bool           `json:"allowUpgrades"`
	AddTrailingSlash  *bool           `json:"addTrailingSlash"`
	Path              string          `json:"path"`
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
		Path:              v.Path,
		CORS:              &sio.CORS{Origin: "*"},
		InitialPacket:     v.InitialPacket,
		AllowEIO3:         v.AllowEIO3,

		DestroyUpgradeTimeout: v.DestroyUpgrade.duration(),

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

		OptionsSuccessStatus int
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	c := &sio.CORS{
		Methods: v.Methods, AllowedHeaders: v.AllowedHeaders, ExposedHeaders: v.ExposedHeaders,
		Credentials: v.Credentials, MaxAge: v.MaxAge, PreflightContinue: v.PreflightContinue,
		OptionsSuccessStatus: v.OptionsSuccessStatus,
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

// greet tells every socket about itself, and gives it the data of its user.
func greet(s *sio.Socket) {
	var user struct{ User json.RawMessage }
	if _ = s.Auth(&user); user.User != nil && !s.Recovered() { // one of another shape says nothing
		s.SetData(map[string]any{"user": user.User})
	}
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

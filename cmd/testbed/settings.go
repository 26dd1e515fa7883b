package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// settings are the options of repeated -set NAME=VALUE flags, named as in the
// Node server. Values are JSON, and what is not JSON is a string.
type settings []string

// String implements flag.Value.
func (s *settings) String() string { return strings.Join(*s, " ") }

// Set implements flag.Value.
func (s *settings) Set(v string) error {
	*s = append(*s, v)
	return nil
}

// setters apply one setting each.
var setters = map[string]func(*sio.Options, json.RawMessage) error{
	"path":                    decoded(func(o *sio.Options, v string) { o.Path = v }),
	"addTrailingSlash":        decoded(func(o *sio.Options, v bool) { o.NoTrailingSlash = !v }),
	"serveClient":             decoded(func(o *sio.Options, v bool) { o.DisableServeClient = !v }),
	"allowEIO3":               decoded(func(o *sio.Options, v bool) { o.AllowEIO3 = v }),
	"allowUpgrades":           decoded(func(o *sio.Options, v bool) { o.DisableUpgrades = !v }),
	"transports":              decoded(func(o *sio.Options, v []string) { o.Transports = append([]string{}, v...) }),
	"pingInterval":            milliseconds(func(o *sio.Options) *time.Duration { return &o.PingInterval }),
	"pingTimeout":             milliseconds(func(o *sio.Options) *time.Duration { return &o.PingTimeout }),
	"connectTimeout":          setConnectTimeout,
	"upgradeTimeout":          milliseconds(func(o *sio.Options) *time.Duration { return &o.UpgradeTimeout }),
	"destroyUpgrade":          setDestroyUpgrade,
	"destroyUpgradeTimeout":   milliseconds(func(o *sio.Options) *time.Duration { return &o.DestroyUpgradeTimeout }),
	"maxHttpBufferSize":       setBufferSize,
	"cors":                    setCORS,
	"cookie":                  setCookie,
	"parser":                  setParser,
	"initialPacket":           decoded(func(o *sio.Options, v string) { o.InitialPacket = v }),
	"connectionStateRecovery": setRecovery,
	"httpCompression":         setHTTPCompression,
	"perMessageDeflate":       setDeflate,
	"allowRequest": decoded(func(o *sio.Options, v bool) {
		if o.AllowRequest = nil; v {
			o.AllowRequest = denies
		}
	}),
	"cleanupEmptyChildNamespaces": decoded(func(o *sio.Options, v bool) { o.CleanupEmptyChildNamespaces = v }),
}

// noSettings exist in Node and not here.
var noSettings = map[string]string{
	"adapter":  "not supported yet",
	"wsEngine": "not supported: the WebSockets are the server's own",
}

// falsy are the settings for which null is what false is.
var falsy = []string{"cookie", "cors", "connectionStateRecovery", "httpCompression", "perMessageDeflate"}

// apply sets the options in their order.
func (s *settings) apply(o *sio.Options) error {
	for _, item := range *s {
		name, value, ok := strings.Cut(item, "=")
		if !ok || name == "" {
			return usagef("-set %s: want NAME=VALUE", item)
		}
		raw := json.RawMessage(value)
		if !json.Valid(raw) {
			raw, _ = json.Marshal(value)
		}
		if why := noSettings[name]; why != "" {
			return usagef("-set %s: %s", name, why)
		}
		set := setters[name]
		if set == nil {
			return usagef("-set %s: no such option", name)
		}
		if err := setOne(set, name, o, raw); err != nil {
			return usagef("-set %s: %s is not a value for it: %v", name, value, err)
		}
	}
	return nil
}

// setOne sets an option whose value is JSON.
func setOne(set func(*sio.Options, json.RawMessage) error, name string, o *sio.Options, raw json.RawMessage) error {
	if string(raw) == "null" {
		if !slices.Contains(falsy, name) {
			return errors.New("there is no default to go back to")
		}
		raw = json.RawMessage("false")
	}
	return set(o, raw)
}

// decoded makes a setter of one that takes a T.
func decoded[T any](set func(*sio.Options, T)) func(*sio.Options, json.RawMessage) error {
	return func(o *sio.Options, raw json.RawMessage) error {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		set(o, v)
		return nil
	}
}

// milliseconds makes a setter of a duration. 0, which is at once in Node, is the
// default in sio and therefore none.
func milliseconds(field func(*sio.Options) *time.Duration) func(*sio.Options, json.RawMessage) error {
	return func(o *sio.Options, raw json.RawMessage) error {
		var ms float64
		if err := json.Unmarshal(raw, &ms); err != nil {
			return err
		}
		if ms == 0 {
			return errors.New("at once is not supported")
		}
		*field(o) = time.Duration(ms * float64(time.Millisecond))
		return nil
	}
}

// setConnectTimeout takes 0 for the default, as Node does.
func setConnectTimeout(o *sio.Options, raw json.RawMessage) error {
	if o.ConnectTimeout = 0; string(raw) == "0" {
		return nil
	}
	return milliseconds(func(o *sio.Options) *time.Duration { return &o.ConnectTimeout })(o, raw)
}

// setDestroyUpgrade takes what is done anyway.
func setDestroyUpgrade(_ *sio.Options, raw json.RawMessage) error {
	var destroy bool
	if err := json.Unmarshal(raw, &destroy); err != nil || destroy {
		return err
	}
	return errors.New("an upgrade that nobody takes is always ended")
}

// setRecovery takes an object, true for the defaults, and false for none.
func setRecovery(o *sio.Options, raw json.RawMessage) error {
	var v struct {
		MaxDisconnectionDuration float64 `json:"maxDisconnectionDuration"`
		SkipMiddlewares          *bool   `json:"skipMiddlewares"`
	}
	switch o.ConnectionStateRecovery = nil; string(raw) {
	case "false":
		return nil
	case "true":
		raw = json.RawMessage("{}")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return err
	}
	o.ConnectionStateRecovery = &sio.RecoveryOptions{
		MaxDisconnectionDuration: time.Duration(v.MaxDisconnectionDuration * float64(time.Millisecond)),
		RunMiddlewares:           v.SkipMiddlewares != nil && !*v.SkipMiddlewares,
	}
	return nil
}

// setBufferSize takes 1e6 for the integer that it is.
func setBufferSize(o *sio.Options, raw json.RawMessage) error {
	var n float64
	if err := json.Unmarshal(raw, &n); err != nil {
		return err
	}
	if n < 1 || n != math.Trunc(n) {
		return errors.New("it is a number of bytes")
	}
	o.MaxHTTPBufferSize = int(n)
	return nil
}

// setParser takes the name of a parser.
func setParser(o *sio.Options, raw json.RawMessage) error {
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return err
	}
	for _, p := range []sio.Parser{sio.ParserJSON, sio.ParserMsgpack} {
		if p.String() == name {
			o.Parser = p
			return nil
		}
	}
	return errors.New(`"json" and "msgpack" exist`)
}

// A compressionSetting is what there is of the options of zlib and of ws.
type compressionSetting struct {
	Threshold *int `json:"threshold"`
}

// threshold reads a setting that is true, false or an object. on is false for
// false.
func threshold(raw json.RawMessage) (n int, on bool, err error) {
	var v compressionSetting
	switch string(raw) {
	case "false":
		return 0, false, nil
	case "true":
		return 0, true, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil || v.Threshold == nil {
		return 0, true, err
	}
	return *v.Threshold, true, nil
}

// setHTTPCompression sets the option httpCompression. As in Node every payload is
// compressed if the setting names no threshold.
func setHTTPCompression(o *sio.Options, raw json.RawMessage) error {
	n, on, err := threshold(raw)
	if o.HTTPCompressionThreshold = -1; on {
		o.HTTPCompressionThreshold = max(n, 1)
	}
	return err
}

// setDeflate sets the option perMessageDeflate. As in Node the threshold is 1024
// if the setting names none.
func setDeflate(o *sio.Options, raw json.RawMessage) error {
	n, on, err := threshold(raw)
	if o.PerMessageDeflate = nil; on {
		if n == 0 && bytes.Contains(raw, []byte("threshold")) {
			n = -1
		}
		o.PerMessageDeflate = &sio.PerMessageDeflate{Threshold: n}
	}
	return err
}

// denies is the check of allowRequest=true.
func denies(r *http.Request) error {
	if q := r.URL.Query(); q.Has("deny") {
		return &sio.Error{Message: q.Get("deny")}
	}
	return nil
}

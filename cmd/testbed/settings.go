package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
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
	"connectTimeout":          milliseconds(func(o *sio.Options) *time.Duration { return &o.ConnectTimeout }),
	"upgradeTimeout":          milliseconds(func(o *sio.Options) *time.Duration { return &o.UpgradeTimeout }),
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

// laterSettings exist in Node and not here yet. Where false is what Node does
// without the setting, or what is done here anyway, it is taken.
var laterSettings = map[string]bool{
	"adapter":               false,
	"wsEngine":              false,
	"destroyUpgrade":        false,
	"destroyUpgradeTimeout": false,
}

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
		if mayBeFalse, later := laterSettings[name]; later {
			if mayBeFalse && string(raw) == "false" {
				continue
			}
			return usagef("-set %s: not supported yet", name)
		}
		set := setters[name]
		if set == nil {
			return usagef("-set %s: no such option", name)
		}
		if err := set(o, raw); err != nil {
			return usagef("-set %s: %s is not a value for it: %v", name, value, err)
		}
	}
	return nil
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

// milliseconds makes a setter of a duration. 0 is the default, as it is for
// Node's connectTimeout.
func milliseconds(field func(*sio.Options) *time.Duration) func(*sio.Options, json.RawMessage) error {
	return decoded(func(o *sio.Options, ms float64) { *field(o) = time.Duration(ms * float64(time.Millisecond)) })
}

// setRecovery takes an object, and what Node takes for none.
func setRecovery(o *sio.Options, raw json.RawMessage) error {
	var v *struct {
		MaxDisconnectionDuration float64 `json:"maxDisconnectionDuration"`
		SkipMiddlewares          *bool   `json:"skipMiddlewares"`
	}
	if o.ConnectionStateRecovery = nil; string(raw) == "false" {
		return nil
	}
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
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
	return decoded(func(o *sio.Options, v float64) { o.MaxHTTPBufferSize = int(v) })(o, raw)
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

// setHTTPCompression sets the option httpCompression.
func setHTTPCompression(o *sio.Options, raw json.RawMessage) error {
	n, on, err := threshold(raw)
	switch {
	case !on:
		n = -1
	case string(raw) != "true" && n == 0 && bytes.Contains(raw, []byte("threshold")):
		n = 1 // every payload, where 0 is the default
	}
	o.HTTPCompressionThreshold = n
	return err
}

// setDeflate sets the option perMessageDeflate.
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

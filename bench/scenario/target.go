package scenario

import (
	"cmp"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gannet-io/gannet/bench/load"
)

// Redact returns what may be a URL without the name and the password that it
// may have: all up to the last "@", the scheme excepted.
func Redact(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "", text
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	if ok {
		return scheme + "://" + rest
	}
	return rest
}

// url returns the target.
func (c *Config) url() (*url.URL, error) {
	u, err := url.Parse(c.Target)
	if err != nil || u.Hostname() == "" {
		return nil, bad("target", fmt.Sprintf("want a URL such as http://127.0.0.1:3000, not %q", Redact(c.Target)))
	}
	switch u.Scheme {
	case "http", "ws", "https", "wss":
	default:
		return nil, bad("target", fmt.Sprintf("want http://, https://, ws:// or wss://, not %s://", u.Scheme))
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, bad("target", "want a URL without a query: the setting query takes it")
	}
	return u, nil
}

// shown is the target as results have it: without name and password.
func (c *Config) shown() string {
	u, err := c.url()
	if err != nil {
		return Redact(c.Target)
	}
	u.User = nil
	return u.String()
}

// options returns how the client connects.
func (c *Config) options() (load.Options, error) {
	u, err := c.url()
	if err != nil {
		return load.Options{}, err
	}
	port := "80"
	o := load.Options{
		Path: c.Path, Namespace: c.Namespace, Plain: c.Plain, Deflate: c.Deflate, Msgpack: c.Msgpack,
		Loops: c.Loops, Timeout: c.Timeout, Header: http.Header{},
	}
	if u.Scheme == "https" || u.Scheme == "wss" {
		port = "443"
		o.TLS = &tls.Config{
			ServerName:         u.Hostname(),
			InsecureSkipVerify: c.Insecure, //nolint:gosec // whoever asks for it
		}
	}
	o.Addr = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	if path := u.EscapedPath(); path != "" && path != "/" || c.Plain && path != "" {
		o.Path = path
	}
	if o.Query, err = url.ParseQuery(c.Query); err != nil {
		return o, bad("query", err.Error())
	}
	if c.Auth != "" {
		o.Auth = json.RawMessage(c.Auth)
	}
	for _, h := range c.Headers {
		name, value, _ := strings.Cut(h, ":")
		o.Header.Add(strings.TrimSpace(name), strings.Trim(value, " \t"))
	}
	if c.Cookie != "" {
		o.Header.Add("Cookie", c.Cookie)
	}
	if u.User != nil && o.Header.Get("Authorization") == "" {
		password, _ := u.User.Password()
		o.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	return o, nil
}

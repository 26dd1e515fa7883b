package sio_test

import (
	"errors"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// TestOptionErrors has every reason for which NewServer refuses its Options.
func TestOptionErrors(t *testing.T) {
	t.Parallel()
	const (
		short    = "must be at least 1ms"
		negative = "must not be negative"
		noToken  = `has a value that is not a token: "a b"`
		origin   = "has an empty value or one that no header may hold"
		cookie   = "has a byte that no cookie attribute may hold"
	)
	recovery := func(o sio.RecoveryOptions) sio.Options { return sio.Options{ConnectionStateRecovery: &o} }
	cors := func(c sio.CORS) sio.Options { return sio.Options{CORS: &c} }
	withCookie := func(c sio.Cookie) sio.Options { return sio.Options{Cookie: &c} }
	for _, x := range []struct {
		field, reason string
		o             sio.Options
	}{
		{"PingInterval", short, sio.Options{PingInterval: -time.Second}},
		{"PingTimeout", short, sio.Options{PingTimeout: time.Microsecond}},
		{"UpgradeTimeout", short, sio.Options{UpgradeTimeout: -1}},
		{"DestroyUpgradeTimeout", short, sio.Options{DestroyUpgradeTimeout: time.Microsecond}},
		{"ConnectTimeout", short, sio.Options{ConnectTimeout: -1}},
		{"WriteTimeout", short, sio.Options{WriteTimeout: -1}},
		{"TLSHandshakeTimeout", short, sio.Options{TLSHandshakeTimeout: -1}},

		{"MaxHTTPBufferSize", negative, sio.Options{MaxHTTPBufferSize: -1}},
		{"MaxConnectSize", negative, sio.Options{MaxConnectSize: -1}},
		{"MaxAttachments", negative, sio.Options{MaxAttachments: -1}},
		{"MaxRooms", negative, sio.Options{MaxRooms: -1}},
		{"MaxNamespaces", negative, sio.Options{MaxNamespaces: -1}},
		{"MaxDynamicNamespaces", negative, sio.Options{MaxDynamicNamespaces: -1}},
		{"Loops", negative, sio.Options{Loops: -1}},
		{"Loops", "must be at most 256", sio.Options{Loops: 257}},
		{"MaxConns", negative, sio.Options{MaxConns: -1}},
		{"MaxWorkers", negative, sio.Options{MaxWorkers: -1}},
		{"MaxPending", negative, sio.Options{MaxPending: -1}},
		{"MaxQueue", negative, sio.Options{MaxQueue: -1}},
		{"MaxQueue", "must be at most 2147483647", sio.Options{MaxQueue: math.MaxInt32 + 1}},
		{"SoftQueue", negative, sio.Options{SoftQueue: -1}},

		{"Path", "has a character that no path of a request has", sio.Options{Path: "/a?b"}},
		{"Transports", "must name at least one transport", sio.Options{Transports: []string{}}},
		{"Transports", `unknown transport "webtransport"; "polling" and "websocket" exist`, sio.Options{Transports: []string{"polling", "webtransport"}}},
		{"Parser", "no such parser: Parser(7)", sio.Options{Parser: 7}},
		{"PacketParser", "there is a Parser too: set one of them", sio.Options{PacketParser: &lineParser{}, Parser: sio.ParserMsgpack}},
		{"PacketParser", "does not go together with ConnectionStateRecovery", sio.Options{PacketParser: &lineParser{}, ConnectionStateRecovery: &sio.RecoveryOptions{}}},
		{"ConnectionStateRecovery", "does not go together with Adapter", sio.Options{ConnectionStateRecovery: &sio.RecoveryOptions{}, Adapter: (&hub{}).adapter}},
		{"ConnectionStateRecovery.MaxDisconnectionDuration", short, recovery(sio.RecoveryOptions{MaxDisconnectionDuration: -1})},
		{"ConnectionStateRecovery.MaxBytes", negative, recovery(sio.RecoveryOptions{MaxBytes: -1})},

		{"CORS.Credentials", `cannot go with the origin "*"`, cors(sio.CORS{Origin: "*", Credentials: true})},
		{"CORS.Origin", "cannot go with another field about origins; use Origins", cors(sio.CORS{Origin: "https://a.example", ReflectOrigin: true})},
		{"CORS.Origin", origin, cors(sio.CORS{Origins: []string{""}})},
		{"CORS.OriginPatterns", "has a nil pattern", cors(sio.CORS{OriginPatterns: []*regexp.Regexp{nil}})},
		{"CORS.Methods", noToken, cors(sio.CORS{Methods: []string{"a b"}})},
		{"CORS.AllowedHeaders", noToken, cors(sio.CORS{AllowedHeaders: []string{"a b"}})},
		{"CORS.ExposedHeaders", noToken, cors(sio.CORS{ExposedHeaders: []string{"a b"}})},
		{"CORS.OptionsSuccessStatus", "is not a 2xx status", cors(sio.CORS{OptionsSuccessStatus: http.StatusFound})},

		{"Cookie.Name", "is not a token", withCookie(sio.Cookie{Name: "a;b"})},
		{"Cookie.Path", cookie, withCookie(sio.Cookie{Path: "/;"})},
		{"Cookie.Domain", cookie, withCookie(sio.Cookie{Domain: "a\n"})},
		{"Cookie.Expires", cookie, withCookie(sio.Cookie{Expires: ";"})},
		{"Cookie.SameSite", "is not Lax, Strict or None", withCookie(sio.Cookie{SameSite: "loose"})},
		{"Cookie.Priority", "is not Low, Medium or High", withCookie(sio.Cookie{Priority: "urgent"})},
	} {
		_, err := sio.NewServer(&x.o)
		oe, ok := errors.AsType[*sio.OptionError](err)
		if !ok || oe.Field != x.field || oe.Reason != x.reason {
			t.Errorf("got %v, want an OptionError: %s %s", err, x.field, x.reason)
		} else if text := err.Error(); !strings.Contains(text, x.field) || !strings.Contains(text, x.reason) {
			t.Errorf("%q does not say it all", text)
		}
	}
}

// TestPathOfEverything has a server that takes every request, as Node's does with
// the path "/".
func TestPathOfEverything(t *testing.T) {
	t.Parallel()
	for _, o := range []sio.Options{{Path: "/"}, {Path: "/", NoTrailingSlash: true}} {
		_, addr := newServer(t, &o, nil)
		for _, path := range []string{"/", "/socket.io/", "/a/b"} {
			got := rawHTTP(t, addr, "GET "+path+"?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
			if !strings.Contains(got, "\r\n\r\n0{\"sid\":") {
				t.Errorf("%s: %q", path, got)
			}
		}
	}
}

func TestParserNames(t *testing.T) {
	t.Parallel()
	if sio.ParserJSON.String() != "json" || sio.ParserMsgpack.String() != "msgpack" {
		t.Errorf("the parsers are called %s and %s", sio.ParserJSON, sio.ParserMsgpack)
	}
}

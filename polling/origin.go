package polling

import (
	"bytes"

	"github.com/gannet-io/gannet/internal/http1"
)

// An OriginCheck is the verdict of CheckOrigin.
type OriginCheck uint8

const (
	// OriginSame means that the request comes from the host it goes to, or not
	// from a web page: it has no Origin.
	OriginSame OriginCheck = iota
	// OriginForeign means that the request comes from another site, or from a
	// page without a site (null).
	OriginForeign
	// OriginMalformed means that the value is no origin.
	OriginMalformed
)

// CheckOrigin compares the Origin of a request, nil if there is none, with the
// host that the request went to: the value of Host, or what a trusted proxy
// said in its place. Hosts and ports are compared exactly, letters without
// case, a default port of the origin's scheme left out on both sides. scheme is
// "http" or "https" where it is known for sure because this server ends TLS
// itself, and then compared as well; otherwise it is empty.
//
// It is what protects a server without a CORS configuration: any verdict other
// than OriginSame is answered with the code Forbidden.
func CheckOrigin(host, origin []byte, scheme string) OriginCheck {
	if origin == nil {
		return OriginSame
	}
	if string(origin) == "null" {
		return OriginForeign
	}
	i := bytes.Index(origin, []byte("://"))
	if i <= 0 || !validScheme(origin[:i]) {
		return OriginMalformed
	}
	from, site := origin[:i], origin[i+3:]
	if len(site) == 0 || !http1.ValidHost(site) {
		return OriginMalformed
	}
	if scheme != "" && !bytes.EqualFold(from, []byte(scheme)) {
		return OriginForeign
	}
	port := defaultPort(from)
	if !bytes.EqualFold(trimPort(site, port), trimPort(host, port)) {
		return OriginForeign
	}
	return OriginSame
}

// InvalidOriginBytes reports whether an Origin has a byte that no header may
// have. The reference server answers it with the code Bad request.
func InvalidOriginBytes(origin []byte) bool { return !http1.ValidValue(origin) }

func validScheme(s []byte) bool {
	for i, c := range s {
		letter := (c|0x20) >= 'a' && (c|0x20) <= 'z'
		other := (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return true
}

func defaultPort(scheme []byte) string {
	switch {
	case bytes.EqualFold(scheme, []byte("http")), bytes.EqualFold(scheme, []byte("ws")):
		return ":80"
	case bytes.EqualFold(scheme, []byte("https")), bytes.EqualFold(scheme, []byte("wss")):
		return ":443"
	}
	return ""
}

func trimPort(host []byte, port string) []byte {
	if n := len(host) - len(port); n > 0 && string(host[n:]) == port {
		return host[:n]
	}
	return host
}

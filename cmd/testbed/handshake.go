package main

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gannet-io/gannet/sio"
)

// nodeHandshake shows a handshake with the keys and values that it has in the
// Node server.
func nodeHandshake(s *sio.Socket) map[string]any {
	h := s.Handshake()
	return map[string]any{
		"headers": nodeHeaders(h.Headers),
		"time":    h.TimeString(),
		"address": h.Address.Addr().String(),
		"xdomain": h.XDomain,
		"secure":  h.Secure,
		"issued":  h.Issued.UnixMilli(),
		"url":     h.URL,
		"query":   nodeQuery(h.Query),
		"auth":    authOf(s),
	}
}

// nodeHeaders has the names in lower case, and one string for each.
func nodeHeaders(h http.Header) map[string]any {
	headers := map[string]any{}
	for name, values := range h {
		separator := ", "
		if name == "Cookie" {
			separator = "; "
		}
		headers[strings.ToLower(name)] = strings.Join(values, separator)
	}
	return headers
}

// nodeQuery has a string for a parameter that is given once and a list for
// the others.
func nodeQuery(q url.Values) map[string]any {
	all := map[string]any{}
	for name, values := range q {
		if len(values) == 1 {
			all[name] = values[0]
		} else {
			all[name] = values
		}
	}
	return all
}

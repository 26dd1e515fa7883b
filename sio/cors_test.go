package sio_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/gannet-io/gannet/sio"
)

// TestCORSOfPatternsAndFunctions asks from origins that a pattern, a function
// or a list allows, or does not: responses, errors, preflights and the 101 of a
// WebSocket, which no origin is refused (PARITY 1.9).
func TestCORSOfPatternsAndFunctions(t *testing.T) {
	t.Parallel()
	for name, cors := range map[string]*sio.CORS{
		"pattern":  {OriginPatterns: []*regexp.Regexp{regexp.MustCompile(`^https://[a-z]+\.good\.example$`)}},
		"function": {OriginFunc: func(origin string) bool { return origin == "https://one.good.example" }},
		"mixed":    {Origins: []string{"https://other.example"}, OriginPatterns: []*regexp.Regexp{regexp.MustCompile(`one\.good`)}},
	} {
		_, addr := newServer(t, &sio.Options{CORS: cors}, nil)
		for origin, allowed := range map[string]bool{"https://one.good.example": true, "https://bad.example": false, "": false} {
			want := ""
			if allowed {
				want = origin
			}
			header := http.Header{}
			if origin != "" {
				header.Set("Origin", origin)
			}
			for _, ask := range []struct {
				method, target string
				status         int
			}{
				{"GET", pollURL, 200},
				{"GET", "/socket.io/?EIO=4&transport=tobi", 400},
				{"POST", pollURL, 400},
				{"OPTIONS", pollURL, 204},
			} {
				got := corsAnswer(t, ask.method, "http://"+addr+ask.target, header)
				vary := slices.ContainsFunc(got.Header.Values("Vary"), regexp.MustCompile(`\bOrigin\b`).MatchString)
				if got.StatusCode != ask.status || got.Header.Get("Access-Control-Allow-Origin") != want || !vary {
					t.Errorf("%s, %s %s from %q: %d %v", name, ask.method, ask.target, origin, got.StatusCode, got.Header)
				}
			}
			got := corsAnswer(t, "GET", "http://"+addr+"/socket.io/?EIO=4&transport=websocket", upgradeHeader(header))
			if got.StatusCode != 101 || got.Header.Get("Access-Control-Allow-Origin") != want {
				t.Errorf("%s, WebSocket from %q: %d %v", name, origin, got.StatusCode, got.Header)
			}
		}
	}
}

// corsAnswer returns the head of the response to a request.
func corsAnswer(t *testing.T, method, url string, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return answer{res.StatusCode, res.Header, res.ContentLength}
}

// upgradeHeader adds what makes a request the handshake of a WebSocket.
func upgradeHeader(header http.Header) http.Header {
	header = header.Clone()
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		header.Set(name, value)
	}
	return header
}

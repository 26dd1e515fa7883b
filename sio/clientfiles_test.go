package sio_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gannet-io/gannet/sio"
)

// theClient stands for the browser client.
var theClient = strings.Repeat("function io() { return undefined; }\n", 500)

// A fileResponse is what requestFile got.
type fileResponse struct {
	status int
	header http.Header
	body   string
}

// requestFile sends one request for a file of the client, with headers in pairs.
func requestFile(t *testing.T, method, url string, headers ...string) fileResponse {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fileResponse{res.StatusCode, res.Header, string(b)}
}

func TestClientFileEncodings(t *testing.T) {
	t.Parallel()
	_, addr := newServer(t, &sio.Options{
		ClientFiles: fstest.MapFS{"socket.io.js": {Data: []byte(theClient)}, "socket.io.js.map": {Data: []byte("{}")}},
		CORS:        &sio.CORS{Origin: "https://page.example"},
	}, echoServer)
	url := "http://" + addr + "/socket.io/socket.io.js"
	for accept, want := range map[string]string{
		"":                          "",
		"identity":                  "",
		"zstd":                      "",
		"gzip":                      "gzip",
		"deflate":                   "deflate",
		"br":                        "br",
		"gzip, deflate, br":         "gzip",
		"br, gzip":                  "br",
		"gzip;q=0.5, br;q=0.9":      "br",
		"gzip;q=0, deflate;q=0.001": "deflate",
		"*":                         "br",
		"*, br;q=0":                 "gzip",
		"br;q=0, gzip;q=0":          "",
	} {
		res := requestFile(t, http.MethodGet, url, "Accept-Encoding", accept)
		h := res.header
		if got := h.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: got Content-Encoding %q, want %q", accept, got, want)
		}
		if got := uncoded(t, res.body, h.Get("Content-Encoding")); want != "br" && got != theClient {
			t.Errorf("Accept-Encoding %q: got %d bytes, want %d", accept, len(got), len(theClient))
		}
		if h.Get("ETag") != `"4.8.4"` || h.Get("Cache-Control") != "public, max-age=0" || h.Get("Vary") != "Origin" ||
			h.Get("Access-Control-Allow-Origin") != "https://page.example" || h.Get("Content-Type") != "application/javascript; charset=utf-8" {
			t.Errorf("Accept-Encoding %q: headers %v", accept, h)
		}
		head := requestFile(t, http.MethodHead, url, "Accept-Encoding", accept)
		if head.body != "" || head.header.Get("Content-Encoding") != want || head.header.Get("Content-Length") != strconv.Itoa(len(res.body)) {
			t.Errorf("HEAD, Accept-Encoding %q: %v %q", accept, head.header, head.body)
		}
		for _, tag := range []string{`"4.8.4"`, `W/"4.8.4"`} {
			res := requestFile(t, http.MethodGet, url, "Accept-Encoding", accept, "If-None-Match", tag)
			if res.status != 304 || res.body != "" || res.header.Get("ETag")+res.header.Get("Content-Encoding")+res.header.Get("Cache-Control") != "" {
				t.Errorf("If-None-Match %s: %d %v %q", tag, res.status, res.header, res.body)
			}
		}
	}
	res := requestFile(t, http.MethodGet, url+".map", "Accept-Encoding", "gzip")
	if uncoded(t, res.body, "gzip") != "{}" || res.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("source map: %v %q", res.header, res.body)
	}
	if res := requestFile(t, http.MethodGet, strings.Replace(url, ".js", ".min.js", 1), "If-None-Match", `"4.8.4"`); res.status != 404 {
		t.Errorf("a file that is not there: %d", res.status)
	}
}

// uncoded undoes a coding that the standard library knows.
func uncoded(t *testing.T, body, coding string) string {
	t.Helper()
	r, err := io.Reader(strings.NewReader(body)), error(nil)
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	return b.String()
}

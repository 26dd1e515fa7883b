package polling_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/internal/http1"
	"github.com/gannet-io/gannet/polling"
)

// reference returns the responses of the reference server by name, which
// testdata/reference.js wrote.
func reference(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name, Response string }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	byName := map[string]string{}
	for _, r := range list {
		var b []byte
		for _, c := range r.Response { // one rune per byte
			b = append(b, byte(c))
		}
		byName[r.Name] = string(b)
	}
	return byName
}

var (
	keepAlive     = regexp.MustCompile(`(?m)^Connection: keep-alive\r\n`)
	chunked       = regexp.MustCompile(`(?m)^Transfer-Encoding: chunked\r\n`)
	contentLength = regexp.MustCompile(`(?m)^Content-Length: (\d+)\r\n`)
)

// sameAsReference compares our response with that of the reference server, byte
// for byte but for two things: keep-alive is not announced, and where the
// reference sends a body in chunks we declare its length.
func sameAsReference(t *testing.T, name, want, got string) {
	t.Helper()
	if want == "" {
		t.Errorf("%s: no such reference", name)
		return
	}
	want = keepAlive.ReplaceAllString(want, "")
	head, body, _ := strings.Cut(want, "\r\n\r\n")
	head += "\r\n"
	ourHead, ourBody, _ := strings.Cut(got, "\r\n\r\n")
	ourHead += "\r\n"
	length := contentLength.FindStringSubmatch(ourHead)
	if length == nil {
		t.Errorf("%s: no Content-Length in %q", name, got)
		return
	}
	if chunked.MatchString(head) {
		head = chunked.ReplaceAllString(head, "")
		body = dechunk(t, body)
		ourHead = contentLength.ReplaceAllString(ourHead, "")
		if length[1] != strconv.Itoa(len(body)) {
			t.Errorf("%s: Content-Length %s, want %d", name, length[1], len(body))
		}
	}
	if !contentLength.MatchString(head) { // HEAD
		ourHead = contentLength.ReplaceAllString(ourHead, "")
	}
	if ourHead != head || ourBody != body {
		t.Errorf("%s:\n got %q\nwant %q", name, ourHead+"\r\n"+ourBody, head+"\r\n"+body)
	}
}

func dechunk(t *testing.T, in string) string {
	t.Helper()
	var b http1.Body
	if err := b.Init(&http1.Request{Chunked: true}, -1); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for rest, done := []byte(in), false; !done; {
		data, next, d, err := b.Next(rest)
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		out, rest, done = append(out, data...), next, d
	}
	return string(out)
}

// bodyOf returns the body of a reference response, to answer with the same.
func bodyOf(response string) []byte {
	_, body, _ := strings.Cut(response, "\r\n\r\n")
	return []byte(body)
}

// TestReferenceResponses is PARITY 1.3 and 1.4 against the reference server.
func TestReferenceResponses(t *testing.T) {
	t.Parallel()
	ref := reference(t)
	noXSS := &polling.ResponseOptions{NoXSS: true}
	closing := &polling.ResponseOptions{Close: true}
	star := &polling.ResponseOptions{Extra: []byte("Access-Control-Allow-Origin: *\r\n")}
	custom := "nope € \"q\" \\ \x01\u2028</script>"
	for name, got := range map[string][]byte{
		"handshake":                     polling.AppendPoll(nil, nil, bodyOf(ref["handshake"])),
		"handshake MSIE":                polling.AppendPoll(nil, noXSS, bodyOf(ref["handshake MSIE"])),
		"handshake Trident":             polling.AppendPoll(nil, noXSS, bodyOf(ref["handshake Trident"])),
		"handshake close":               polling.AppendPoll(nil, closing, bodyOf(ref["handshake close"])),
		"handshake HTTP/1.0":            polling.AppendPoll(nil, closing, bodyOf(ref["handshake HTTP/1.0"])),
		"code 0":                        polling.AppendError(nil, eio.CodeUnknownTransport, "", nil),
		"code 0 __proto__":              polling.AppendError(nil, eio.CodeUnknownTransport, "", nil),
		"code 1":                        polling.AppendError(nil, eio.CodeUnknownSID, "", nil),
		"code 2":                        polling.AppendError(nil, eio.CodeBadHandshakeMethod, "", nil),
		"code 2 OPTIONS":                polling.AppendError(nil, eio.CodeBadHandshakeMethod, "", nil),
		"code 2 HEAD":                   polling.AppendError(nil, eio.CodeBadHandshakeMethod, "", &polling.ResponseOptions{HeadOnly: true}),
		"code 3":                        polling.AppendError(nil, eio.CodeBadRequest, "", nil),
		"code 4":                        polling.AppendError(nil, eio.CodeForbidden, custom, nil),
		"code 4 default":                polling.AppendError(nil, eio.CodeForbidden, "", nil),
		"code 5":                        polling.AppendError(nil, eio.CodeUnsupportedVersion, "", nil),
		"post":                          polling.AppendOK(nil, nil),
		"post MSIE":                     polling.AppendOK(nil, noXSS),
		"poll":                          polling.AppendPoll(nil, nil, bodyOf(ref["poll"])),
		"overlap first":                 polling.AppendPoll(nil, nil, []byte("1")),
		"overlap second":                polling.AppendEmpty(nil, 400, nil),
		"octet-stream":                  polling.AppendEmpty(nil, 400, nil),
		"octet-stream with a parameter": polling.AppendOK(nil, nil),
		"poll closed by the client":     polling.AppendPoll(nil, nil, []byte("6")),
		"413":                           polling.AppendEmpty(nil, 413, star),
		"upgrade code 0":                polling.AppendUpgradeError(nil, eio.CodeUnknownTransport.Message()),
		"upgrade code 1":                polling.AppendUpgradeError(nil, eio.CodeUnknownSID.Message()),
		"upgrade code 4":                polling.AppendUpgradeError(nil, custom),
	} {
		sameAsReference(t, name, ref[name], string(got))
	}
}

// TestReferenceCookies is the cookie format of PARITY 1.4.
func TestReferenceCookies(t *testing.T) {
	t.Parallel()
	ref := reference(t)
	cors := []byte("Access-Control-Allow-Origin: http://a.com\r\nVary: Origin\r\n")
	for name, o := range map[string]*polling.CookieOptions{
		"default": nil,
		"empty":   {},
		"strict":  {Name: "sess", OmitPath: true, SameSite: "strict", MaxAge: 100, Secure: true, Domain: "x.com"},
		"bare":    {DisableHTTPOnly: true, OmitSameSite: true},
		"all": {
			Name: "a", Path: "/p", SameSite: "none", MaxAge: 1, Secure: true, Domain: "d",
			Expires: "Wed, 21 Oct 2026 07:28:00 GMT", Partitioned: true, Priority: "high",
		},
	} {
		want := ref["cookie "+name]
		cookie, err := polling.NewCookie(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body := bodyOf(want)
		sid := body[len(`0{"sid":"`):][:20]
		opts := &polling.ResponseOptions{Extra: cors, Behind: cookie.AppendHeader(nil, string(sid))}
		sameAsReference(t, "cookie "+name, want, string(polling.AppendPoll(nil, opts, body)))
	}
}

// corsConfigs are those of testdata/reference.js.
func corsConfigs() map[string]*polling.CORSOptions {
	return map[string]*polling.CORSOptions{
		"star":  {Origin: "*"},
		"empty": nil,
		"list": {
			Origins: []string{"http://a.com"}, OriginPatterns: []*regexp.Regexp{regexp.MustCompile(`b\.com$`)},
			Credentials: true, ExposedHeaders: []string{"X-A", "X-B"}, AllowedHeaders: []string{"X-Q", "X-R"},
			Methods: []string{"GET", "POST"}, MaxAge: 600,
		},
		"fixed":   {Origin: "http://a.com"},
		"reflect": {ReflectOrigin: true, Credentials: true},
		"expose":  {Origin: "http://a.com", ExposedHeaders: []string{"X-A"}},
		"nobody":  {OriginFunc: func(string) bool { return false }},
		"func":    {OriginFunc: func(o string) bool { return o == "http://a.com" }, OptionsSuccessStatus: 200},
		"starmax": {Origin: "*", AllowedHeaders: []string{"X-1"}, MaxAge: -1, ExposedHeaders: []string{"X-A"}},
	}
}

// TestReferenceCORS is PARITY 1.9 and A24 against the reference server: every
// configuration, with no Origin, with ones that match and ones that don't.
func TestReferenceCORS(t *testing.T) {
	t.Parallel()
	ref := reference(t)
	for name, o := range corsConfigs() {
		cors, err := polling.NewCORS(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for from, origin := range map[string]string{"none": "", "a": "http://a.com", "q": "http://q.com", "b": "http://x.b.com"} {
			if name == "func" && from != "a" {
				continue // the reference does nothing at all then; see TestCORSFuncRefusal
			}
			key := "cors " + name + " " + from
			req := request("OPTIONS", "Origin", origin)
			opts := &polling.ResponseOptions{Extra: cors.AppendHeaders(nil, req.Get("Origin"))}
			sameAsReference(t, key+" simple", ref[key+" simple"],
				string(polling.AppendError(nil, eio.CodeUnknownSID, "", opts)))
			sameAsReference(t, key+" bare", ref[key+" bare"], string(cors.AppendPreflight(nil, req, nil)))
			req = request("OPTIONS", "Origin", origin, "Access-Control-Request-Headers", "content-type,x-foo")
			sameAsReference(t, key+" preflight", ref[key+" preflight"], string(cors.AppendPreflight(nil, req, nil)))
		}
	}
}

// request builds a request; headers with an empty value are left out.
func request(method string, headers ...string) *http1.Request {
	req := &http1.Request{Method: []byte(method), Target: []byte("/"), Minor: 1, ContentLength: -1}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			req.Headers = append(req.Headers, http1.Header{Name: []byte(headers[i]), Value: []byte(headers[i+1])})
		}
	}
	return req
}

// TestReferenceIsUsed checks that no reference response is left untested.
func TestReferenceIsUsed(t *testing.T) {
	t.Parallel()
	used := regexp.MustCompile(`^(cors|cookie) `)
	src, err := os.ReadFile("reference_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for name := range reference(t) {
		if !used.MatchString(name) && !bytes.Contains(src, []byte(strconv.Quote(name)+":")) {
			t.Errorf("reference %q is not compared with anything", name)
		}
	}
}

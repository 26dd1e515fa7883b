package http1_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

func TestAppendResponse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		h          http1.ResponseHead
	}{
		{"nothing", "HTTP/1.1 200 OK\r\n\r\n", http1.ResponseHead{Status: 200, ContentLength: -1}},
		{"empty", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", http1.ResponseHead{Status: 204}},
		{"all", "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Type: text/plain\r\nContent-Length: 12\r\nX-XSS-Protection: 0\r\n" +
			"cache-control: no-store\r\nB: 2\r\nConnection: close\r\n\r\n", http1.ResponseHead{
			Status: 200, ContentType: "text/plain", ContentLength: 12, NoXSS: true, NoStore: true, Close: true,
			HTTP10KeepAlive: true, First: []byte("A: 1\r\n"), Extra: []byte("B: 2\r\n"),
		}},
		{
			"keep-alive", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
			http1.ResponseHead{Status: 400, HTTP10KeepAlive: true},
		},
	} {
		if got := string(http1.AppendResponse([]byte("…"), &c.h)); got != "…"+c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, "…"+c.want)
		}
	}
}

func TestAppendFull(t *testing.T) {
	t.Parallel()
	h := &http1.ResponseHead{Status: 413, ContentType: "text/html", ContentLength: -1}
	b := http1.AppendFull(nil, h, []byte("hello"))
	if h.ContentLength != -1 {
		t.Error("AppendFull changed its argument")
	}
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "hello" || res.Status != "413 Payload Too Large" || res.ContentLength != 5 {
		t.Errorf("%q: %v, %q, %v", b, res.Status, body, err)
	}
}

func TestAppendError(t *testing.T) {
	t.Parallel()
	want := "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	if got := string(http1.AppendError(nil, http1.ErrTooManyHeaders)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestStatusText checks that every status that is sent has its phrase: Node's,
// which is net/http's but for these.
func TestStatusText(t *testing.T) {
	t.Parallel()
	ours := map[int]string{413: "Payload Too Large", 414: "URI Too Long"}
	for _, status := range []int{101, 200, 204, 304, 400, 403, 404, 405, 408, 413, 414, 415, 417, 426, 429, 431, 500, 501, 503} {
		want := ours[status]
		if want == "" {
			want = http.StatusText(status)
		}
		if got := http1.StatusText(status); got != want {
			t.Errorf("StatusText(%d) = %q, want %q", status, got, want)
		}
	}
	if got := http1.StatusText(799); got != "Status" {
		t.Errorf("an unknown status: %q", got)
	}
}

func TestContinue(t *testing.T) {
	t.Parallel()
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader([]byte(http1.Continue100))), nil)
	if err != nil || res.StatusCode != 100 {
		t.Fatalf("%v, %v", res, err)
	}
	_ = res.Body.Close()
}

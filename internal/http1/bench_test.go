package http1_test

import (
	"testing"

	"github.com/gannet-io/gannet/internal/http1"
)

const browserGET = "GET /socket.io/?EIO=4&transport=polling&t=PqUzW1x&sid=lAzble3sSqJcoTBjAAAI HTTP/1.1\r\n" +
	"Host: chat.example.com:3000\r\n" +
	"Connection: keep-alive\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36\r\n" +
	"Accept: */*\r\n" +
	"sec-ch-ua: \"Google Chrome\";v=\"141\", \"Not?A_Brand\";v=\"8\", \"Chromium\";v=\"141\"\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"Sec-Fetch-Mode: cors\r\n" +
	"Sec-Fetch-Dest: empty\r\n" +
	"Referer: http://chat.example.com:3000/\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\n" +
	"Cookie: io=lAzble3sSqJcoTBjAAAI; theme=dark\r\n" +
	"\r\n"

func BenchmarkParseBrowserGET(b *testing.B) {
	in := []byte(browserGET)
	var p http1.HeadParser
	var req http1.Request
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := p.Parse(in, nil, &req); err != nil || n != len(in) {
			b.Fatal(n, err)
		}
	}
}

func TestSmoke(t *testing.T) {
	var p http1.HeadParser
	var req http1.Request
	for i := range browserGET {
		n, err := p.Parse([]byte(browserGET[:i]), nil, &req)
		if n != 0 || err != nil {
			t.Fatal(i, n, err)
		}
	}
	n, err := p.Parse([]byte(browserGET), nil, &req)
	if n != len(browserGET) || err != nil || len(req.Headers) != 14 {
		t.Fatal(n, err, len(req.Headers))
	}
	if v, ok := http1.QueryValue(req.Query(), "sid"); !ok || v != "lAzble3sSqJcoTBjAAAI" {
		t.Fatal(v, ok)
	}
	var body http1.Body
	req.Chunked = true
	if err := body.Init(&req, 100); err != nil {
		t.Fatal(err)
	}
	in := []byte("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nFoo: bar\r\n\r\nGET")
	var got []byte
	for {
		data, rest, done, err := body.Next(in)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, data...)
		in = rest
		if done {
			break
		}
	}
	if string(got) != "abcde" || string(in) != "GET" {
		t.Fatalf("%q %q", got, in)
	}
}

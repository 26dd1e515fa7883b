package http1_test

import (
	"bufio"
	"net/http"
	"strings"
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

const upgradeGET = "GET /socket.io/?EIO=4&transport=websocket&sid=lAzble3sSqJcoTBjAAAI HTTP/1.1\r\n" +
	"Host: chat.example.com:3000\r\n" +
	"Connection: Upgrade\r\n" +
	"Pragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\n" +
	"Upgrade: websocket\r\n" +
	"Origin: http://chat.example.com:3000\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" +
	"\r\n"

const browserPOST = "POST /socket.io/?EIO=4&transport=polling&t=PqUzW1y&sid=lAzble3sSqJcoTBjAAAI HTTP/1.1\r\n" +
	"Host: chat.example.com:3000\r\n" +
	"Connection: keep-alive\r\n" +
	"Content-Length: 27\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36\r\n" +
	"Content-type: text/plain;charset=UTF-8\r\n" +
	"Accept: */*\r\n" +
	"Origin: http://chat.example.com:3000\r\n" +
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

func BenchmarkNetHTTPBrowserGET(b *testing.B) {
	in := strings.NewReader(browserGET)
	r := bufio.NewReader(in)
	b.SetBytes(int64(len(browserGET)))
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(browserGET)
		r.Reset(in)
		if _, err := http.ReadRequest(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChunkedBody(b *testing.B) {
	in := []byte(strings.Repeat("40\r\n"+strings.Repeat("x", 64)+"\r\n", 16) + "0\r\n\r\n")
	req := &http1.Request{Chunked: true, ContentLength: -1}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		var body http1.Body
		if err := body.Init(req, 1e6); err != nil {
			b.Fatal(err)
		}
		for rest, done := in, false; !done; {
			var err error
			if _, rest, done, err = body.Next(rest); err != nil {
				b.Fatal(err)
			}
		}
	}
}

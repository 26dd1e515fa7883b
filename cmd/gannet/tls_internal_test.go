package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/internal/testcert"
)

// fetch returns a page over a connection of its own that trusts cert.
func (p *process) fetch(cert *testcert.Cert, path string) (status int, body string) {
	p.t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: cert.Client()}}
	res, err := client.Get(p.url + path)
	if err != nil {
		p.t.Fatalf("GET %s: %v; stderr: %s", path, err, p.stderr)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// TestTLS serves pages and sessions over https, and reads another certificate
// at SIGHUP. One that cannot be used changes nothing.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := testcert.New(t, "first.example"), testcert.New(t, "second.example")
	certFile, keyFile := first.Write(t, dir)
	p := start(t, "--tls-cert", certFile, "--tls-key", keyFile)
	if !strings.HasPrefix(p.url, "https://") {
		t.Errorf("listening on %s", p.url)
	}
	if status, body := p.fetch(first, "/readyz"); status != http.StatusOK || body != "ready\n" {
		t.Errorf("/readyz: %d %q", status, body)
	}
	if status, body := p.fetch(first, "/socket.io/?EIO=4&transport=polling"); status != http.StatusOK || !strings.HasPrefix(body, `0{"sid":`) {
		t.Errorf("a session: %d %q", status, body)
	}
	old, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), first.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()

	second.Write(t, dir)
	p.signal(syscall.SIGHUP)
	p.said("read again")
	p.fetch(second, "/readyz")

	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.said("from before stays")
	p.fetch(second, "/readyz")

	if _, err := io.WriteString(old, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(old); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 OK\r\n") {
		t.Errorf("on the connection from before: %q, %v", got, err)
	}
	p.signal(syscall.SIGTERM)
	if status := p.exit(); status != 0 {
		t.Errorf("exit status %d; stderr: %s", status, p.stderr)
	}
}

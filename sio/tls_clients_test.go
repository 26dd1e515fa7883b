package sio_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gannet-io/gannet/internal/testcert"
	"github.com/gannet-io/gannet/sio"
)

// TestTLSClientCertificates asks clients for a certificate of theirs, on both
// transports: where one is required nobody is served without it, and where it is
// not it is checked if there is one.
func TestTLSClientCertificates(t *testing.T) {
	t.Parallel()
	own, foreign := testcert.New(t, "client.example"), testcert.New(t, "client.example")
	for name, x := range map[string]struct {
		auth tls.ClientAuthType
		none bool // whether clients without a certificate are served
	}{
		"required": {tls.RequireAndVerifyClientCert, false},
		"if given": {tls.VerifyClientCertIfGiven, true},
	} {
		_, addr, _, cert := newTLSServer(t, &sio.Options{TLSConfig: &tls.Config{ClientAuth: x.auth, ClientCAs: own.Pool()}}, echoing)
		for who, c := range map[string]struct {
			cert *testcert.Cert
			ok   bool
		}{"own": {own, true}, "foreign": {foreign, false}, "none": {nil, x.none}} {
			cfg := cert.Client()
			if c.cert != nil {
				pair := c.cert.TLS()
				cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
			}
			if !c.ok {
				req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+addr+pollURL, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				if res, err := httpsClient(t, cfg, 0).Do(req); err == nil {
					_ = res.Body.Close()
					t.Errorf("%s, certificate %s: served over polling", name, who)
				}
				d := ws.Dialer{Timeout: patience, TLSConfig: cfg}
				if conn, _, _, err := d.Dial(t.Context(), "wss://"+addr+"/socket.io/?EIO=4&transport=websocket"); err == nil {
					_ = conn.Close()
					t.Errorf("%s, certificate %s: served over WebSocket", name, who)
				}
				continue
			}
			p := newTLSPollClient(t, addr, cfg)
			p.post("40")
			p.get()
			p.post(`420["echo","hello"]`)
			if got := p.get(); got != `430["hello"]` {
				t.Errorf("%s, certificate %s: got %q", name, who, got)
			}
			w := dialWSS(t, addr, "", cfg)
			w.wantPrefix("0")
			w.send("40")
			w.wantPrefix("40")
			w.wantSilence(`420["echo","hello"]`, `430["hello"]`)
		}
	}
}

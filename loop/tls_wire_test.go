//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/loop"
)

// crypto/tls as a client neither renegotiates nor updates its keys by itself,
// so these tests take its keys and write the records.

const (
	recordHandshake   = 22
	recordApplication = 23
)

// keyLog collects what KeyLogWriter is told.
type keyLog struct{ strings.Builder }

// secret returns what is logged under a label.
func (k *keyLog) secret(t *testing.T, label string) []byte {
	t.Helper()
	for line := range strings.Lines(k.String()) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == label {
			b, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("no %s in the key log", label)
	return nil
}

// A direction seals or opens the records of one side with
// TLS_AES_128_GCM_SHA256 (RFC 8446, 5.2 and 7.3).
type direction struct {
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

func newDirection(t *testing.T, secret []byte) *direction {
	t.Helper()
	d := &direction{secret: secret}
	d.aead = gcm(t, expandLabel(t, secret, "key", 16))
	d.iv = expandLabel(t, secret, "iv", 12)
	return d
}

// next returns the direction after a key update (RFC 8446, 7.2).
func (d *direction) next(t *testing.T) *direction {
	t.Helper()
	return newDirection(t, expandLabel(t, d.secret, "traffic upd", sha256.Size))
}

func (d *direction) nonce() []byte {
	nonce := bytes.Clone(d.iv)
	for i := range 8 {
		nonce[4+i] ^= byte(d.seq >> (56 - 8*i))
	}
	d.seq++
	return nonce
}

func (d *direction) seal(kind byte, p []byte) []byte {
	n := len(p) + 1 + d.aead.Overhead()
	head := []byte{recordApplication, 3, 3, byte(n >> 8), byte(n)}
	return d.aead.Seal(bytes.Clone(head), d.nonce(), append(bytes.Clone(p), kind), head)
}

// open reads one record.
func (d *direction) open(t *testing.T, r io.Reader) (kind byte, p []byte) {
	t.Helper()
	head := mustRead(t, r, 5)
	body := mustRead(t, r, int(binary.BigEndian.Uint16(head[3:])))
	p, err := d.aead.Open(nil, d.nonce(), body, head)
	if err != nil {
		t.Fatalf("record %d of the server: %v", d.seq-1, err)
	}
	return p[len(p)-1], p[:len(p)-1]
}

func gcm(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func expandLabel(t *testing.T, secret []byte, label string, n int) []byte {
	t.Helper()
	label = "tls13 " + label
	info := fmt.Appendf(nil, "%c%c%c%s%c", 0, n, len(label), label, 0)
	out, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// updater completes a TLS 1.3 handshake and returns both directions.
func updater(t *testing.T, addr string, client *tls.Config) (nc *net.TCPConn, out, in *direction) {
	t.Helper()
	var keys keyLog
	nc = dial(t, addr)
	c := shake(t, nc, with(client, func(c *tls.Config) {
		c.KeyLogWriter, c.MinVersion = &keys, tls.VersionTLS13
		c.SessionTicketsDisabled = true
	}))
	if suite := c.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("this machine prefers %s", tls.CipherSuiteName(suite))
	}
	out = newDirection(t, keys.secret(t, "CLIENT_TRAFFIC_SECRET_0"))
	return nc, out, newDirection(t, keys.secret(t, "SERVER_TRAFFIC_SECRET_0"))
}

// keyUpdate is the message that asks for an answer of its kind
// (RFC 8446, 4.6.3).
var keyUpdate = []byte{24, 0, 0, 1, 1}

func TestTLSKeyUpdate(t *testing.T) {
	t.Parallel()
	r := start(t, &loop.Options{Loops: 1}, echo)
	addr, client := listenTLS(t, r, func(c *tls.Config) { c.SessionTicketsDisabled = true })
	nc, out, in := updater(t, addr, client)
	for i := range 50 {
		record := out.seal(recordHandshake, keyUpdate)
		if i%2 == 1 { // a message may come in two records
			out.seq--
			record = append(out.seal(recordHandshake, keyUpdate[:2]), out.seal(recordHandshake, keyUpdate[2:])...)
		}
		out = out.next(t)
		mustWrite(t, nc, record)
		mustWrite(t, nc, out.seal(recordApplication, []byte("new keys")))
		if kind, p := in.open(t, nc); kind != recordHandshake || !bytes.Equal(p[:4], keyUpdate[:4]) {
			t.Fatalf("answered with a record of type %d: %x", kind, p)
		}
		in = in.next(t)
		if kind, p := in.open(t, nc); kind != recordApplication || string(p) != "new keys" {
			t.Fatalf("got a record of type %d: %q", kind, p)
		}
	}
}

// TestTLSKeyUpdateFlood asks for answers and reads none: what waits for it is
// bounded.
func TestTLSKeyUpdateFlood(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{closed: func(_ *loop.Conn, err error) { closed <- err }}
	})
	addr, client := listenTLS(t, r, func(c *tls.Config) { c.SessionTicketsDisabled = true })
	nc, out, _ := updater(t, addr, client)
	for {
		var records []byte
		for range 100 {
			records = append(records, out.seal(recordHandshake, keyUpdate)...)
			out = out.next(t)
			records = append(records, out.seal(recordApplication, []byte("x"))...)
		}
		if _, err := nc.Write(records); err != nil {
			break
		}
	}
	if err := recv(t, closed); err == nil || !strings.Contains(err.Error(), "need answers") {
		t.Errorf("closed with %v", err)
	}
}

// A recorder keeps what the server sends.
type recorder struct {
	net.Conn
	got bytes.Buffer
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.got.Write(p[:n])
	return n, err
}

// notified tells whether the last record is an alert as long as close_notify:
// in TLS 1.3 its type is encrypted, but nothing else here is two bytes long.
func (r *recorder) notified(version uint16) bool {
	var last []byte
	for rest := r.got.Bytes(); len(rest) >= 5; {
		n := min(5+int(binary.BigEndian.Uint16(rest[3:])), len(rest))
		last, rest = rest[:n], rest[n:]
	}
	const alert, tag = 21, 16
	if version == tls.VersionTLS13 {
		return len(last) == 5+2+1+tag
	}
	return len(last) > 0 && last[0] == alert
}

// TestTLSRenegotiation sends a client hello on an established TLS 1.2
// connection. The answer is a fatal alert.
func TestTLSRenegotiation(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	r := start(t, &loop.Options{Loops: 1}, func(*loop.Loop) *hooks {
		return &hooks{closed: func(_ *loop.Conn, err error) { closed <- err }}
	})
	addr, client := listenTLS(t, r, nil)
	var keys keyLog
	rec := &recorder{Conn: dial(t, addr)}
	c := shake(t, rec, with(client, func(c *tls.Config) {
		c.KeyLogWriter, c.MaxVersion = &keys, tls.VersionTLS12
		c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	}))
	const randomAt = 5 + 4 + 2 // behind record header, message header and version
	serverRandom := rec.got.Bytes()[randomAt : randomAt+32]
	clientRandom, err := hex.DecodeString(strings.Fields(keys.String())[1])
	if err != nil {
		t.Fatal(err)
	}
	block := prf12(keys.secret(t, "CLIENT_RANDOM"), "key expansion", append(bytes.Clone(serverRandom), clientRandom...), 2*16+2*4)
	aead, salt := gcm(t, block[:16]), block[32:36]

	hello := clientHello(t)[5:]
	const seq = 1 // 0 was Finished
	explicit := binary.BigEndian.AppendUint64(nil, seq)
	aad := append(binary.BigEndian.AppendUint64(nil, seq), recordHandshake, 3, 3, byte(len(hello)>>8), byte(len(hello)))
	sealed := aead.Seal(explicit, append(bytes.Clone(salt), explicit...), hello, aad)
	mustWrite(t, rec.Conn, append([]byte{recordHandshake, 3, 3, byte(len(sealed) >> 8), byte(len(sealed))}, sealed...))

	_, err = c.Read(make([]byte, 1))
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "remote error" || !strings.Contains(err.Error(), "unexpected message") {
		t.Errorf("answered with %v, want the alert unexpected_message", err)
	}
	if err := recv(t, closed); err == nil || !strings.Contains(err.Error(), "unexpected handshake message") {
		t.Errorf("closed with %v", err)
	}
}

// prf12 is the pseudorandom function of TLS 1.2 (RFC 5246, 5).
func prf12(secret []byte, label string, seed []byte, n int) []byte {
	sum := func(parts ...[]byte) []byte {
		m := hmac.New(sha256.New, secret)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	seed = append([]byte(label), seed...)
	var out []byte
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

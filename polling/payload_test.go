package polling_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/polling"
)

// decode reads a payload and renders what came out of it.
func decode(payload string, budget int) (packets []string, err error) {
	var r polling.Reader
	r.Init([]byte(payload), budget)
	for {
		p, ok, err := r.Next()
		if !ok {
			return packets, err
		}
		kind := ""
		if p.Binary {
			kind = "b"
		}
		packets = append(packets, fmt.Sprintf("%s%s:%s", kind, p.Type, p.Data))
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		row, in string
		want    []string
		err     error
	}{
		{"1.6", "4hello", []string{"message:hello"}, nil},
		{"1.6", "4", []string{"message:"}, nil},
		{"1.6", "0\x1e1\x1e2probe\x1e3\x1e5\x1e6", []string{"open:", "close:", "ping:probe", "pong:", "upgrade:", "noop:"}, nil},
		{"1.6", "4a\x1e4€\x1ebAQID", []string{"message:a", "message:€", "bmessage:\x01\x02\x03"}, nil},
		{
			"1.6", "452-[\"b\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID\x1ebBA==",
			[]string{"message:52-[\"b\",{\"_placeholder\":true,\"num\":0}]", "bmessage:\x01\x02\x03", "bmessage:\x04"},
			nil,
		},
		{"1.6", "b", []string{"bmessage:"}, nil},
		{"1.6", "", nil, polling.ErrEmptyPacket},
		{"1.6", "abc", nil, polling.ErrUnknownPacket},
		{"1.6", "7", nil, polling.ErrUnknownPacket},
		{"1.6", "/", nil, polling.ErrUnknownPacket},
		{"1.6", "\x1e", nil, polling.ErrEmptyPacket},
		{"1.6", "4a\x1e", []string{"message:a"}, polling.ErrEmptyPacket},
		{"1.6", "4a\x1e\x1e4b", []string{"message:a"}, polling.ErrEmptyPacket},
		{"1.6", "4a\x1ex\x1e4b", []string{"message:a"}, polling.ErrUnknownPacket},
		{"1.6", "4a\x1e1\x1e4b", []string{"message:a", "close:", "message:b"}, nil},
		{"A65", "6:4hello", []string{"noop::4hello"}, nil},
		{"A65", "99999999999999999999:4", nil, polling.ErrUnknownPacket},
		{"A65", "-1:4", nil, polling.ErrUnknownPacket},
		{"A66", "bNA==", []string{"bmessage:4"}, nil},
		{"A66", "bNA", []string{"bmessage:4"}, nil},
		{"A66", "bNA=", []string{"bmessage:4"}, nil},
		{"A66", "b_-8", []string{"bmessage:\xff\xef"}, nil},
		{"A66", "b_-_-", []string{"bmessage:\xff\xef\xfe"}, nil},
		{"A66", "b/+/+", []string{"bmessage:\xff\xef\xfe"}, nil},
		{"A66", "b/-_+", []string{"bmessage:\xff\xef\xfe"}, nil},
		{"A66", "bAR==", []string{"bmessage:\x01"}, nil},
		{"A66", "bA", nil, polling.ErrBase64},
		{"A66", "bAQIDA", nil, polling.ErrBase64},
		{"A66", "b=", nil, polling.ErrBase64},
		{"A66", "b====", nil, polling.ErrBase64},
		{"A66", "bA===", nil, polling.ErrBase64},
		{"A66", "bAQI==", nil, polling.ErrBase64},
		{"A66", "bAQID=", nil, polling.ErrBase64},
		{"A66", "bAQ==AQ==", nil, polling.ErrBase64},
		{"A66", "bAQ=A", nil, polling.ErrBase64},
		{"A66", "bAQ D", nil, polling.ErrBase64},
		{"A66, the Java client", "bAQID\r\n", []string{"bmessage:\x01\x02\x03"}, nil},
		{"A66", "bAQ\x00D", nil, polling.ErrBase64},
		{"A66", "bAQé", nil, polling.ErrBase64},
		{"A66", "bA?", nil, polling.ErrBase64},
		{"A66", "4a\x1eb?\x1e4b", []string{"message:a"}, polling.ErrBase64},
		{"1.6", "b4AQID", nil, polling.ErrBase64}, // revision 3 has the type behind the b
	} {
		got, err := decode(c.in, 0)
		if fmt.Sprint(got) != fmt.Sprint(c.want) || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s %q: %q, %v; want %q, %v", c.row, c.in, got, err, c.want, c.err)
		}
	}
}

// TestPayloadBudget is A64: a payload of very many packets ends in an error once
// the budget is spent, and is not refused for a few.
func TestPayloadBudget(t *testing.T) {
	t.Parallel()
	payload := func(n int) string { return strings.TrimSuffix(strings.Repeat("4\x1e", n), "\x1e") }
	for _, c := range []struct {
		n, budget, want int
		err             error
	}{
		{17, 0, 17, nil},
		{polling.MaxPackets, 0, polling.MaxPackets, nil},
		{polling.MaxPackets + 1, 0, polling.MaxPackets, polling.ErrTooManyPackets},
		{500_000, 0, polling.MaxPackets, polling.ErrTooManyPackets},
		{4, 3, 3, polling.ErrTooManyPackets},
		{3, 3, 3, nil},
	} {
		got, err := decode(payload(c.n), c.budget)
		if len(got) != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%d packets, budget %d: %d, %v; want %d, %v", c.n, c.budget, len(got), err, c.want, c.err)
		}
	}
}

// TestReaderAfterError checks that nothing more comes.
func TestReaderAfterError(t *testing.T) {
	t.Parallel()
	var r polling.Reader
	if _, ok, err := r.Next(); ok || err != nil {
		t.Errorf("zero Reader: %v, %v", ok, err)
	}
	r.Init([]byte("x\x1e4a"), 0)
	if _, ok, err := r.Next(); ok || err == nil {
		t.Errorf("unknown packet: %v, %v", ok, err)
	}
	if p, ok, err := r.Next(); ok || err != nil {
		t.Errorf("behind the error: %v, %v, %v", p, ok, err)
	}
}

func TestNextPacket(t *testing.T) {
	t.Parallel()
	pkt, rest, more := polling.NextPacket([]byte("4a\x1e4b"))
	if string(pkt) != "4a" || string(rest) != "4b" || !more || cap(pkt) != 2 {
		t.Errorf("first: %q, %q, %v", pkt, rest, more)
	}
	pkt, rest, more = polling.NextPacket(rest)
	if string(pkt) != "4b" || rest != nil || more {
		t.Errorf("last: %q, %q, %v", pkt, rest, more)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, got, want string
	}{
		{"text", string(polling.AppendPacketText([]byte("x"), eio.Message, []byte("é"))), "x4é"},
		{"noop", string(polling.AppendPacketText(nil, eio.Noop, nil)), "6"},
		{"binary", string(polling.AppendBinaryPacket([]byte("x"), []byte{1, 2, 3})), "xbAQID"},
		{"padded", string(polling.AppendBinaryPacket(nil, []byte{4})), "bBA=="},
		{"both special digits", string(polling.AppendBinaryPacket(nil, []byte{0xff, 0xef, 0xfe})), "b/+/+"},
		{"empty binary", string(polling.AppendBinaryPacket(nil, nil)), "b"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	for n := range 20 {
		if got := len(polling.AppendBinaryPacket(nil, make([]byte, n))); got != polling.BinarySize(n) {
			t.Errorf("BinarySize(%d) = %d, want %d", n, polling.BinarySize(n), got)
		}
	}
}

// TestValidUTF8Text is the row "invalid UTF-8 in POST" of PARITY 1.3.
func TestValidUTF8Text(t *testing.T) {
	t.Parallel()
	good := []byte("4é€😀")
	if got := polling.ValidUTF8Text(good); &got[0] != &good[0] {
		t.Error("valid text was copied")
	}
	bad := []byte("4a\xff\x1e4\xe2\x82\x1e4\xed\xa0\x80")
	keep := string(bad)
	if got := string(polling.ValidUTF8Text(bad)); got != "4a\uFFFD\x1e4\uFFFD\x1e4\uFFFD\uFFFD\uFFFD" {
		t.Errorf("got %q", got)
	}
	if string(bad) != keep {
		t.Error("the input was changed")
	}
}

func TestPayloadErrorText(t *testing.T) {
	t.Parallel()
	if got := polling.ErrBase64.Error(); got != "polling: malformed base64" {
		t.Errorf("got %q", got)
	}
}

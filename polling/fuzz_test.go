package polling_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/polling"
)

// FuzzPayload compares the reader with a model that splits and decodes by means
// of the standard library, and checks that what was read can be written again.
func FuzzPayload(f *testing.F) {
	for _, in := range []string{
		"", "4hello", "4a\x1e4€\x1ebAQID", "b", "bBA", "bBA=", "b_-8\x1e6", "\x1e", "4\x1e", "2probe", "b4AQID", "bAQ==AQ==", "b====",
		"452-[\"b\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID\x1ebBA==", "6:4hello", "abc",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var want []string
		bad := false
		for raw := range strings.SplitSeq(string(in), "\x1e") {
			packet, ok := decodeModel(raw)
			if bad = !ok || len(want) == 50; bad {
				break
			}
			want = append(want, packet)
		}
		var r polling.Reader
		r.Init(bytes.Clone(in), 50)
		var again []byte
		n := 0
		for {
			p, ok, err := r.Next()
			if !ok {
				if (err != nil) != bad || n != len(want) {
					t.Fatalf("%q: %d packets, %v; want %d, bad %v", in, n, err, len(want), bad)
				}
				break
			}
			got := string(rune(p.Type)) + string(p.Data)
			if p.Binary {
				got = "b" + string(p.Data)
			}
			if n >= len(want) || got != want[n] {
				t.Fatalf("%q: packet %d is %q, want %q", in, n, got, want)
			}
			if n > 0 {
				again = append(again, polling.Separator)
			}
			if p.Binary {
				again = polling.AppendBinaryPacket(again, p.Data)
			} else {
				again = polling.AppendPacketText(again, p.Type, p.Data)
			}
			n++
		}
		if n > 0 {
			rewritten(t, again, want)
		}
	})
}

// rewritten checks that a payload this package wrote reads as the same packets.
func rewritten(t *testing.T, payload []byte, want []string) {
	t.Helper()
	for i, raw := range strings.Split(string(payload), "\x1e") {
		if got, ok := decodeModel(raw); !ok || got != want[i] {
			t.Fatalf("written again: %q, want %q", got, want[i])
		}
	}
}

// decodeModel decodes a packet by the words of the decision A66.
func decodeModel(raw string) (string, bool) {
	switch {
	case raw == "":
		return "", false
	case raw[0] >= '0' && raw[0] <= '6':
		return raw, true
	case raw[0] != 'b':
		return "", false
	}
	digits := strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "").Replace(raw[1:])
	bare := strings.TrimRight(digits, "=")
	if pad := len(digits) - len(bare); pad > 0 && (len(bare)%4 == 0 || len(bare)%4+pad > 4) {
		return "", false
	}
	data, err := base64.RawStdEncoding.DecodeString(bare)
	return "b" + string(data), err == nil
}

// FuzzBinary checks that every byte string survives the way out and back.
func FuzzBinary(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte{4, 0xff, 0xef, 0xfe, 0x1e})
	f.Fuzz(func(t *testing.T, data []byte) {
		pkt := polling.AppendBinaryPacket(nil, data)
		if bytes.IndexByte(pkt, polling.Separator) >= 0 {
			t.Fatalf("a separator in %q", pkt)
		}
		typ, got, binary, err := polling.DecodePacket(pkt)
		if err != nil || typ != eio.Message || !binary || !bytes.Equal(got, data) {
			t.Fatalf("%q: %v, %q, %v, %v", pkt, typ, got, binary, err)
		}
	})
}

// FuzzValidUTF8Text checks that packets are replaced one by one as they would be
// together: a separator never becomes part of a replacement.
func FuzzValidUTF8Text(f *testing.F) {
	f.Add([]byte("4a\xff\x1e4\xe2\x82\x1e4\xed\xa0\x80"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var parts []string
		for p := range bytes.SplitSeq(in, []byte{polling.Separator}) {
			parts = append(parts, string(polling.ValidUTF8Text(p)))
		}
		if got, want := string(polling.ValidUTF8Text(in)), strings.Join(parts, "\x1e"); got != want {
			t.Fatalf("ValidUTF8Text(%q) = %q, want %q", in, got, want)
		}
	})
}

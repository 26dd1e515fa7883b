package polling_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/eio"
	"github.com/gannet-io/gannet/polling"
)

// codecs is what testdata/gen_codecs.mjs recorded of the reference server.
type codecs struct {
	Decode []struct {
		In      []byte
		Binary  bool
		Packets []nodePacket
		Error   bool
	}
	Encode []struct {
		Packets       []nodePacket
		Text, Payload []byte
	}
	Posts []struct {
		Body    string
		Payload *string
	}
	Gets []struct{ J, Payload, Body string }

	Encodings []struct {
		Header *string
		Want   string // of gzip and deflate
		Bundle string // of br, gzip and deflate
	}
}

// A nodePacket is a packet as the reference sees it.
type nodePacket struct {
	typ, text string
	data      []byte
	binary    bool
}

func (p *nodePacket) UnmarshalJSON(b []byte) error {
	var parts []*string
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	p.typ = *parts[0]
	if len(parts) == 2 {
		p.text = *parts[1]
		return nil
	}
	p.binary = true
	var err error
	p.data, err = base64.StdEncoding.DecodeString(*parts[2])
	return err
}

func (p *nodePacket) String() string {
	if p.binary {
		return fmt.Sprintf("%s binary %x", p.typ, p.data)
	}
	return fmt.Sprintf("%s text %q", p.typ, p.text)
}

func loadCodecs(tb testing.TB) *codecs {
	tb.Helper()
	b, err := os.ReadFile("testdata/codecs.json")
	if err != nil {
		tb.Fatal(err)
	}
	c := new(codecs)
	if err := json.Unmarshal(b, c); err != nil {
		tb.Fatal(err)
	}
	return c
}

func framingOf(binary bool) polling.Framing {
	if binary {
		return polling.BinaryFraming
	}
	return polling.TextFraming
}

// read3 reads a payload of revision 3 and checks that CheckPayload3 agrees.
func read3(tb testing.TB, in []byte, framing polling.Framing, budget int) (got []string, err error) {
	tb.Helper()
	before := bytes.Clone(in)
	checked := polling.CheckPayload3(in, framing)
	if !bytes.Equal(in, before) {
		tb.Fatalf("CheckPayload3 changed %q", before)
	}
	var r polling.Reader3
	r.Init(in, framing, budget)
	for {
		p, ok, e := r.Next()
		if e != nil {
			if ok {
				tb.Fatalf("%q: a packet and the error %v", before, e)
			}
			if _, again, e := r.Next(); again || e != nil {
				tb.Fatalf("%q: goes on after an error", before)
			}
			err = e
			break
		}
		if !ok {
			break
		}
		n := nodePacket{typ: string(rune(p.Type)), text: string(p.Data), data: p.Data, binary: p.Binary}
		got = append(got, n.String())
		if p.Type == eio.Close {
			break
		}
	}
	if budget == 0 && !errors.Is(err, checked) {
		tb.Fatalf("%q: CheckPayload3 says %v, Reader3 %v", before, checked, err)
	}
	return got, err
}

// stricter3 are payloads in which the reference sees packets and we an error,
// by the number of packets in front of it: lengths that only JavaScript reads,
// lengths that lie, packets without a type, half a character, and base64 that
// is none (row A66).
var stricter3 = map[string]int{
	"1:b": 0, "2:b9": 0, "7:b4AQIDB": 0, "7:b4 !QI=": 0, "9:b4_-8====": 0, "1e0:4": 0, "0x1:4": 0, " 1:4": 0, "+1:4": 0, "2:4😀": 0,
	"\x01\x00\xff": 0, "\x02\x06\xff\x04hello": 0, "\x00\x06\xff4hel": 0, "\x01\x02\xff\x09\x01": 0,
}

// TestDecode3 compares with the reference, PARITY 1.13 and row A65.
func TestDecode3(t *testing.T) {
	t.Parallel()
	for _, v := range loadCodecs(t).Decode {
		var want []string
		for _, p := range v.Packets {
			want = append(want, p.String())
		}
		if n, ok := stricter3[string(v.In)]; ok {
			if want = want[:n]; n == 0 {
				want = nil
			}
			v.Error = true
		}
		got, err := read3(t, v.In, framingOf(v.Binary), 0)
		if !slices.Equal(got, want) || (err != nil) != v.Error {
			t.Errorf("%q, binary %v:\n got %q, %v\nwant %q, error %v", v.In, v.Binary, got, err, want, v.Error)
		}
	}
}

func TestDecode3Errors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in     string
		binary bool
		want   error
	}{
		{"", false, polling.ErrEmptyPayload},
		{"abc", false, polling.ErrLength},
		{"-1:4", false, polling.ErrLength},
		{"12", false, polling.ErrLength},
		{":4", false, polling.ErrLength},
		{strings.Repeat("1", 1_000_000), false, polling.ErrLength},
		{"9999999999:4", false, polling.ErrShort},
		{"3:4€", false, polling.ErrShort},
		{"2:4😀", false, polling.ErrSplitRune},
		{"1:7", false, polling.ErrUnknownPacket},
		{"1:b", false, polling.ErrUnknownPacket},
		{"5:b4A!=", false, polling.ErrBase64},
		{"1:2" + strings.Repeat("0:", polling.MaxPackets), false, polling.ErrTooManyPackets},
		{strings.Repeat("1:6", polling.MaxPackets+1), false, polling.ErrTooManyPackets},
		{"\x02\x01\xff4", true, polling.ErrMarker},
		{"\x00\xff", true, polling.ErrLength},
		{"\x00\x0a\xff4", true, polling.ErrLength},
		{"\x00" + strings.Repeat("\x01", 1_000_000), true, polling.ErrLength},
		{"\x00\x01", true, polling.ErrLength},
		{"\x01\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4", true, polling.ErrShort},
		{"\x00\x00\xff", true, polling.ErrEmptyPacket},
		{"\x01\x00\xff", true, polling.ErrEmptyPacket},
		{"\x00\x02\xff4\xff", true, polling.ErrText},
		{"\x01\x01\xff4", true, polling.ErrUnknownPacket},
	} {
		if _, err := read3(t, []byte(tt.in), framingOf(tt.binary), 0); !errors.Is(err, tt.want) {
			t.Errorf("%.40q, binary %v: got %v, want %v", tt.in, tt.binary, err, tt.want)
		}
	}
}

func TestEncode3(t *testing.T) {
	t.Parallel()
	for _, v := range loadCodecs(t).Encode {
		binary := slices.ContainsFunc(v.Packets, func(p nodePacket) bool { return p.binary })
		for _, f := range []struct {
			framing polling.Framing
			want    []byte
		}{{polling.TextFraming, v.Text}, {framingOf(binary), v.Payload}} {
			got, size := []byte(nil), 0
			for _, p := range v.Packets {
				if p.binary {
					got = polling.AppendBinary3(got, p.data, f.framing)
					size += polling.BinarySize3(len(p.data), f.framing)
				} else {
					pkt := []byte(p.typ + p.text)
					got = polling.AppendText3(got, pkt, f.framing)
					size += polling.TextSize3(pkt, f.framing)
				}
			}
			if len(v.Packets) == 0 {
				got, size = []byte(polling.EmptyPayload3), len(polling.EmptyPayload3)
			}
			if !bytes.Equal(got, f.want) || size != len(got) {
				t.Errorf("%v, framing %d, size %d\n got %q\nwant %q", v.Packets, f.framing, size, got, f.want)
			}
		}
	}
}

// TestVectors3 are the samples of PARITY section 9.
func TestVectors3(t *testing.T) {
	t.Parallel()
	header := `451-["b",{"_placeholder":true,"num":0},"é€"]`
	text := polling.AppendBinary3(polling.AppendText3(nil, []byte(header), polling.TextFraming), []byte{1, 2, 3}, polling.TextFraming)
	if want := "44:" + header + "6:b4AQID"; string(text) != want {
		t.Errorf("with b64: %q, want %q", text, want)
	}
	binary := polling.AppendBinary3(polling.AppendText3(nil, []byte(header), polling.BinaryFraming), []byte{1, 2, 3}, polling.BinaryFraming)
	if want := "\x00\x04\x07\xff" + header + "\x01\x04\xff\x04\x01\x02\x03"; string(binary) != want {
		t.Errorf("without b64: %q, want %q", binary, want)
	}
	if got := append(polling.AppendBinaryType3(nil), 1, 2, 3); string(got) != "\x04\x01\x02\x03" {
		t.Errorf("on a WebSocket: %x", got)
	}
	if got := polling.AppendBinaryPacket3(nil, []byte{1, 2, 3}); string(got) != "b4AQID" {
		t.Errorf("on a WebSocket with b64: %q", got)
	}
}

func TestDecodePacket3(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, data string
		typ      eio.PacketType
		binary   bool
		err      error
	}{
		{"2probe", "probe", eio.Ping, false, nil},
		{"4", "", eio.Message, false, nil},
		{"b4AQID", "\x01\x02\x03", eio.Message, true, nil},
		{"", "", 0, false, polling.ErrEmptyPacket},
		{"b", "", 0, false, polling.ErrUnknownPacket},
		{"bAQID", "", 0, false, polling.ErrUnknownPacket},
		{"b4A", "", 0, false, polling.ErrBase64},
		{"\x04abc", "", 0, false, polling.ErrUnknownPacket},
	} {
		typ, data, binary, err := polling.DecodePacket3([]byte(tt.in))
		if !errors.Is(err, tt.err) || err == nil && (typ != tt.typ || string(data) != tt.data || binary != tt.binary) {
			t.Errorf("%q: %v %q %v %v", tt.in, typ, data, binary, err)
		}
	}
	if typ, data, err := polling.DecodeBinaryPacket3([]byte("\x04ab")); typ != eio.Message || string(data) != "ab" || err != nil {
		t.Errorf("binary: %v %q %v", typ, data, err)
	}
	for _, in := range []string{"", "\x07", "4"} {
		if _, _, err := polling.DecodeBinaryPacket3([]byte(in)); err == nil {
			t.Errorf("binary %q was accepted", in)
		}
	}
}

func TestCheckPost3(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header, value string
		framing       polling.Framing
		status        int
	}{
		{"Content-Type", "text/plain;charset=UTF-8", polling.TextFraming, 0},
		{"Content-Type", "application/octet-stream", polling.BinaryFraming, 0},
		{"Content-Type", "application/octet-stream; x=1", polling.TextFraming, 0},
		{"Content-Encoding", "gzip", polling.TextFraming, 415},
		{"Content-Encoding", "identity", polling.TextFraming, 0},
	} {
		if f, s := polling.CheckPost3(request("POST", tt.header, tt.value)); f != tt.framing || s != tt.status {
			t.Errorf("%s: %s: framing %d, status %d", tt.header, tt.value, f, s)
		}
	}
}

package packet_test

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/packet"
)

// vectors is what testdata/gen_vectors.mjs has recorded of the official parser.
type vectors struct {
	Parser  string
	Decode  []decodeVector
	Damaged [][]any
	Encode  []encodeVector
	Doubles [][2]string
}

type decodeVector struct {
	Name    string
	In      []any
	Packets []nodePacket
	Error   string
	At      int
}

type nodePacket struct {
	Type int
	Nsp  string
	ID   *string
	Data *string
}

type encodeVector struct {
	Name   string
	Packet struct {
		Type int
		Nsp  string
		ID   *int64
		Data any
	}
	Text   string
	Binary []string
}

func loadVectors(tb testing.TB) *vectors {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "node_vectors.json"))
	if err != nil {
		tb.Fatal(err)
	}
	v := &vectors{}
	if err := json.Unmarshal(b, v); err != nil {
		tb.Fatal(err)
	}
	if v.Parser != "4.2.7" || len(v.Decode) < 280 || len(v.Damaged) < 3500 || len(v.Encode) < 70 {
		tb.Fatalf("vectors of parser %q: %d, %d, %d", v.Parser, len(v.Decode), len(v.Damaged), len(v.Encode))
	}
	return v
}

// receiver does with Parse and Assembler what a connection does.
type receiver struct {
	p   packet.Packet
	asm packet.Assembler
	got []nodePacket
	err error // why the content of an accepted packet does not decode
}

func (r *receiver) add(tb testing.TB, m any) error {
	tb.Helper()
	if s, ok := m.(string); ok {
		if r.asm.Active() {
			return packet.ErrUnexpectedText
		}
		if err := packet.Parse([]byte(s), nil, &r.p); err != nil {
			return err
		}
		if r.p.Type == packet.BinaryEvent || r.p.Type == packet.BinaryAck {
			r.asm.Start(&r.p)
			return nil
		}
		r.deliver(tb, &r.p, nil)
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(m.(map[string]any)["$bin"].(string))
	if err != nil {
		tb.Fatal(err)
	}
	done, err := r.asm.Add(b)
	if done {
		r.deliver(tb, r.asm.Packet(), r.asm.Attachments())
	}
	return err
}

func (r *receiver) deliver(tb testing.TB, p *packet.Packet, atts [][]byte) {
	tb.Helper()
	var n nodePacket
	n, r.err = canonicalPacket(tb, p, atts)
	r.got = append(r.got, n)
}

func canonicalPacket(tb testing.TB, p *packet.Packet, atts [][]byte) (nodePacket, error) {
	tb.Helper()
	n := nodePacket{Type: int(p.Type), Nsp: string(p.Namespace)}
	if p.HasID {
		id := strconv.FormatUint(p.ID, 10)
		if p.BigID != "" {
			id = p.BigID
		}
		n.ID = &id
	}
	if p.Data == nil {
		return n, nil
	}
	raws := p.Args
	if p.Type == packet.Connect || p.Type == packet.ConnectError {
		raws = [][]byte{p.Data}
	}
	values := make([]any, len(raws))
	for i, raw := range raws {
		if err := jsonx.Decode(raw, atts, nil, &values[i]); err != nil {
			return n, err
		}
		values[i] = showBinary(values[i])
	}
	var whole any = values
	if p.Type == packet.Connect || p.Type == packet.ConnectError {
		whole = values[0]
	}
	out, err := jsonx.AppendValue(nil, whole, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	s := string(out)
	n.Data = &s
	return n, nil
}

func showBinary(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{"$bin": base64.StdEncoding.EncodeToString(v)}
	case []any:
		for i := range v {
			v[i] = showBinary(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = showBinary(v[k])
		}
	}
	return v
}

var (
	attachmentText = regexp.MustCompile(`^[56]([^-]*)-`)
	idText         = regexp.MustCompile(`^(?:[56][0-9]+-|[0-4])(?:/[^,]*,)?[0-9]*\s`)
	controlText    = regexp.MustCompile(`^(?:[56][0-9]+-|[0-4])/[^,]*[\x00-\x1f]`)
	longText       = regexp.MustCompile(`^0/n{300}$|^2\["e{300}"\]$`)
	fractionText   = regexp.MustCompile(`"num":0\.5`)
	droppedText    = regexp.MustCompile(`"k":\{"_placeholder":true,"num":9\},"k":1`)
)

// stricter says why a packet that Node accepts is refused here, "" meaning
// that it must not be.
func stricter(in string) string {
	switch m := attachmentText.FindStringSubmatch(in); {
	case in == "" || in[0] < '0' || in[0] > '6':
		return "blank type"
	case len(m) > 1 && strings.Trim(m[1], "0123456789") != "":
		return "count of attachments as loose number"
	case idText.MatchString(in):
		return "blank in front of the payload"
	case controlText.MatchString(in):
		return "control character in the namespace"
	case longText.MatchString(in):
		return "long name"
	case strings.Count(in, "[")+strings.Count(in, `{"a":`) > 128:
		return "depth"
	case fractionText.MatchString(in):
		return "placeholder with a fraction"
	case droppedText.MatchString(in):
		return "illegal placeholder that a later key hides"
	}
	return ""
}

func samePacket(a, b nodePacket) bool {
	same := func(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	return a.Type == b.Type && a.Nsp == b.Nsp && same(a.ID, b.ID) && same(a.Data, b.Data)
}

func show(p nodePacket) string {
	b, _ := json.Marshal(p)
	return string(b)
}

// loneSurrogate is how Node prints half a pair, which no Go string can hold.
var loneSurrogate = regexp.MustCompile(`\\ud[89a-f][0-9a-f]{2}`)

func TestNodeDecode(t *testing.T) {
	t.Parallel()
	reasons := map[string]int{}
	for _, v := range loadVectors(t).Decode {
		r := &receiver{}
		var err error
		at := 0
		for i, m := range v.In {
			if err = r.add(t, m); err != nil {
				at = i
				break
			}
		}
		first, _ := v.In[0].(string)
		switch {
		case err != nil && v.Error == "":
			if why := stricter(first); why != "" {
				reasons[why]++
			} else {
				t.Errorf("%s: %q: %v, Node accepts it", v.Name, v.In, err)
			}
			continue
		case (err != nil) != (v.Error != "") || at != v.At:
			t.Errorf("%s: %q: error %v at %d, want %q at %d", v.Name, v.In, err, at, v.Error, v.At)
			continue
		case r.err != nil:
			// A number beyond a double is Infinity in Node, null once printed.
			if !strings.Contains(first, "e400") {
				t.Errorf("%s: %q: %v", v.Name, v.In, r.err)
			}
			reasons["number out of range"]++
			continue
		}
		if len(r.got) != len(v.Packets) {
			t.Errorf("%s: %q: %d packets, want %d", v.Name, v.In, len(r.got), len(v.Packets))
			continue
		}
		for i, want := range v.Packets {
			if want.Data != nil {
				*want.Data = loneSurrogate.ReplaceAllString(*want.Data, "\uFFFD")
			}
			if !samePacket(r.got[i], want) {
				t.Errorf("%s: %q:\n got %s\nwant %s", v.Name, v.In, show(r.got[i]), show(want))
			}
		}
	}
	for _, why := range []string{
		"blank type", "blank in front of the payload", "long name", "depth", "placeholder with a fraction",
		"illegal placeholder that a later key hides", "number out of range",
	} {
		if reasons[why] == 0 {
			t.Errorf("no vector shows the deviation %q", why)
		}
		delete(reasons, why)
	}
	if len(reasons) != 0 {
		t.Errorf("deviations %v", reasons)
	}
}

func TestNodeDamaged(t *testing.T) {
	t.Parallel()
	reasons := map[string]int{}
	accepted := 0
	for _, v := range loadVectors(t).Damaged {
		in := v[0].(string)
		var p packet.Packet
		err := packet.Parse([]byte(in), nil, &p)
		if len(v) == 1 {
			if err == nil {
				t.Errorf("%q is accepted, Node refuses it", in)
			}
			continue
		}
		if err != nil {
			why := stricter(in)
			if why == "" {
				t.Errorf("%q: %v, Node accepts it", in, err)
			}
			reasons[why]++
			continue
		}
		accepted++
		if v[1] == "pending" {
			if p.Type < packet.BinaryEvent {
				t.Errorf("%q: type %v, Node awaits attachments", in, p.Type)
			}
			continue
		}
		want := nodePacket{Type: int(v[1].(float64)), Nsp: v[2].(string)}
		if s, ok := v[3].(string); ok {
			want.ID = &s
		}
		if len(v) > 4 && v[4] != nil {
			s := v[4].(string)
			want.Data = &s
		}
		got, err := canonicalPacket(t, &p, nil)
		if err != nil || !samePacket(got, want) {
			t.Errorf("%q: %v\n got %s\nwant %s", in, err, show(got), show(want))
		}
	}
	if accepted < 500 {
		t.Errorf("only %d damaged packets are still good", accepted)
	}
	if want := 4; len(reasons) != want {
		t.Errorf("deviations %v, want %d kinds", reasons, want)
	}
}

// revive builds the Go value of what the generator calls a tagged value.
func revive(tb testing.TB, v any) any {
	tb.Helper()
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = revive(tb, v[i])
		}
		return out
	case map[string]any:
		if s, ok := v["$bin"].(string); ok {
			b, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				tb.Fatal(err)
			}
			return b
		}
		if s, ok := v["$num"].(string); ok {
			f, err := strconv.ParseFloat(s, 64)
			if err != nil {
				tb.Fatal(err)
			}
			return f
		}
		if ms, ok := v["$date"].(float64); ok {
			return time.UnixMilli(int64(ms)).In(time.FixedZone("", 5400))
		}
		if v["$undef"] == true {
			return nil
		}
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = revive(tb, v[k])
		}
		return out
	default:
		return v
	}
}

func TestNodeEncode(t *testing.T) {
	t.Parallel()
	for _, v := range loadVectors(t).Encode {
		got, atts := encodeLikeNode(t, &v)
		if string(got) != v.Text {
			t.Errorf("%s:\n got %s\nwant %s", v.Name, got, v.Text)
		}
		if len(atts) != len(v.Binary) {
			t.Errorf("%s: %d attachments, want %d", v.Name, len(atts), len(v.Binary))
			continue
		}
		for i, att := range atts {
			if s := base64.StdEncoding.EncodeToString(att); s != v.Binary[i] {
				t.Errorf("%s: attachment %d is %s, want %s", v.Name, i, s, v.Binary[i])
			}
		}
	}
}

func encodeLikeNode(tb testing.TB, v *encodeVector) (out []byte, atts [][]byte) {
	tb.Helper()
	data := revive(tb, v.Packet.Data)
	list, _ := data.([]any)
	fields, _ := data.(map[string]any)
	nsp := v.Packet.Nsp
	var err error
	switch packet.Type(v.Packet.Type) {
	case packet.Event:
		id := int64(-1)
		if v.Packet.ID != nil {
			id = *v.Packet.ID
		}
		out, atts, err = packet.AppendEvent(nil, nsp, id, list[0].(string), list[1:], nil, nil)
	case packet.Ack:
		out, atts, err = packet.AppendAck(nil, nsp, uint64(*v.Packet.ID), "", list, nil, nil)
	case packet.Connect:
		sid, _ := fields["sid"].(string)
		pid, _ := fields["pid"].(string)
		out = packet.AppendConnect(nil, nsp, sid, pid)
	case packet.ConnectError:
		if s, ok := data.(string); ok {
			out, err = packet.AppendLegacyConnectError(nil, nsp, s, nil, nil)
			break
		}
		out, err = packet.AppendConnectError(nil, nsp, fields["message"].(string), fields["data"], nil)
	case packet.Disconnect:
		out = packet.AppendDisconnect(nil, nsp)
	default:
		tb.Fatalf("%s: type %d", v.Name, v.Packet.Type)
	}
	if err != nil {
		tb.Errorf("%s: %v", v.Name, err)
	}
	return out, atts
}

func TestNodeDoubles(t *testing.T) {
	t.Parallel()
	for _, v := range loadVectors(t).Doubles {
		bits, err := strconv.ParseUint(v[0], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := jsonx.AppendFloat(nil, math.Float64frombits(bits)); string(got) != v[1] {
			t.Errorf("%x: got %s, want %s", bits, got, v[1])
		}
	}
}

package wsframe_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/gannet-io/gannet/wsframe"
)

// The sequences of the Autobahn cases 6.5 to 6.23, which are those of Markus
// Kuhn's decoder stress test.
var validUTF8 = []struct{ name, hex string }{
	{"6.5.1", "68656c6c6f24776f726c64"},
	{"6.5.2", "68656c6c6fc2a2776f726c64"},
	{"6.5.3", "68656c6c6fe282ac776f726c64"},
	{"6.5.4", "68656c6c6ff0a4ada2776f726c64"},
	{"6.5.5", "cebae1bdb9cf83cebcceb5"},
	{"6.6.2", "ceba"},
	{"6.6.5", "cebae1bdb9"},
	{"6.6.7", "cebae1bdb9cf83"},
	{"6.6.9", "cebae1bdb9cf83cebc"},
	{"6.7.1", "00"},
	{"6.7.2", "c280"},
	{"6.7.3", "e0a080"},
	{"6.7.4", "f0908080"},
	{"6.9.1", "7f"},
	{"6.9.2", "dfbf"},
	{"6.9.3", "efbfbf"},
	{"6.9.4", "f48fbfbf"},
	{"6.11.1", "ed9fbf"},
	{"6.11.2", "ee8080"},
	{"6.11.3", "efbfbd"},
	{"6.11.4", "f48fbfbf"},
	{"6.22.1", "efbfbe"},
	{"6.22.2", "efbfbf"},
	{"6.22.3", "f09fbfbe"},
	{"6.22.10", "f0bfbfbf"},
	{"6.22.33", "f48fbfbe"},
	{"6.23.1", "efbfb9efbfbaefbfbbefbfbcefbfbdefbfbeefbfbf"},
}

var invalidUTF8 = []struct{ name, hex string }{
	{"6.3.1", "cebae1bdb9cf83cebcceb5eda080656469746564"},
	{"6.4.1", "cebae1bdb9cf83cebcceb5f4908080656469746564"},
	{"6.6.1", "ce"},
	{"6.6.3", "cebae1"},
	{"6.6.4", "cebae1bd"},
	{"6.6.6", "cebae1bdb9cf"},
	{"6.6.8", "cebae1bdb9cf83ce"},
	{"6.6.10", "cebae1bdb9cf83cebcce"},
	{"6.8.1", "f888808080"},
	{"6.8.2", "fc8480808080"},
	{"6.10.1", "f7bfbfbf"},
	{"6.10.2", "fbbfbfbfbf"},
	{"6.10.3", "fdbfbfbfbfbf"},
	{"6.11.5", "f4908080"},
	{"6.12.1", "80"},
	{"6.12.2", "bf"},
	{"6.12.3", "80bf"},
	{"6.12.4", "80bf80"},
	{"6.12.5", "80bf80bf"},
	{"6.12.6", "80bf80bf80"},
	{"6.12.7", "80bf80bf80bf"},
	{"6.12.8", "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"},
	{"6.13.1", "c020c120c220c320c420c520c620c720c820c920ca20cb20cc20cd20ce20cf20d020d120d220d320d420d520d620d720d820d920da20db20dc20dd20de20df20"},
	{"6.13.2", "e020e120e220e320e420e520e620e720e820e920ea20eb20ec20ed20ee20ef20"},
	{"6.13.3", "f020f120f220f320f420f520f620f720"},
	{"6.13.4", "f820f920fa20fb20"},
	{"6.13.5", "fc20fd20"},
	{"6.14.1", "c0"},
	{"6.14.2", "e080"},
	{"6.14.3", "f08080"},
	{"6.14.4", "f8808080"},
	{"6.14.5", "fc80808080"},
	{"6.14.6", "df"},
	{"6.14.7", "efbf"},
	{"6.14.8", "f7bfbf"},
	{"6.14.9", "fbbfbfbf"},
	{"6.14.10", "fdbfbfbfbf"},
	{"6.15.1", "c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf"},
	{"6.16.1", "fe"},
	{"6.16.2", "ff"},
	{"6.16.3", "fefeffff"},
	{"6.17.1", "c0af"},
	{"6.17.2", "e080af"},
	{"6.17.3", "f08080af"},
	{"6.17.4", "f8808080af"},
	{"6.17.5", "fc80808080af"},
	{"6.18.1", "c1bf"},
	{"6.18.2", "e09fbf"},
	{"6.18.3", "f08fbfbf"},
	{"6.18.4", "f887bfbfbf"},
	{"6.18.5", "fc83bfbfbfbf"},
	{"6.19.1", "c080"},
	{"6.19.2", "e08080"},
	{"6.19.3", "f0808080"},
	{"6.19.4", "f880808080"},
	{"6.19.5", "fc8080808080"},
	{"6.20.1", "eda080"},
	{"6.20.2", "edadbf"},
	{"6.20.3", "edae80"},
	{"6.20.4", "edafbf"},
	{"6.20.5", "edb080"},
	{"6.20.6", "edbe80"},
	{"6.20.7", "edbfbf"},
	{"6.21.1", "eda080edb080"},
	{"6.21.8", "edafbfedbfbf"},
}

// TestUTF8 is row A48 with the sequences of the Autobahn suite: in one frame,
// in one fragment per byte, and as binary, which is not looked at.
func TestUTF8(t *testing.T) {
	t.Parallel()
	runScripts(t, textScripts())
}

func textScripts() []script {
	var s []script
	for _, v := range validUTF8 {
		p := string(unhex(v.hex))
		s = append(s,
			script{name: fmt.Sprintf("A48 (%s) valid", v.name), in: frame(fin|text, p), events: []string{"text:" + p}},
			script{name: fmt.Sprintf("A48 (6.2) %s in fragments of a byte", v.name), in: byteFragments(text, p), events: []string{"text:" + p}},
		)
	}
	for _, v := range invalidUTF8 {
		p := string(unhex(v.hex))
		s = append(s,
			script{name: fmt.Sprintf("A48 (%s) invalid", v.name), in: frame(fin|text, p), code: 1007},
			script{name: fmt.Sprintf("A48 %s after 33 letters", v.name), in: frame(fin|text, "abcdefghijklmnopqrstuvwxyzabcdefg"+p), code: 1007},
			script{name: fmt.Sprintf("A48 (6.3.2) %s in fragments of a byte", v.name), in: byteFragments(text, p), code: 1007},
			script{name: fmt.Sprintf("A48 %s as binary", v.name), in: byteFragments(bin, p), events: []string{"binary:" + trunc(p)}},
			script{name: fmt.Sprintf("A48 %s in a ping", v.name), in: frame(fin|ping, p), events: []string{"ping:" + p}},
		)
	}
	return append(s,
		script{name: "A48 rune across three fragments and a ping", in: join(
			frame(text, "\xf0"), frame(fin|ping, "\xff"), frame(cont, "\x9f\x98"), frame(cont, ""), frame(fin|cont, "\x80"),
		), events: []string{"ping:\xff", "text:😀"}},
		script{name: "A48 bad byte in the only full fragment", in: join(frame(text, ""), frame(fin|cont, "a\xff")), code: 1007},
		script{name: "A48 rune cut by the end", in: join(frame(text, "a\xf0\x9f"), frame(fin|cont, "")), code: 1007},
		script{name: "A48 rune cut by a letter", in: join(frame(text, "a\xf0\x9f"), frame(fin|cont, "b")), code: 1007},
		script{name: "A48 rune begun twice", in: join(frame(text, "\xe2\x82"), frame(fin|cont, "\xe2\x82\xac")), code: 1007},
		script{name: "A48 nothing of it left to the next message", in: join(frame(bin, "\xe2\x82"), frame(fin|cont, ""), frame(fin|text, "a")), events: []string{"binary:\xe2\x82", "text:a"}},
	)
}

func trunc(p string) string {
	return event(wsframe.OpBinary, []byte(p))[len("binary:"):]
}

// byteFragments sends one byte per fragment.
func byteFragments(op byte, p string) []byte {
	var in []byte
	for i := range len(p) {
		first := op
		if i > 0 {
			first = cont
		}
		if i == len(p)-1 {
			first |= fin
		}
		in = append(in, frame(first, p[i:i+1])...)
	}
	return in
}

// TestUTF8FailsFast gives texts byte by byte, in one long unfinished frame and
// in unfinished fragments, and expects the error at the first byte that no
// continuation can save (Autobahn 6.4, strictly).
func TestUTF8FailsFast(t *testing.T) {
	t.Parallel()
	cfg := &wsframe.Config{}
	for _, v := range slices.Concat(validUTF8, invalidUTF8) {
		p := unhex(v.hex)
		want := failsAt(p)
		long := frame(fin|text, string(p)+string(make([]byte, 30)))[:6+len(p)]
		if got := feed(t, cfg, chunks(long, 1)); !failedAt(got, want, 6) {
			t.Errorf("%s in an unfinished frame: %v at %d, want the error at payload byte %d", v.name, got, got.at, want)
		}
		var frags []byte
		for i := range p {
			frags = append(frags, frame(first(i), string(p[i:i+1]))...)
		}
		if want >= 0 {
			want *= 7
		}
		if got := feed(t, cfg, chunks(frags, 1)); !failedAt(got, want, 6) {
			t.Errorf("%s in fragments: %v at %d, want the error at byte %d", v.name, got, got.at, want)
		}
	}
}

func first(i int) byte {
	if i == 0 {
		return text
	}
	return cont
}

// failsAt returns the index of the byte of p that makes it hopeless, or −1.
func failsAt(p []byte) int {
	for i := range p {
		if !viable(p[:i+1]) {
			return i
		}
	}
	return -1
}

func failedAt(got result, index, header int) bool {
	if index < 0 {
		return got.code == 0 && got.partial
	}
	return got.code == 1007 && got.at == header+index+1
}

// TestUTF8Exhaustive walks the tree of all sequences of up to five bytes taken
// from the bounds of all ranges, in an unfinished frame: a byte is refused
// exactly where no continuation helps, and what is refused is not walked.
func TestUTF8Exhaustive(t *testing.T) {
	t.Parallel()
	cfg := &wsframe.Config{}
	head := frameKey(text, "12345678", [4]byte{})[:6]
	depth := 5
	if raceFactor > 1 {
		depth = 4
	}
	refused, accepted := 0, 0
	var walk func(p []byte)
	walk = func(p []byte) {
		var r wsframe.Reader
		defer r.Release()
		_, _, _, _ = r.Next(cfg, bytes.Clone(head))
		for i := range p {
			_, _, ok, err := r.Next(cfg, []byte{p[i]})
			if last := i == len(p)-1; ok || err != nil && !last {
				t.Fatalf("% x: ok %v, err %v at byte %d", p, ok, err, i)
			} else if last && viable(p) != (err == nil) || err != nil && !errors.Is(err, wsframe.ErrInvalidUTF8) {
				t.Fatalf("% x: err %v, viable %v", p, err, viable(p))
			} else if err != nil {
				refused++
				return
			}
		}
		accepted++
		if len(p) < depth {
			for _, c := range []byte{
				0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
				0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFF,
			} {
				walk(append(slices.Clip(p), c))
			}
		}
	}
	walk(nil)
	if refused < 5_000 || accepted < 5_000 {
		t.Errorf("only %d refused and %d accepted", refused, accepted)
	}
}

// FuzzUTF8 gives any text in any pieces, in fragments or in one unfinished
// frame, and expects the error at exactly the byte where hope ends.
func FuzzUTF8(f *testing.F) {
	for i, v := range slices.Concat(validUTF8, invalidUTF8) {
		f.Add(unhex(v.hex), uint64(i), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, p []byte, seed uint64, fragmented bool) {
		if len(p) > 256 {
			return
		}
		cfg := &wsframe.Config{}
		var in []byte
		if fragmented {
			i := 0
			for piece := range pieces(p, seed) {
				in = append(in, frame(first(i), string(piece))...)
				i++
			}
			if i > 1000 {
				return
			}
			in = append(in, frame(first(i)|fin, "")...)
		} else {
			in = frame(fin|text, string(p))
		}
		want := result{events: []string{event(wsframe.OpText, p)}}
		if !utf8.Valid(p) {
			want = result{code: 1007}
		}
		for _, got := range []result{feed(t, cfg, chunks(in, len(in))), feed(t, cfg, chunks(in, 1)), feed(t, cfg, pieces(in, seed^0x5555))} {
			if !got.equal(want) {
				t.Fatalf("%q, fragmented %v: got %v, want %v", p, fragmented, got, want)
			}
		}
		if fragmented {
			return
		}
		if at := failsAt(p); at >= 0 {
			got := feed(t, cfg, chunks(in, 1))
			if header := len(in) - len(p); got.at != header+at+1 {
				t.Fatalf("%q fails at byte %d, want %d", p, got.at-header-1, at)
			}
		}
	})
}

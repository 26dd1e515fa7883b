package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/report"
)

// wellFormed reads XML with the strict parser and returns its text and the
// names of its elements.
func wellFormed(tb testing.TB, doc []byte) (text string, elements map[string]int) {
	tb.Helper()
	var b strings.Builder
	elements = map[string]int{}
	dec := xml.NewDecoder(bytes.NewReader(doc))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return b.String(), elements
		}
		if err != nil {
			tb.Fatalf("not well-formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			elements[tok.Name.Local]++
			for _, a := range tok.Attr {
				elsewhere := a.Name.Local == "src" || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#")
				if strings.HasPrefix(a.Name.Local, "on") || elsewhere {
					tb.Errorf("<%s> has an attribute %s=%q", tok.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			b.Write(tok)
		}
	}
}

var rivals = []report.Bar{
	{Label: "gannet", Value: 1.07, Low: 1.04, High: 1.16, Ours: true},
	{Label: "gannet, inline", Value: 0.57, Low: 0.52, High: 0.63, Ours: true},
	{Label: "socket.io 4.8.4, Node.js 20", Value: 9.63, Low: 7.83, High: 10.95, Text: "9.63 (9.0 times)"},
	{Label: "nothing at all", Value: 0},
}

func TestBars(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bars.svg")
	for range 2 { // the same bytes each time
		if err := report.Bars(path, "Echo, 100 sockets, 16 in flight", "µs of the server's CPU for each message, less is better", rivals); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "bars.svg", string(b))
		text, elements := wellFormed(t, b)
		for _, want := range []string{"Echo, 100 sockets", "less is better", "gannet, inline", "0.57", "9.63 (9.0 times)"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %q", want, text)
			}
		}
		if elements["script"]+elements["image"] > 0 {
			t.Errorf("elements %v", elements)
		}
	}
}

func TestBarsHostile(t *testing.T) {
	t.Parallel()
	const evil = "\"'><script>alert(1)</script>\x00\x1b\n]]>&amp;"
	path := filepath.Join(t.TempDir(), "bars.svg")
	if err := report.Bars(path, evil, evil, []report.Bar{{Label: evil + strings.Repeat("w", 400), Text: evil, Value: 1}}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, elements := wellFormed(t, b)
	if elements["script"] > 0 || !strings.Contains(text, "<script>alert(1)</script>") {
		t.Errorf("elements %v, text %q", elements, text)
	}
}

func TestBarsErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bars.svg")
	for name, rows := range map[string][]report.Bar{
		"without bars": nil,
		"NaN":          {{Label: "NaN", Value: math.NaN()}},
		"+Inf":         {{Label: "Inf", Value: 1, High: math.Inf(1)}},
		"-1":           {{Label: "negative", Value: -1}},
	} {
		if err := report.Bars(path, "t", "u", rows); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a chart that failed has left a file: %v", err)
	}
}

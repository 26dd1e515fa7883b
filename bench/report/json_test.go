package report_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/report"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]*report.Result{"passed": sample(), "failed": failed(), "empty": {Format: report.Format}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "r.json")
			if err := report.Write(path, want); err != nil {
				t.Fatal(err)
			}
			got, err := report.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestWriteSetsFormat(t *testing.T) {
	t.Parallel()
	r := &report.Result{}
	b, err := report.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := report.Decode(b)
	if err != nil || got.Format != report.Format || r.Format != 0 {
		t.Errorf("format %d, %v; the caller's is now %d; want %d in the JSON alone", got.Format, err, r.Format, report.Format)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, json, want string
		format           bool // the error is ErrFormat
	}{
		{"empty", "", "it is empty", false},
		{"cut off", `{"format":1,`, "it ends in the middle of a value", false},
		{"not JSON", "{\n\n  nonsense}", "line 3: not JSON: invalid character 'n'", false},
		{"two values", "{\"format\":1}\n{}", "line 1: something follows the JSON value", false},
		{"array", `[1]`, "it is a JSON array, not the result of a load test", true},
		{"other JSON", `{"name":"x"}`, `it has no "format"`, true},
		{"null", `null`, `it has no "format"`, true},
		{"newer", `{"format":2,"tool":"gannet v9","connections":"another form"}`, `it is format 2 of "gannet v9", and this program reads format 1`, true},
		{"wrong type", "{\"format\":1,\n\"seconds\":\"60\"}", "line 2: seconds is a string, which is no float64", false},
		{"fraction", `{"format":1,"connections":{"opened":1.5}}`, "connections.opened is a number 1.5, which is no int64", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "r.json")
			if err := os.WriteFile(path, []byte(tt.json), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := report.Read(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("Read(%q) = %v, %v; want an error of %s with %q", tt.json, r, err, path, tt.want)
			}
			if errors.Is(err, report.ErrFormat) != tt.format {
				t.Errorf("errors.Is(%v, ErrFormat) = %t", err, !tt.format)
			}
		})
	}
	if _, err := report.Read(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	bad := map[string]func(*report.Result){
		"seconds":        func(r *report.Result) { r.Seconds = math.NaN() },
		"messages":       func(r *report.Result) { r.Messages.SentRate = math.Inf(1) },
		"client":         func(r *report.Result) { r.Client.CPUShare = math.NaN() },
		"server":         func(r *report.Result) { r.Server.BytesPerConnection = math.NaN() },
		"latencies.echo": func(r *report.Result) { r.Latencies["echo"] = report.Latency{Mean: math.NaN()} },
		"series[3]":      func(r *report.Result) { r.Series[3].P99 = math.Inf(-1) },
	}
	for name, spoil := range bad {
		r := sample()
		spoil(r)
		if b, err := report.Encode(r); err == nil || !strings.Contains(err.Error(), name+" has a number that is") {
			t.Errorf("%s: %d bytes, %v; want an error that names it", name, len(b), err)
		}
	}
	path := filepath.Join(t.TempDir(), "none", "r.json")
	if err := report.Write(path, sample()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range []*report.Result{sample(), failed(), {}} {
		r.Series = r.Series[:min(len(r.Series), 1)]
		b, err := report.Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"format":1,"latencies":{"\u001b[2J":{"count":1,"histogram":"AAAA"}},"series":[{"at":-1e308}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := report.Decode(b)
		if err != nil {
			return
		}
		// What can be read can be written, and shown without control characters.
		if _, err := report.Encode(r); err != nil {
			t.Errorf("written again: %v", err)
		}
		var out strings.Builder
		if err := report.Table(&out, r); err != nil {
			t.Errorf("as a table: %v", err)
		}
		if page, err := report.HTML(r); err != nil {
			t.Errorf("as a page: %v", err)
		} else {
			wellFormed(t, page)
		}
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
			t.Errorf("a control character at %d of %q", i, out.String())
		}
	})
}

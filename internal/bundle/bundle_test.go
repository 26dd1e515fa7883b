package bundle_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/gannet-io/gannet/internal/bundle"
)

// source is what compresses well.
var source = []byte(strings.Repeat("function nothing() { return undefined; }\n", 1000))

// plain undoes a coding with another implementation, where there is one.
func plain(t *testing.T, body []byte, coding string) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch coding {
	case bundle.Brotli:
		r = brotli.NewReader(r)
	case bundle.Gzip:
		r, err = gzip.NewReader(r)
	case bundle.Deflate:
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	return b
}

func TestGet(t *testing.T) {
	t.Parallel()
	f := bundle.New(fstest.MapFS{"a.js": {Data: source}, "empty.js": {}})
	for _, coding := range []string{bundle.Brotli, bundle.Gzip, bundle.Deflate, "", "zstd"} {
		for name, want := range map[string][]byte{"a.js": source, "empty.js": nil} {
			body, applied, err := f.Get(name, coding)
			if err != nil {
				t.Fatal(err)
			}
			if applied != coding && (applied != "" || coding != "zstd") {
				t.Errorf("%s in %q: it is in %q", name, coding, applied)
			}
			if got := plain(t, body, applied); !bytes.Equal(got, want) {
				t.Errorf("%s in %q: got %d bytes, want %d", name, coding, len(got), len(want))
			}
			if name == "a.js" && applied != "" && len(body) > len(source)/10 {
				t.Errorf("%s in %q: %d bytes of %d", name, coding, len(body), len(source))
			}
		}
	}
	for _, coding := range []string{"", bundle.Gzip} {
		for name, want := range map[string]error{"b.js": fs.ErrNotExist, ".": fs.ErrInvalid} {
			if _, _, err := f.Get(name, coding); !errors.Is(err, want) {
				t.Errorf("%s in %q: got %v, want %v", name, coding, err, want)
			}
		}
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	f := bundle.New(fstest.MapFS{"dir/a.js": {Data: source}})
	for name, want := range map[string]bool{"dir/a.js": true, "dir": false, "b.js": false} {
		if got := f.Has(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// TestKept shows that a file is compressed once, and once more when it changes.
func TestKept(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"a.js": {Data: source}}
	f := bundle.New(fsys)
	get := func() []byte {
		t.Helper()
		body, _, err := f.Get("a.js", bundle.Gzip)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	first := get()
	if again := get(); &first[0] != &again[0] {
		t.Error("the second time: other bytes, want those that were kept")
	}
	fsys["a.js"] = &fstest.MapFile{Data: []byte("other"), ModTime: time.Unix(1, 0)}
	if got := string(plain(t, get(), bundle.Gzip)); got != "other" {
		t.Errorf("after a change: got %q", got)
	}
}

// TestBounds serves as they are what would take too much memory.
func TestBounds(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 3<<20) // of which nothing gets shorter
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		noise[i] = byte(x)
	}
	f := bundle.New(fstest.MapFS{"a": {Data: noise}, "b": {Data: noise}, "long": {Data: make([]byte, 5<<20)}})
	if _, applied, err := f.Get("long", bundle.Gzip); applied != "" || err != nil {
		t.Errorf("a file that is too long: got %q, %v", applied, err)
	}
	if _, applied, err := f.Get("a", bundle.Gzip); applied != bundle.Gzip || err != nil {
		t.Errorf("the first: got %q, %v", applied, err)
	}
	body, applied, err := f.Get("b", bundle.Gzip)
	if applied != "" || err != nil || !bytes.Equal(body, noise) {
		t.Errorf("the second, for which there is no room: got %d bytes in %q, %v", len(body), applied, err)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	f := bundle.New(fstest.MapFS{"a.js": {Data: source}, "b.js": {Data: source[1:]}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, coding := range []string{bundle.Brotli, bundle.Gzip, bundle.Deflate, ""} {
				for _, name := range []string{"a.js", "b.js"} {
					if _, applied, err := f.Get(name, coding); applied != coding || err != nil {
						t.Errorf("%s in %q: got %q, %v", name, coding, applied, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

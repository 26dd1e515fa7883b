package bundle

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// The codings, by their names in Accept-Encoding.
const (
	Brotli  = "br"
	Gzip    = "gzip"
	Deflate = "deflate" // in the format of zlib (RFC 1950)
)

// Bounds in bytes: a longer file is not compressed, and no more than this is
// kept. The browser client with its source maps takes a quarter of that.
const (
	maxFile = 4 << 20
	maxKept = 4 << 20
)

// What compressing costs is paid once for each file: some tens of milliseconds.
// A higher level of Brotli takes twenty times as long for a tenth.
const (
	brotliLevel  = 6
	deflateLevel = gzip.BestCompression
)

// Files are files that are kept compressed.
type Files struct {
	// Immutable after New.
	fsys fs.FS

	mu    sync.Mutex // guards following
	kept  int        // bytes of all packed
	files map[key]*packed
}

// A key names a file in a coding.
type key struct{ name, coding string }

// A packed file.
type packed struct {
	mu       sync.Mutex // guards following; taken before Files.mu
	done     bool
	size     int64 // of the file, and when it was changed
	modified time.Time
	body     []byte // nil if the file is not to be compressed
}

// New returns the files of fsys. Nothing is read yet.
func New(fsys fs.FS) *Files { return &Files{fsys: fsys, files: map[key]*packed{}} }

// Has tells whether there is such a file.
func (f *Files) Has(name string) bool {
	info, err := fs.Stat(f.fsys, name)
	return err == nil && !info.IsDir()
}

// Get returns a file in the given coding. applied is the coding of body: "" is
// that of the file itself, for which any unknown coding stands, and which is
// what there is of a file that is too long. body must not be modified. The
// caller vouches for the name: an attacker's would fill what is kept.
func (f *Files) Get(name, coding string) (body []byte, applied string, err error) {
	file, err := f.fsys.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, "", err
	}
	if info.IsDir() {
		return nil, "", fmt.Errorf("bundle: %s: %w", name, fs.ErrInvalid)
	}
	compress := compressors[coding]
	if compress != nil && info.Size() <= maxFile {
		p := f.entry(key{name, coding})
		body, fresh := p.get(info)
		if !fresh {
			plain, err := io.ReadAll(io.LimitReader(file, maxFile))
			if err != nil {
				return nil, "", err
			}
			body = p.fill(f, plain, info, compress)
		}
		if body != nil {
			return body, coding, nil
		}
	}
	body, err = fs.ReadFile(f.fsys, name)
	return body, "", err
}

// entry returns the place of a file in a coding.
func (f *Files) entry(k key) *packed {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.files[k]
	if p == nil {
		p = &packed{}
		f.files[k] = p
	}
	return p
}

// account counts the bytes that are kept, and tells whether there is room for
// them.
func (f *Files) account(more int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept+more > maxKept {
		return false
	}
	f.kept += more
	return true
}

// get returns the file, nil if it is not to be compressed. It is not fresh if
// that is not known since the file was changed.
func (p *packed) get(info fs.FileInfo) (body []byte, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.body, p.freshLocked(info)
}

// fill compresses the file, unless another goroutine has done so meanwhile, and
// returns it as get does.
func (p *packed) fill(f *Files, plain []byte, info fs.FileInfo, compress compressor) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.freshLocked(info) {
		return p.body
	}
	f.account(-len(p.body))
	p.body, p.done = nil, true
	p.size, p.modified = info.Size(), info.ModTime()
	if body := compress(plain); f.account(len(body)) {
		p.body = body
	}
	return p.body
}

// freshLocked tells whether what is kept is that of the file as it is now.
func (p *packed) freshLocked(info fs.FileInfo) bool {
	return p.done && p.size == info.Size() && p.modified.Equal(info.ModTime())
}

// A compressor returns what it is given in one coding.
type compressor func(plain []byte) []byte

var compressors = map[string]compressor{
	Brotli: func(plain []byte) []byte {
		return write(plain, func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, brotliLevel) })
	},
	Gzip: func(plain []byte) []byte {
		return write(plain, func(w io.Writer) io.WriteCloser {
			z, _ := gzip.NewWriterLevel(w, deflateLevel) // no level that is a constant is refused
			return z
		})
	},
	Deflate: func(plain []byte) []byte {
		return write(plain, func(w io.Writer) io.WriteCloser {
			z, _ := zlib.NewWriterLevel(w, deflateLevel)
			return z
		})
	},
}

// write sends plain through a writer of a coding. A buffer takes everything.
func write(plain []byte, open func(io.Writer) io.WriteCloser) []byte {
	var b bytes.Buffer
	w := open(&b)
	_, _ = w.Write(plain)
	_ = w.Close()
	return bytes.Clone(b.Bytes())
}

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// ErrFormat is what Read returns for JSON of a version that this program does
// not know, or that is no Result at all.
var ErrFormat = errors.New("unknown format")

// Read returns the Result in a file that Write has written. Fields that this
// program does not know are ignored.
func Read(path string) (*Result, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, cause(err))
	}
	r, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Write writes r to a file as JSON, in the form of this program's Format,
// whatever r.Format says. A number that JSON cannot hold is an error.
func Write(path string, r *Result) error {
	b, err := Encode(r)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	return nil
}

// cause returns what went wrong with a file whose name the message has already.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// Encode returns r as indented JSON that ends in a newline. See Write.
func Encode(r *Result) ([]byte, error) {
	if err := r.finite(); err != nil {
		return nil, err
	}
	c := *r
	c.Format = Format
	b, err := json.MarshalIndent(&c, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// Decode returns the Result in JSON. The version goes first: JSON of another
// version may have any other form.
func Decode(b []byte) (*Result, error) {
	var head struct {
		Format *int   `json:"format"`
		Tool   string `json:"tool"`
	}
	if err := unmarshal(b, &head); err != nil {
		return nil, err
	}
	switch {
	case head.Format == nil:
		return nil, fmt.Errorf("%w: it has no \"format\", so it is not the result of a load test", ErrFormat)
	case *head.Format != Format:
		return nil, fmt.Errorf("%w: it is format %d of %q, and this program reads format %d", ErrFormat, *head.Format, head.Tool, Format)
	}
	r := new(Result)
	if err := unmarshal(b, r); err != nil {
		return nil, err
	}
	return r, nil
}

// unmarshal says in which line the JSON is wrong.
func unmarshal(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	err := dec.Decode(v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		at := dec.InputOffset()
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: something follows the JSON value", lineOf(b, at))
		}
		return nil
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not JSON: it ends in the middle of a value")
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: not JSON: %w", lineOf(b, syntax.Offset), err)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("%w: it is a JSON %s, not the result of a load test", ErrFormat, kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %s is a %s, which is no %s", lineOf(b, kind.Offset), kind.Field, kind.Value, kind.Type)
	default:
		return err
	}
}

// lineOf returns the number of the line that byte at is in.
func lineOf(b []byte, at int64) int {
	return 1 + bytes.Count(b[:min(max(at, 0), int64(len(b)))], []byte("\n"))
}

// finite names the first number that JSON cannot hold.
func (r *Result) finite() error {
	check := func(name string, values ...float64) error {
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s has a number that is %v", name, v)
			}
		}
		return nil
	}
	errs := []error{
		check("seconds", r.Seconds),
		check("messages", r.Messages.SentRate, r.Messages.ReceivedRate),
		check("client", r.Client.floats()...),
	}
	if r.Server != nil {
		errs = append(errs, check("server", r.Server.floats()...))
	}
	for _, name := range r.LatencyNames() {
		l := r.Latencies[name]
		errs = append(errs, check("latencies."+name, l.Min, l.Mean, l.P50, l.P90, l.P99, l.P999, l.Max))
	}
	for i := range r.Series {
		s := &r.Series[i]
		errs = append(errs, check(fmt.Sprintf("series[%d]", i), s.At, s.P50, s.P99, s.Max, s.ServerCPU))
	}
	return errors.Join(errs...)
}

func (p *Process) floats() []float64 {
	return []float64{p.CPUSeconds, p.CPUShare, p.CPUPerMessage, p.BytesPerConnection}
}

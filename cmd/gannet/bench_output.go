package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gannet-io/gannet/bench/report"
)

// checkOutputs says which of the files for the result cannot be written, before
// a run is spent on it. It leaves them as they are.
func (f *benchFlags) checkOutputs() error {
	if f.json != "" && filepath.Clean(f.json) == filepath.Clean(f.html) {
		return fmt.Errorf("--json and --html are the same file, %s", f.json)
	}
	for flag, path := range map[string]string{"--json": f.json, "--html": f.html} {
		if path == "" {
			continue
		}
		if err := checkWritable(path); err != nil {
			return fmt.Errorf("%s %s: %w", flag, path, fileCause(err))
		}
	}
	return nil
}

// checkWritable opens a file as writing it would. One that was not there is
// removed again.
func checkWritable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil // opening a pipe waits for its reader
	}
	_, linkErr := os.Lstat(path)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	err = file.Close()
	if errors.Is(linkErr, fs.ErrNotExist) {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// fileCause returns what is wrong with a file that the message names already.
func fileCause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// write shows the result in every form that was asked for.
func (f *benchFlags) write(res *report.Result, stdout io.Writer) error {
	if err := report.Table(stdout, res); err != nil {
		return err
	}
	if f.json != "" {
		if err := report.Write(f.json, res); err != nil {
			return err
		}
	}
	if f.html == "" {
		return nil
	}
	return report.WriteHTML(f.html, res)
}

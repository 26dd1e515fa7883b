package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// LoadFile takes the settings that neither a flag nor a variable has set from
// a YAML file. Every key must be known and may stand there once.
func (s *Settings) LoadFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	doc, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if doc == nil {
		return nil // nothing but comments
	}
	if doc.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: the file must have lines of the form \"key: value\"", path, doc.Line)
	}
	lines := map[string]int{}
	for i := 0; i < len(doc.Content); i += 2 {
		key, value := doc.Content[i], doc.Content[i+1]
		if first := lines[key.Value]; first > 0 {
			return fmt.Errorf("%s:%d: %s is there already, in line %d", path, key.Line, key.Value, first)
		}
		lines[key.Value] = key.Line
		if err := s.setKey(key, value, filepath.Base(path)); err != nil {
			return fmt.Errorf("%s:%d: %w", path, key.Line, err)
		}
	}
	return nil
}

// parse returns the content of the one document of a file.
func parse(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // an empty file is a file without settings.
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file must be one YAML document")
	}
	if doc.Content[0].Tag == "!!null" {
		return nil, nil //nolint:nilnil // as above.
	}
	return doc.Content[0], nil
}

func (s *Settings) setKey(key, value *yaml.Node, file string) error {
	f := s.Flags.Lookup(key.Value)
	if f == nil {
		known := map[string]bool{}
		s.Flags.VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		return fmt.Errorf("unknown key %q%s", key.Value, suggest(key.Value, known))
	}
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	if f.Changed || value.Tag == "!!null" {
		return nil
	}
	var err error
	list, isList := f.Value.(pflag.SliceValue)
	switch {
	case value.Kind == yaml.ScalarNode && isList:
		err = list.Replace([]string{value.Value})
	case value.Kind == yaml.ScalarNode:
		err = f.Value.Set(value.Value)
	case value.Kind == yaml.SequenceNode && isList:
		err = setList(list, value)
	default:
		err = errors.New("a single value is needed")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key.Value, plain(err))
	}
	s.set(f, fmt.Sprintf("%s, line %d", file, key.Line))
	return nil
}

func setList(list pflag.SliceValue, value *yaml.Node) error {
	items := make([]string, len(value.Content))
	for i, n := range value.Content {
		if n.Kind != yaml.ScalarNode {
			return errors.New("a list of single values is needed")
		}
		items[i] = n.Value
	}
	return list.Replace(items)
}

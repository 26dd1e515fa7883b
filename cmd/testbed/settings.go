package main

// settings are the options of repeated -set flags.
type settings []string

// String implements flag.Value.
func (s *settings) String() string { return "" }

// Set implements flag.Value.
func (s *settings) Set(v string) error { *s = append(*s, v); return nil }

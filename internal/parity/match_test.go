package parity_test

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// placeholder finds what is not verbatim in the text of a step.
var placeholder = regexp.MustCompile(`\\x[0-9a-f]{2}|\{[^{}]\*[0-9]+\}|\{(?:[a-z0-9]+/)?[a-z][a-z0-9]*\}`)

// A piece is verbatim text, or a placeholder whose value is not known.
type piece struct {
	text string
	hole string // "any", "n", or the name of an id; "" for text
}

// idLength is the length of the ids that placeholders capture.
const idLength = 20

// vars are the values that a script has captured, by client and name.
type vars map[string]string

// pieces splits text. client is where names without one belong.
func (v vars) pieces(client, text string) []piece {
	var list []piece
	at := 0
	add := func(t piece) {
		if last := len(list) - 1; t.hole == "" && last >= 0 && list[last].hole == "" {
			list[last].text += t.text
			return
		}
		list = append(list, t)
	}
	for _, m := range placeholder.FindAllStringIndex(text, -1) {
		add(piece{text: text[at:m[0]]})
		at = m[1]
		add(v.piece(client, text[m[0]:m[1]]))
	}
	add(piece{text: text[at:]})
	return list
}

func (v vars) piece(client, p string) piece {
	if p[0] == '\\' {
		b, _ := strconv.ParseUint(p[2:], 16, 8)
		return piece{text: string([]byte{byte(b)})}
	}
	p = p[1 : len(p)-1]
	if len(p) > 2 && p[1] == '*' {
		n, _ := strconv.Atoi(p[2:])
		return piece{text: strings.Repeat(p[:1], n)}
	}
	if p == "any" || p == "n" {
		return piece{hole: p}
	}
	if !strings.Contains(p, "/") {
		p = client + "/" + p
	}
	if value, ok := v[p]; ok {
		return piece{text: value}
	}
	return piece{hole: p}
}

// expand returns text that has no unknown placeholders.
func (v vars) expand(client, text string) (string, error) {
	list := v.pieces(client, text)
	if len(list) != 1 || list[0].hole != "" {
		return "", fmt.Errorf("nothing is known about a placeholder in %q", text)
	}
	return list[0].text, nil
}

// match compares got with a pattern and captures what the pattern names.
func (v vars) match(client, pattern, got string) error {
	found := vars{}
	if !matchPieces(v.pieces(client, pattern), got, found) {
		return fmt.Errorf("\n got %s\nwant %s", shorten(strconv.Quote(got)), shorten(pattern))
	}
	maps.Copy(v, found)
	return nil
}

func matchPieces(list []piece, got string, found vars) bool {
	if len(list) == 0 {
		return got == ""
	}
	t, rest := list[0], list[1:]
	switch t.hole {
	case "":
		after, ok := strings.CutPrefix(got, t.text)
		return ok && matchPieces(rest, after, found)
	case "any":
		for n := 0; n <= len(got); n++ {
			if matchPieces(rest, got[n:], found) {
				return true
			}
		}
		return false
	case "n":
		n := len(got) - len(strings.TrimLeft(got, "0123456789"))
		return n > 0 && matchPieces(rest, got[n:], found)
	}
	length := idLength
	if _, name, _ := strings.Cut(t.hole, "/"); strings.HasPrefix(name, "offset") {
		length = max(strings.IndexByte(got, '"'), 0)
	}
	if length == 0 || len(got) < length || !isID(strings.ReplaceAll(got[:length], ".", "")) {
		return false
	}
	value, known := found[t.hole]
	if known {
		return value == got[:length] && matchPieces(rest, got[length:], found)
	}
	found[t.hole] = got[:length]
	if matchPieces(rest, got[length:], found) {
		return true
	}
	delete(found, t.hole)
	return false
}

func isID(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// shorten bounds what a failure shows.
func shorten(s string) string {
	const limit = 2000
	if len(s) > limit {
		return s[:limit/2] + "…" + s[len(s)-limit/2:]
	}
	return s
}

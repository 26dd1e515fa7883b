//go:build unix

package wsconform_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
)

// An agreement is what a server has taken of an offer.
type agreement struct {
	serverTakeover bool
	serverBits     int
	clientBits     int
}

// readAnswer holds the answer against what was offered (RFC 7692, section 7.1).
func readAnswer(offer string, lines []string) (*agreement, error) {
	if len(lines) == 0 {
		return nil, nil //nolint:nilnil // no agreement
	}
	answer, err := readParams(strings.Join(lines, ", "))
	if err != nil {
		return nil, err
	}
	for one := range strings.SplitSeq(offer, ",") {
		offered, err := readParams(strings.TrimSpace(one))
		if err != nil {
			continue
		}
		if a := fits(offered, answer); a != nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("answer %q to offer %q", lines, offer)
}

// readParams reads one extension, which must be well-formed permessage-deflate.
func readParams(text string) (map[string]string, error) {
	parts := strings.Split(text, ";")
	if strings.TrimSpace(parts[0]) != "permessage-deflate" {
		return nil, fmt.Errorf("extension %q", text)
	}
	params := map[string]string{}
	for _, p := range parts[1:] {
		name, value, valued := strings.Cut(strings.TrimSpace(p), "=")
		value = strings.Trim(value, `"`)
		_, twice := params[name]
		ok := !twice
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			ok = ok && !valued
		case "server_max_window_bits", "client_max_window_bits":
			n, err := strconv.Atoi(value)
			ok = ok && (err == nil && n >= 8 && n <= 15 && value[0] != '0' || !valued && name[0] == 'c')
		default:
			ok = false
		}
		if !ok {
			return nil, fmt.Errorf("parameter %q of %q", p, text)
		}
		params[name] = value
	}
	return params, nil
}

// fits returns what is agreed on if the answer may be one to this offer.
func fits(offered, answer map[string]string) *agreement {
	a := &agreement{serverBits: bits(answer["server_max_window_bits"]), clientBits: bits(answer["client_max_window_bits"])}
	_, asked := offered["server_no_context_takeover"]
	_, given := answer["server_no_context_takeover"]
	a.serverTakeover = !given
	_, mayLimit := offered["client_max_window_bits"]
	value, limits := answer["client_max_window_bits"]
	switch {
	case asked && !given, a.serverBits > bits(offered["server_max_window_bits"]):
		return nil
	case limits && (!mayLimit || value == ""), a.clientBits > bits(offered["client_max_window_bits"]):
		// The second is allowed, but pointless: the client keeps to its own.
		return nil
	}
	return a
}

func bits(value string) int {
	if n, err := strconv.Atoi(value); err == nil {
		return n
	}
	return 15
}

// A deflater compresses messages for a server, each on its own.
type deflater struct {
	buf bytes.Buffer
	w   *flate.Writer
}

// deflaters are by window: each is large.
var deflaters [16]sync.Pool

// deflate compresses p for a window of so many bits, without the tail.
func deflate(p []byte, bits int) ([]byte, error) {
	d, _ := deflaters[bits].Get().(*deflater)
	if d == nil {
		d = new(deflater)
		var err error
		if bits == 15 {
			d.w, err = flate.NewWriter(&d.buf, 6)
		} else {
			d.w, err = flate.NewWriterWindow(&d.buf, 1<<bits)
		}
		if err != nil {
			return nil, err
		}
	}
	defer deflaters[bits].Put(d)
	d.buf.Reset()
	d.w.Reset(&d.buf)
	if _, err := d.w.Write(p); err != nil {
		return nil, err
	}
	if err := d.w.Flush(); err != nil {
		return nil, err
	}
	return bytes.Clone(bytes.TrimSuffix(d.buf.Bytes(), []byte(tail[:4]))), nil
}

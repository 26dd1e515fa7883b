package parity_test

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// opcodes are the frames that have a name.
var opcodes = map[string]byte{"cont": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10, "frame": 0}

// maskKey masks what is sent. It is the one of the examples of RFC 6455, 5.7.
var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// A frame is one that is to be sent.
type frame struct {
	op       byte
	more     bool
	unmasked bool
	rsv      byte
	wide     int   // the bytes of the length field, beyond what it needs
	declared int64 // -1: the length of the payload
	payload  []byte
}

// isFrame tells whether a line of a step is a frame.
func isFrame(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	word, _, _ = strings.Cut(word, "(")
	_, ok := opcodes[word]
	return ok
}

// parseFrame reads a frame as it is written in a step, placeholders replaced.
func parseFrame(line string) (frame, error) {
	word, data, _ := strings.Cut(line, " ")
	word, options, _ := strings.Cut(strings.TrimSuffix(word, ")"), "(")
	f := frame{op: opcodes[word], declared: -1, payload: []byte(data)}
	for o := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(o, "=")
		n := uint64(0)
		var err error
		if value != "" {
			n, err = strconv.ParseUint(value, 10, 63)
		}
		switch name {
		case "":
		case "more":
			f.more = true
		case "unmasked":
			f.unmasked = true
		case "rsv":
			f.rsv = byte(n)
		case "op":
			f.op = byte(n)
		case "len":
			f.declared = int64(n)
		case "wide":
			f.wide = int(n)
		default:
			return f, fmt.Errorf("no such option of a frame: %s", o)
		}
		if err != nil {
			return f, err
		}
	}
	var err error
	switch word {
	case "binary":
		f.payload, err = hex.DecodeString(strings.ReplaceAll(data, " ", ""))
	case "close":
		f.payload, err = closePayload(data)
	}
	return f, err
}

func closePayload(data string) ([]byte, error) {
	if data == "" {
		return nil, nil
	}
	code, reason, _ := strings.Cut(data, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	return append(binary.BigEndian.AppendUint16(nil, uint16(n)), reason...), err
}

// append appends the frame as a client sends it.
func (f *frame) append(dst []byte) []byte {
	first := f.op | f.rsv<<4
	if !f.more {
		first |= 0x80
	}
	n := int64(len(f.payload))
	if f.declared >= 0 {
		n = f.declared
	}
	mask := byte(0x80)
	if f.unmasked {
		mask = 0
	}
	switch {
	case n > 0xffff || f.wide == 8:
		dst = binary.BigEndian.AppendUint64(append(dst, first, mask|127), uint64(n))
	case n > 125 || f.wide == 2:
		dst = binary.BigEndian.AppendUint16(append(dst, first, mask|126), uint16(n))
	default:
		dst = append(dst, first, mask|byte(n))
	}
	if f.unmasked {
		return append(dst, f.payload...)
	}
	dst = append(dst, maskKey[:]...)
	for i, b := range f.payload {
		dst = append(dst, b^maskKey[i&3])
	}
	return dst
}

// readFrame reads a frame of the server and returns it as a step would have it.
func readFrame(r *bufio.Reader) (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	n := int64(head[1])
	switch n {
	case 126:
		var b [2]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		n = int64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		n = int64(binary.BigEndian.Uint64(b[:]))
	}
	if head[0]&0xf0 != 0x80 || head[1] > 127 || n < 0 || n > 64<<20 {
		return fmt.Sprintf("frame %02x %02x", head[0], head[1]), nil
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return "", err
	}
	return frameText(head[0]&0x0f, payload), nil
}

func frameText(op byte, payload []byte) string {
	name, data := fmt.Sprintf("frame(op=%d)", op), string(payload)
	for word, code := range opcodes {
		if code == op && op != 0 {
			name = word
		}
	}
	switch {
	case op == opcodes["binary"]:
		data = fmt.Sprintf("% x", payload)
	case op == opcodes["close"] && len(payload) >= 2:
		data = fmt.Sprintf("%d %s", binary.BigEndian.Uint16(payload), payload[2:])
	}
	return strings.TrimRight(name+" "+data, " ")
}

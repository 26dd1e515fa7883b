package http1

import "bytes"

// checkRequestLine is parseRequestLine without the result.
func checkRequestLine(line []byte, l *Limits) *Error {
	var scratch Request
	return parseRequestLine(line, l, &scratch)
}

// parseRequestLine takes the line without its LF.
func parseRequestLine(line []byte, l *Limits, req *Request) *Error {
	n := len(line) - 1
	if n < 0 || line[n] != '\r' {
		return ErrBareLF
	}
	line = line[:n]
	sp := bytes.IndexByte(line, ' ')
	if sp <= 0 || sp > maxMethod || !allOf(line[:sp], isToken) {
		return ErrMethod
	}
	if n > l.RequestLine {
		return ErrTargetTooLong
	}
	req.Method = line[:sp]
	rest := line[sp+1:]
	sp = bytes.IndexByte(rest, ' ')
	if sp < 0 {
		return ErrVersion
	}
	target, version := rest[:sp], rest[sp+1:]
	switch string(version) {
	case "HTTP/1.1":
		req.Minor = 1
	case "HTTP/1.0":
		req.Minor = 0
	default:
		return ErrVersion
	}
	req.Target = target
	return checkTarget(target)
}

// checkTarget accepts origin-form only. What the query says is its reader's
// concern, but a path with a broken percent-encoding is refused, since it would
// mean different things to different readers.
func checkTarget(target []byte) *Error {
	if len(target) == 0 || !allOf(target, isTarget) {
		return ErrTarget
	}
	if target[0] != '/' {
		return ErrTargetForm
	}
	path := target
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			return nil
		}
		if i+2 >= len(path) || !allOf(path[i+1:i+3], isHex) {
			return ErrTarget
		}
		path = path[i+3:]
	}
}

// parseHeaderLine takes the line without its LF and fills h.
func parseHeaderLine(line []byte, h *Header) *Error {
	n := len(line) - 1
	if n < 0 || line[n] != '\r' {
		return ErrBareLF
	}
	line = line[:n]
	colon := 0
	for colon < len(line) && class[line[colon]]&isToken != 0 {
		colon++
	}
	if colon == 0 || colon == n || line[colon] != ':' {
		if n > 0 && (line[0] == ' ' || line[0] == '\t') {
			return ErrFolding
		}
		return ErrHeaderName
	}
	value := line[colon+1:]
	if !cleanValue(value) {
		return ErrControlByte
	}
	// The usual value has one space in front and none behind.
	if len(value) > 1 && value[0] == ' ' {
		value = value[1:]
	}
	if len(value) > 0 && (value[0] <= ' ' || value[len(value)-1] <= ' ') {
		value = trim(value)
	}
	h.Name, h.Value = line[:colon:colon], value
	return nil
}

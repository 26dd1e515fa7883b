package http1

import "math"

// framing collects, while headers are read, what decides where the body ends.
type framing struct {
	hosts, lengths, codings, expects int
	closeToken, upgradeToken, hasUpgrade,
	badHost, badLength, badCoding, badExpect, badTrailer bool
}

// see looks at one header. Only names of a length of interest cost a compare.
// What is wrong is told by finish, at the end of the head.
func (f *framing) see(req *Request, h *Header) {
	switch len(h.Name) {
	case 4:
		if equalFold(h.Name, "host") {
			f.hosts++
			f.badHost = !validHost(h.Value) // a second one is refused anyway
			req.Host = h.Value
		}
	case 6:
		if equalFold(h.Name, "expect") {
			f.expects++
			f.badExpect = f.badExpect || !equalFold(h.Value, "100-continue")
		}
	case 7:
		if equalFold(h.Name, "upgrade") {
			f.hasUpgrade = true
		} else if equalFold(h.Name, "trailer") {
			f.badTrailer = f.badTrailer || announcesFraming(h.Value)
		}
	case 10:
		if equalFold(h.Name, "connection") {
			f.closeToken = f.closeToken || hasToken(h.Value, "close")
			f.upgradeToken = f.upgradeToken || hasToken(h.Value, "upgrade")
		}
	case 14:
		if equalFold(h.Name, "content-length") {
			n, ok := parseLength(h.Value)
			f.lengths++
			f.badLength = !ok
			req.ContentLength = n
		}
	case 17:
		if equalFold(h.Name, "transfer-encoding") {
			f.codings++
			f.badCoding = f.badCoding || !equalFold(h.Value, "chunked")
		}
	}
}

// finish judges the head as a whole.
func (f *framing) finish(req *Request) *Error {
	switch {
	case f.hosts > 1 || f.badHost || (f.hosts == 0 && req.Minor == 1):
		return ErrHost
	case f.codings > 0 && f.lengths > 0:
		return ErrLengthAndEncoding
	case f.lengths > 1 || f.badLength:
		return ErrContentLength
	case f.codings > 1 || (f.codings > 0 && req.Minor == 0):
		return ErrTransferEncoding
	case f.badCoding:
		return ErrTransferCoding
	case f.badTrailer:
		return ErrTrailerHeader
	case f.badExpect && req.Minor == 1:
		return ErrExpect
	}
	req.Chunked = f.codings == 1
	req.Close = req.Minor == 0 || f.closeToken
	req.Expect100 = f.expects > 0 && req.Minor == 1
	req.Upgrade = f.hasUpgrade && f.upgradeToken
	return nil
}

// parseLength accepts 1 to 19 digits that fit an int64, and nothing else.
func parseLength(v []byte) (int64, bool) {
	if len(v) == 0 || len(v) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return int64(n), n <= math.MaxInt64
}

// announcesFraming reports whether a Trailer header names a field that must not
// be a trailer.
func announcesFraming(v []byte) bool {
	for len(v) > 0 {
		var elem []byte
		elem, v = nextElement(v)
		if forbiddenTrailer(elem) {
			return true
		}
	}
	return false
}

func forbiddenTrailer(name []byte) bool {
	return equalFold(name, "content-length") || equalFold(name, "transfer-encoding") ||
		equalFold(name, "host") || equalFold(name, "trailer")
}

// validHost accepts host [":" port] of RFC 3986: a name or an IPv4 address, or
// an IPv6 address in brackets, and a port of at most five digits. The empty
// host is legal.
func validHost(v []byte) bool {
	host := v
	if len(host) > 0 && host[0] == '[' {
		i := 1
		for i < len(host) && (class[host[i]]&isHex != 0 || host[i] == ':' || host[i] == '.') {
			i++
		}
		if i < 3 || i == len(host) || host[i] != ']' {
			return false
		}
		host = host[i+1:]
		return len(host) == 0 || (host[0] == ':' && validPort(host[1:]))
	}
	i := 0
	for i < len(host) && class[host[i]]&isHost != 0 {
		i++
	}
	return i == len(host) || (i > 0 && host[i] == ':' && validPort(host[i+1:]))
}

func validPort(b []byte) bool {
	if len(b) > 5 {
		return false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

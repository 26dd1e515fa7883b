package http1

// ValidValue reports whether b may stand in a header: it has no control byte
// other than TAB.
func ValidValue(b []byte) bool { return cleanValue(b) }

// ValidToken reports whether b is a token of RFC 9110 5.6.2, such as a method or
// the name of a header.
func ValidToken(b []byte) bool { return len(b) > 0 && allOf(b, isToken) }

// ValidHost reports whether b may be the value of a Host header: a name or an
// address and maybe a port. The empty host is legal.
func ValidHost(b []byte) bool { return validHost(b) }

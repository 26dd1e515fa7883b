package eio

// Revision is the protocol revision: 3 or 4.
type Revision uint8

// The protocol revisions.
const (
	Revision3 Revision = 3
	Revision4 Revision = 4
)

// ParseRevision reads the query parameter EIO: exactly "4" is revision 4 and
// anything else, a missing value included, is revision 3.
func ParseRevision(eio string) Revision {
	if eio == "4" {
		return Revision4
	}
	return Revision3
}

// Request is what Verify needs to know of an HTTP request. Empty strings stand
// for absent parameters.
type Request struct {
	SID, Transport, EIO string // query parameters, decoded, last value wins
	Method              string
	Upgrade             bool // asks for a WebSocket
	OriginInvalid       bool // Origin holds a byte outside TAB, 0x20–0x7E, 0x80–0xFF
}

// Cause names why a request was refused, beyond its code. The values are those
// of the `name` in the reference's connection_error context.
type Cause string

// The causes. Codes that say everything themselves have none.
const (
	CauseNone               Cause = ""
	CauseInvalidOrigin      Cause = "INVALID_ORIGIN"
	CauseTransportMismatch  Cause = "TRANSPORT_MISMATCH"
	CauseProtocolMismatch   Cause = "PROTOCOL_MISMATCH"
	CauseTransportHandshake Cause = "TRANSPORT_HANDSHAKE_ERROR"
)

// Verify applies the checks that need no user code, in the order of the
// reference. s is the session that r.SID names, nil if there is none. It
// allocates nothing. A server with an allowRequest hook calls VerifyBefore,
// then the hook if r.SID is empty, then VerifyAfter.
func Verify(cfg *Config, r *Request, s *Session) (code ErrorCode, ok bool) {
	if code, ok = VerifyBefore(cfg, r, s); !ok {
		return code, false
	}
	return VerifyAfter(cfg, r)
}

// VerifyBefore applies the checks that come before allowRequest.
func VerifyBefore(cfg *Config, r *Request, s *Session) (code ErrorCode, ok bool) {
	code, _, ok = verify(cfg, r, s)
	return code, ok
}

// VerifyAfter applies the check that comes after allowRequest: a handshake in
// a revision that is not accepted.
func VerifyAfter(cfg *Config, r *Request) (code ErrorCode, ok bool) {
	if r.SID == "" && !cfg.AllowEIO3 && ParseRevision(r.EIO) == Revision3 {
		return CodeUnsupportedVersion, false
	}
	return 0, true
}

// RefusalCause explains what made VerifyBefore refuse r.
func RefusalCause(cfg *Config, r *Request, s *Session) Cause {
	_, cause, _ := verify(cfg, r, s)
	return cause
}

func verify(cfg *Config, r *Request, s *Session) (code ErrorCode, cause Cause, ok bool) {
	t, known := ParseTransport(r.Transport)
	if !known || !cfg.Enabled(t) {
		return CodeUnknownTransport, CauseNone, false
	}
	if r.OriginInvalid {
		return CodeBadRequest, CauseInvalidOrigin, false
	}
	if r.SID != "" {
		switch {
		case s == nil || s.State() == StateNone || s.State() == StateClosed:
			return CodeUnknownSID, CauseNone, false
		case !r.Upgrade && s.Transport() != t:
			return CodeBadRequest, CauseTransportMismatch, false
		case s.Revision() != ParseRevision(r.EIO):
			return CodeBadRequest, CauseProtocolMismatch, false
		}
		return 0, CauseNone, true
	}
	if r.Method != "GET" {
		return CodeBadHandshakeMethod, CauseNone, false
	}
	if t == WebSocket && !r.Upgrade {
		return CodeBadRequest, CauseTransportHandshake, false
	}
	return 0, CauseNone, true
}

package http1

// An Error says why a request was refused and which status answers it. The
// connection must be closed after the answer: where the next request would
// start is unknown or not to be trusted. Every Error of this package is
// preallocated, so errors can be compared by identity.
type Error struct {
	Status int
	Reason string
}

func (e *Error) Error() string { return "http1: " + e.Reason }

// The refusals of the head parser.
var (
	ErrBareLF            = &Error{400, "line does not end with CRLF"}
	ErrControlByte       = &Error{400, "control byte in the head"}
	ErrMethod            = &Error{400, "malformed method"}
	ErrTarget            = &Error{400, "malformed request target"}
	ErrTargetForm        = &Error{404, "request target is not a path"}
	ErrVersion           = &Error{400, "malformed or unsupported HTTP version"}
	ErrHeaderName        = &Error{400, "malformed header name"}
	ErrFolding           = &Error{400, "folded header line"}
	ErrHost              = &Error{400, "missing, repeated or malformed Host"}
	ErrContentLength     = &Error{400, "repeated or malformed Content-Length"}
	ErrTransferEncoding  = &Error{400, "repeated Transfer-Encoding, or one in HTTP/1.0"}
	ErrTransferCoding    = &Error{501, "unsupported transfer coding"}
	ErrLengthAndEncoding = &Error{400, "both Content-Length and Transfer-Encoding"}
	ErrTrailerHeader     = &Error{400, "trailer announces a framing field"}
	ErrExpect            = &Error{417, "unsupported expectation"}
	ErrTargetTooLong     = &Error{414, "request line too long"}
	ErrHeadersTooLarge   = &Error{431, "header block too large"}
	ErrTooManyHeaders    = &Error{431, "too many headers"}
)

// The refusals of the body reader.
var (
	ErrBodyTooLarge    = &Error{413, "body too large"}
	ErrChunkSize       = &Error{400, "malformed chunk size"}
	ErrChunkExtension  = &Error{400, "malformed or too long chunk extension"}
	ErrChunkEnd        = &Error{400, "chunk data not followed by CRLF"}
	ErrTrailer         = &Error{400, "malformed or forbidden trailer"}
	ErrTrailerTooLarge = &Error{431, "trailers too large"}
)

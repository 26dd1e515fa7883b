package packet

import (
	"strconv"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// An ArgError says which argument of an event or ack cannot be written.
type ArgError struct {
	Index int // counted from 0, the event name not included
	Err   error
}

// Error names the argument and the reason.
func (e *ArgError) Error() string {
	return "packet: argument " + strconv.Itoa(e.Index) + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *ArgError) Unwrap() error { return e.Err }

// AppendEvent appends an event, or a binary event if args hold binary. id is
// the ack id, negative for none. Attachments are appended to atts, uncopied.
// On an error, an *ArgError, dst and atts are returned as they were.
func AppendEvent(dst []byte, nsp string, id int64, event string, args []any, c jsonx.Codec, atts [][]byte) (out []byte, attsOut [][]byte, err error) {
	start := len(dst)
	out = appendHead(dst, Event, nsp)
	if id >= 0 {
		out = strconv.AppendInt(out, id, 10)
	}
	out = append(out, '[')
	out = jsonx.AppendString(out, event)
	return appendArgs(out, start, args, ',', c, atts)
}

// AppendAck appends the answer to the event with the given id, as Packet
// holds it: bigID if it is not empty, else id. Everything else is as with
// AppendEvent.
func AppendAck(dst []byte, nsp string, id uint64, bigID string, args []any, c jsonx.Codec, atts [][]byte) (out []byte, attsOut [][]byte, err error) {
	start := len(dst)
	out = appendHead(dst, Ack, nsp)
	if bigID != "" {
		out = append(out, bigID...)
	} else {
		out = strconv.AppendUint(out, id, 10)
	}
	return appendArgs(append(out, '['), start, args, 0, c, atts)
}

// AppendConnect appends the answer to a CONNECT. An empty pid is left out; an
// empty sid leaves the payload out, as clients of protocol revision 4 expect.
func AppendConnect(dst []byte, nsp, sid, pid string) []byte {
	dst = appendHead(dst, Connect, nsp)
	if sid == "" {
		return dst
	}
	dst = append(dst, `{"sid":`...)
	dst = jsonx.AppendString(dst, sid)
	if pid != "" {
		dst = append(dst, `,"pid":`...)
		dst = jsonx.AppendString(dst, pid)
	}
	return append(dst, '}')
}

// AppendConnectError appends the refusal of a CONNECT. The key data is left
// out if data is nil; a []byte in it is base64. On an error dst is returned as
// it was.
func AppendConnectError(dst []byte, nsp, message string, data any, c jsonx.Codec) ([]byte, error) {
	out := appendHead(dst, ConnectError, nsp)
	out = append(out, `{"message":`...)
	out = jsonx.AppendString(out, message)
	if data != nil {
		out = append(out, `,"data":`...)
		var err error
		if out, err = jsonx.AppendValue(out, data, c, nil); err != nil {
			return dst, err
		}
	}
	return append(out, '}'), nil
}

// AppendLegacyConnectError is AppendConnectError for clients of protocol
// revision 4, whose payload is data alone, or message if data is nil.
func AppendLegacyConnectError(dst []byte, nsp, message string, data any, c jsonx.Codec) ([]byte, error) {
	if data == nil {
		data = message
	}
	out, err := jsonx.AppendValue(appendHead(dst, ConnectError, nsp), data, c, nil)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// AppendDisconnect appends a DISCONNECT.
func AppendDisconnect(dst []byte, nsp string) []byte {
	return appendHead(dst, Disconnect, nsp)
}

// appendHead appends the type and the namespace, which is left out for "/".
func appendHead(dst []byte, t Type, nsp string) []byte {
	dst = append(dst, '0'+byte(t))
	if nsp == "/" || nsp == "" {
		return dst
	}
	dst = append(dst, nsp...)
	return append(dst, ',')
}

// appendArgs appends args and the closing bracket to the packet that begins
// at dst[start], and makes it a binary one if there are attachments. sep
// stands in front of the first argument, 0 meaning nothing.
func appendArgs(dst []byte, start int, args []any, sep byte, c jsonx.Codec, atts [][]byte) ([]byte, [][]byte, error) {
	// Placeholders count from 0 whatever atts holds already.
	own := atts[len(atts):]
	for i, arg := range args {
		if sep != 0 {
			dst = append(dst, sep)
		}
		sep = ','
		var err error
		if dst, err = jsonx.AppendValue(dst, arg, c, &own); err != nil {
			return dst[:start], atts, &ArgError{Index: i, Err: err}
		}
	}
	dst = append(dst, ']')
	if len(own) == 0 {
		return dst, atts, nil
	}
	return makeBinary(dst, start, len(own)), append(atts, own...), nil
}

// makeBinary turns the event or ack at dst[start] into its binary form with n
// attachments.
func makeBinary(dst []byte, start, n int) []byte {
	var buf [20]byte
	head := append(strconv.AppendInt(buf[:0], int64(n), 10), '-')
	end := len(dst)
	dst = append(dst, head...)
	copy(dst[start+1+len(head):], dst[start+1:end])
	copy(dst[start+1:], head)
	dst[start] += byte(BinaryEvent - Event)
	return dst
}

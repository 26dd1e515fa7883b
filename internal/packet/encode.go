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
// On an error, an *ArgError, dst and atts are returned as they were. nsp must
// hold no comma.
func AppendEvent(dst []byte, nsp string, id int64, event string, args []any, c jsonx.Codec, atts [][]byte) (out []byte, attsOut [][]byte, err error) {
	out = appendHead(dst, Event, nsp)
	if id >= 0 {
		out = strconv.AppendInt(out, id, 10)
	}
	at := place{packet: len(dst), array: len(out)}
	out = append(out, '[')
	out = jsonx.AppendString(out, event)
	at.args = len(out)
	return appendArgs(out, at, args, c, atts)
}

// AppendAck appends the answer to the event with the given id, as Packet
// holds it: bigID if it is not empty, else id. Everything else is as with
// AppendEvent.
func AppendAck(dst []byte, nsp string, id uint64, bigID string, args []any, c jsonx.Codec, atts [][]byte) (out []byte, attsOut [][]byte, err error) {
	out = appendHead(dst, Ack, nsp)
	if bigID != "" {
		out = append(out, bigID...)
	} else {
		out = strconv.AppendUint(out, id, 10)
	}
	at := place{packet: len(dst), array: len(out), args: len(out) + 1}
	return appendArgs(append(out, '['), at, args, c, atts)
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

// A place says where the parts of a packet begin.
type place struct {
	packet, array, args int
}

// appendArgs appends args and the closing bracket to the packet that begins
// at dst[at.packet], and makes it a binary one if there are attachments.
func appendArgs(dst []byte, at place, args []any, c jsonx.Codec, atts [][]byte) ([]byte, [][]byte, error) {
	// Placeholders count from 0 whatever atts holds already.
	own := atts[len(atts):]
	for i, arg := range args {
		if len(dst) > at.array+1 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = jsonx.AppendValue(dst, arg, c, &own); err != nil {
			return dst[:at.packet], atts, &ArgError{Index: i, Err: err}
		}
	}
	dst = append(dst, ']')
	if len(own) == 0 {
		return dst, atts, nil
	}
	// What looks like a placeholder but came with raw JSON would make every
	// receiver close its connection.
	if !scalars(args) && jsonx.CheckPlaceholders(dst[at.array:], len(own)) != nil {
		i := illegalArg(dst[at.args:], len(own))
		return dst[:at.packet], atts, &ArgError{Index: i, Err: jsonx.ErrAttachment}
	}
	return makeBinary(dst, at.packet, len(own)), append(atts, own...), nil
}

// scalars reports whether no argument can hold what looks like a placeholder.
func scalars(args []any) bool {
	for _, arg := range args {
		switch arg.(type) {
		case nil, []byte, string, bool, int, int64, float64, uint32, uint64:
		default:
			return false
		}
	}
	return true
}

// illegalArg returns the index of the first of the arguments, as they were
// written, with a placeholder that is none of n attachments.
func illegalArg(args []byte, n int) int {
	for i, from := 0, 0; ; i++ {
		if from < len(args) && args[from] == ',' {
			from++
		}
		end := jsonx.Skip(args, from, ceilingDepth)
		if end < 0 || jsonx.CheckPlaceholders(args[from:end], n) != nil {
			return i
		}
		from = end
	}
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

package packet

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/gannet-io/gannet/internal/jsonx"
	"github.com/gannet-io/gannet/internal/msgpackx"
)

// ErrID is what Msgpack refuses beyond what Parse does.
const ErrID ParseError = "invalid packet id"

// Msgpack is the dialect of the npm package socket.io-msgpack-parser: every
// packet is one binary message, a map with the keys type, nsp, data and id, and
// binary stands where it belongs.
//
// It is stricter than the official parser about events: the first element must
// be a name, and not a reserved one. It is more lenient about nil, which other
// languages write where JavaScript writes undefined.
var Msgpack msgpack

type msgpack struct{}

var _ Parser = Msgpack

// The keys of a packet.
const (
	keyType = "type"
	keyNsp  = "nsp"
	keyData = "data"
	keyID   = "id"
)

func (msgpack) Binary() bool { return true }

// Parse implements Parser. The map is walked once and nothing is allocated;
// keys that mean nothing are passed over, the last of equal ones counts.
func (msgpack) Parse(b []byte, lim *Limits, p *Packet) error {
	args := p.Args[:0]
	if cap(args) > maxKeptArgs {
		args = nil
	}
	*p = Packet{Args: args}
	pairs, i, ok := msgpackx.Map(b, 0)
	if !ok {
		return ErrPayload
	}
	depth := lim.depth()
	var raw rawPacket
	for range pairs {
		end := msgpackx.Skip(b, i, 0)
		if end < 0 {
			return ErrPayload
		}
		key, _, _ := msgpackx.Text(b, i)
		i = end
		if string(key) == keyData {
			end = raw.split(b, i, depth, p)
		} else {
			end = msgpackx.Skip(b, i, depth)
		}
		if end < 0 {
			return msgpackError(end)
		}
		raw.set(key, b[i:end:end])
		i = end
	}
	if i != len(b) {
		return ErrPayload
	}
	return raw.packet(p, lim)
}

// A rawPacket holds the values of a packet's map, nil where there is none.
type rawPacket struct {
	typ, nsp, data, id []byte
	whole              bool // the packet's Args are the elements of data
}

// split is msgpackx.Skip for data, and notes the elements of an array on the
// way.
func (r *rawPacket) split(b []byte, i, depth int, p *Packet) int {
	p.Args, r.whole = p.Args[:0], false
	n, next, ok := msgpackx.Array(b, i)
	if !ok || n > MaxArgs || depth <= 0 {
		return msgpackx.Skip(b, i, depth)
	}
	for range n {
		end := msgpackx.Skip(b, next, depth-1)
		if end < 0 {
			return end
		}
		p.Args = append(p.Args, b[next:end:end])
		next = end
	}
	r.whole = true
	return next
}

func (r *rawPacket) set(key, value []byte) {
	switch string(key) {
	case keyType:
		r.typ = value
	case keyNsp:
		r.nsp = value
	case keyData:
		r.data = value
	case keyID:
		r.id = value
	}
}

// packet checks the values and fills p with them.
func (r *rawPacket) packet(p *Packet, lim *Limits) error {
	typ, ok := msgpackx.Uint(r.typ, 0)
	if !ok || typ > uint64(ConnectError) {
		return ErrType
	}
	p.Type = Type(typ)
	if p.Namespace, _, ok = msgpackx.Text(r.nsp, 0); !ok || !validNamespace(p.Namespace, lim) {
		return ErrNamespace
	}
	if r.id != nil && !msgpackx.Absent(r.id, 0) {
		if p.ID, p.HasID = msgpackx.Uint(r.id, 0); !p.HasID {
			return ErrID
		}
	}
	if msgpackx.Absent(r.data, 0) {
		r.data = nil
	}
	p.Data = r.data
	switch p.Type {
	case Event:
		if err := r.args(); err != nil {
			return err
		}
		if len(p.Args) == 0 {
			return ErrPayload
		}
		return checkMsgpackName(p.Args[0], lim)
	case Ack:
		return r.args()
	case Connect:
		ok = r.data == nil || r.isMap()
	case ConnectError:
		_, _, ok = msgpackx.Text(r.data, 0)
		ok = ok || r.isMap()
	default:
		ok = r.data == nil
	}
	if !ok {
		return ErrPayload
	}
	return nil
}

func (r *rawPacket) isMap() bool {
	_, _, ok := msgpackx.Map(r.data, 0)
	return ok
}

// args checks that the elements of the array data have been noted.
func (r *rawPacket) args() error {
	if r.whole {
		return nil
	}
	if n, _, ok := msgpackx.Array(r.data, 0); ok && n > MaxArgs {
		return ErrTooManyArgs
	}
	return ErrPayload
}

func validNamespace(nsp []byte, lim *Limits) bool {
	if len(nsp) > lim.name() || !utf8.Valid(nsp) {
		return false
	}
	return bytes.IndexFunc(nsp, func(r rune) bool { return r < ' ' }) < 0
}

// checkMsgpackName validates the first element of an event.
func checkMsgpackName(raw []byte, lim *Limits) error {
	if msgpackx.Number(raw, 0) {
		return nil
	}
	name, _, ok := msgpackx.Text(raw, 0)
	switch {
	case !ok:
		return ErrPayload
	case len(name) > lim.name():
		return ErrEventName
	case reserved(name) || !utf8.Valid(name):
		return ErrPayload
	}
	return nil
}

func msgpackError(code int) error {
	if code == msgpackx.TooDeep {
		return ErrTooDeep
	}
	return ErrPayload
}

// EventName implements Parser: the text, or what JavaScript prints for a number.
func (msgpack) EventName(p *Packet, scratch []byte) (name []byte, ok bool) {
	if p.Type != Event || len(p.Args) == 0 {
		return nil, false
	}
	if name, _, ok = msgpackx.Text(p.Args[0], 0); ok {
		return name, true
	}
	name, err := msgpackx.AppendJSON(scratch[:0], p.Args[0], nil)
	return name, err == nil
}

// AppendEvent implements Parser; atts is returned as it is.
func (msgpack) AppendEvent(dst []byte, nsp string, id int64, event string, args []any, _ jsonx.Codec, atts [][]byte) (out []byte, attsOut [][]byte, err error) {
	pairs := 3
	if id >= 0 {
		pairs++
	}
	out = appendMsgpackHead(dst, pairs, Event)
	out = msgpackx.AppendArray(appendKey(out, keyData), 1+len(args))
	out = msgpackx.AppendString(out, event)
	if out, err = appendMsgpackArgs(out, args); err != nil {
		return dst, atts, err
	}
	if id >= 0 {
		out = msgpackx.AppendInt(appendKey(out, keyID), id)
	}
	return appendNsp(out, nsp), atts, nil
}

// AppendMarked is AppendEvent without an ack id and with a text behind the
// arguments, and tells where in out that is.
func (msgpack) AppendMarked(dst []byte, nsp, event string, args []any, mark string) (out []byte, at int, err error) {
	out = appendMsgpackHead(dst, 3, Event)
	out = msgpackx.AppendArray(appendKey(out, keyData), 2+len(args))
	out = msgpackx.AppendString(out, event)
	if out, err = appendMsgpackArgs(out, args); err != nil {
		return dst, 0, err
	}
	out = msgpackx.AppendString(out, mark)
	at = len(out) - len(mark)
	return appendNsp(out, nsp), at, nil
}

// AppendAck implements Parser; atts is returned as it is.
func (msgpack) AppendAck(dst []byte, nsp string, id uint64, bigID string, args []any, _ jsonx.Codec, atts [][]byte) (out []byte, attsOut [][]byte, err error) {
	if bigID != "" {
		// Of a packet that the other dialect has parsed; 0 if it is "Infinity".
		id, _ = strconv.ParseUint(bigID, 10, 64)
	}
	out = msgpackx.AppendUint(appendKey(msgpackx.AppendMap(dst, 4), keyID), id)
	out = append(appendKey(out, keyType), byte(Ack))
	out = msgpackx.AppendArray(appendKey(out, keyData), len(args))
	if out, err = appendMsgpackArgs(out, args); err != nil {
		return dst, atts, err
	}
	return appendNsp(out, nsp), atts, nil
}

// AppendConnect implements Parser.
func (msgpack) AppendConnect(dst []byte, nsp, sid, pid string) []byte {
	if sid == "" {
		return appendNsp(appendMsgpackHead(dst, 2, Connect), nsp)
	}
	dst = appendMsgpackHead(dst, 3, Connect)
	pairs := 1
	if pid != "" {
		pairs++
	}
	dst = msgpackx.AppendMap(appendKey(dst, keyData), pairs)
	dst = msgpackx.AppendString(appendKey(dst, "sid"), sid)
	if pid != "" {
		dst = msgpackx.AppendString(appendKey(dst, "pid"), pid)
	}
	return appendNsp(dst, nsp)
}

// AppendConnectError implements Parser.
func (msgpack) AppendConnectError(dst []byte, nsp, message string, data any, _ jsonx.Codec) (out []byte, err error) {
	out = appendMsgpackHead(dst, 3, ConnectError)
	out = appendNsp(out, nsp)
	pairs := 1
	if data != nil {
		pairs++
	}
	out = msgpackx.AppendMap(appendKey(out, keyData), pairs)
	out = msgpackx.AppendString(appendKey(out, "message"), message)
	if data != nil {
		if out, err = msgpackx.AppendValue(appendKey(out, keyData), data); err != nil {
			return dst, err
		}
	}
	return out, nil
}

// AppendLegacyConnectError implements Parser.
func (msgpack) AppendLegacyConnectError(dst []byte, nsp, message string, data any, _ jsonx.Codec) (out []byte, err error) {
	if data == nil {
		data = message
	}
	out = appendKey(appendMsgpackHead(dst, 3, ConnectError), keyData)
	if out, err = msgpackx.AppendValue(out, data); err != nil {
		return dst, err
	}
	return appendNsp(out, nsp), nil
}

// AppendDisconnect implements Parser.
func (msgpack) AppendDisconnect(dst []byte, nsp string) []byte {
	return appendNsp(appendMsgpackHead(dst, 2, Disconnect), nsp)
}

// Decode implements Parser.
func (msgpack) Decode(raw []byte, _ [][]byte, c jsonx.Codec, v any) error {
	if raw == nil {
		return jsonx.Decode(null, nil, c, v)
	}
	return msgpackx.Decode(raw, c, v)
}

// Bytes implements Parser.
func (msgpack) Bytes(raw []byte, _ [][]byte) ([]byte, bool) { return msgpackx.Bytes(raw) }

// AppendJSON implements Parser.
func (msgpack) AppendJSON(dst, raw []byte, atts *[][]byte) ([]byte, error) {
	if raw == nil {
		return append(dst, null...), nil
	}
	return msgpackx.AppendJSON(dst, raw, atts)
}

// AppendMsgpack implements msgpackx.Appender.
func (a *RawArg) AppendMsgpack(dst []byte) ([]byte, error) {
	if a.Parser.Binary() {
		return append(dst, a.Raw...), nil
	}
	return msgpackx.FromJSON(dst, a.Raw, a.Atts)
}

// appendMsgpackHead begins a packet of so many pairs with its type.
func appendMsgpackHead(dst []byte, pairs int, t Type) []byte {
	return append(appendKey(msgpackx.AppendMap(dst, pairs), keyType), byte(t))
}

// appendNsp appends the namespace, "/" if it is empty.
func appendNsp(dst []byte, nsp string) []byte {
	return msgpackx.AppendString(appendKey(dst, keyNsp), nsp)
}

func appendKey(dst []byte, key string) []byte { return msgpackx.AppendString(dst, key) }

func appendMsgpackArgs(dst []byte, args []any) (out []byte, err error) {
	for i, arg := range args {
		if dst, err = msgpackx.AppendValue(dst, arg); err != nil {
			return nil, &ArgError{Index: i, Err: err}
		}
	}
	return dst, nil
}

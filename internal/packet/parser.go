package packet

import "github.com/gannet-io/gannet/internal/jsonx"

// A Parser is one dialect of the protocol, which a server and all its clients
// must share. Text and Msgpack are the two that there are. All methods are safe
// for concurrent use.
//
// What is above reads a message with Parse, keeps Packet.Args as the raw bytes
// that they are, and asks Decode, Bytes or AppendJSON about one of them when a
// handler does. The bytes of an argument mean something to their own Parser
// only; they may be given back to it as an argument that is a RawArg.
type Parser interface {
	// Binary reports whether packets are binary messages. If so, attachments
	// never occur: Parse sees every message, and no Assembler is needed.
	Binary() bool

	// Parse reads one message, of the kind that Binary says, into p; see the
	// function Parse. A message of the other kind that is no attachment is a
	// violation of the protocol. Packet.Data and Args are in the dialect.
	Parse(b []byte, lim *Limits, p *Packet) error

	// EventName returns the name of an event; see Packet.EventName.
	EventName(p *Packet, scratch []byte) (name []byte, ok bool)

	// AppendEvent, AppendAck, AppendConnect, AppendConnectError,
	// AppendLegacyConnectError and AppendDisconnect write packets; see the
	// functions of these names.
	AppendEvent(dst []byte, nsp string, id int64, event string, args []any, c jsonx.Codec, atts [][]byte) ([]byte, [][]byte, error)
	AppendAck(dst []byte, nsp string, id uint64, bigID string, args []any, c jsonx.Codec, atts [][]byte) ([]byte, [][]byte, error)
	AppendConnect(dst []byte, nsp, sid, pid string) []byte
	AppendConnectError(dst []byte, nsp, message string, data any, c jsonx.Codec) ([]byte, error)
	AppendLegacyConnectError(dst []byte, nsp, message string, data any, c jsonx.Codec) ([]byte, error)
	AppendDisconnect(dst []byte, nsp string) []byte

	// Decode reads the argument raw, with the attachments of its packet, into
	// v, as jsonx.Decode does. raw may be nil, which decodes like null.
	Decode(raw []byte, atts [][]byte, c jsonx.Codec, v any) error

	// Bytes returns the argument raw if it is binary: a view of it, or of one
	// of atts.
	Bytes(raw []byte, atts [][]byte) (b []byte, ok bool)

	// AppendJSON appends the argument raw, or the Data of a CONNECT, as JSON in
	// which placeholders stand for *atts, to which it may append. raw has come
	// out of Parse; a nil raw is null.
	AppendJSON(dst, raw []byte, atts *[][]byte) ([]byte, error)
}

// A RawArg is an argument that is passed on as it came: the Raw and the
// attachments of a packet that Parser has parsed. Among the arguments of
// AppendEvent or AppendAck of the same Parser it is written without being
// decoded; of the other it is translated. It is meant to be used by its
// pointer, which does not allocate.
type RawArg struct {
	Parser Parser
	Raw    []byte
	Atts   [][]byte
}

// AppendJSON implements jsonx.Appender.
func (a *RawArg) AppendJSON(dst []byte, atts *[][]byte) ([]byte, error) {
	if !a.Parser.Binary() {
		return jsonx.Forward(dst, a.Raw, a.Atts, atts)
	}
	return a.Parser.AppendJSON(dst, a.Raw, atts)
}

// MarshalJSON implements json.Marshaler, for codecs that meet a RawArg inside
// a value of the user's. Binary is lost.
func (a *RawArg) MarshalJSON() ([]byte, error) { return a.Parser.AppendJSON(nil, a.Raw, nil) }

// Text is the default dialect: JSON in text messages, binary in attachments. Like
// Msgpack it has a type of its own, so that a call of its methods is a direct one
// and lets the arguments stay on the stack.
var Text text

type text struct{}

var _ Parser = Text

func (text) Binary() bool { return false }

func (text) Parse(b []byte, lim *Limits, p *Packet) error { return Parse(b, lim, p) }

func (text) EventName(p *Packet, scratch []byte) ([]byte, bool) { return p.EventName(scratch) }

func (text) AppendEvent(dst []byte, nsp string, id int64, event string, args []any, c jsonx.Codec, atts [][]byte) ([]byte, [][]byte, error) {
	return AppendEvent(dst, nsp, id, event, args, c, atts)
}

func (text) AppendAck(dst []byte, nsp string, id uint64, bigID string, args []any, c jsonx.Codec, atts [][]byte) ([]byte, [][]byte, error) {
	return AppendAck(dst, nsp, id, bigID, args, c, atts)
}

func (text) AppendConnect(dst []byte, nsp, sid, pid string) []byte {
	return AppendConnect(dst, nsp, sid, pid)
}

func (text) AppendConnectError(dst []byte, nsp, message string, data any, c jsonx.Codec) ([]byte, error) {
	return AppendConnectError(dst, nsp, message, data, c)
}

func (text) AppendLegacyConnectError(dst []byte, nsp, message string, data any, c jsonx.Codec) ([]byte, error) {
	return AppendLegacyConnectError(dst, nsp, message, data, c)
}

func (text) AppendDisconnect(dst []byte, nsp string) []byte { return AppendDisconnect(dst, nsp) }

func (text) Decode(raw []byte, atts [][]byte, c jsonx.Codec, v any) error {
	if raw == nil {
		raw = null
	}
	return jsonx.Decode(raw, atts, c, v)
}

func (text) Bytes(raw []byte, atts [][]byte) (b []byte, ok bool) {
	if len(raw) == 0 || raw[0] != '{' || len(atts) == 0 || jsonx.Decode(raw, atts, nil, &b) != nil {
		return nil, false
	}
	return b, b != nil
}

func (text) AppendJSON(dst, raw []byte, _ *[][]byte) ([]byte, error) {
	if raw == nil {
		raw = null
	}
	return append(dst, raw...), nil
}

// null is what an argument that was not sent decodes like.
var null = []byte("null")

package packet

import (
	"bytes"
	"math"
	"strconv"

	"github.com/gannet-io/gannet/internal/jsonx"
)

// rootNamespace is what Namespace holds where the packet names none.
var rootNamespace = []byte("/")

// Parse reads the packet b, without the Engine.IO message byte, into p. lim
// may be nil. Whatever it accepts is complete: the JSON is valid within the
// depth limit and has the shape that the type asks for. On an error p holds
// nothing of use.
func Parse(b []byte, lim *Limits, p *Packet) error {
	args := p.Args[:0]
	if cap(args) > maxKeptArgs {
		args = nil
	}
	p.Type, p.HasID, p.Attachments = 0, false, 0
	p.ID, p.BigID = 0, ""
	p.Namespace, p.Data, p.Args = rootNamespace, nil, args
	if len(b) == 0 {
		return ErrEmpty
	}
	t := b[0] - '0'
	if t > uint8(BinaryAck) {
		return ErrType
	}
	p.Type = Type(t)
	i := 1
	var err error
	if p.Type >= BinaryEvent {
		if i, err = p.parseAttachments(b, lim); err != nil {
			return err
		}
	}
	if i < len(b) && b[i] == '/' {
		if i, err = p.parseNamespace(b, i, lim); err != nil {
			return err
		}
	}
	if i < len(b) && b[i]-'0' < 10 {
		i = p.parseID(b, i)
	}
	if i == len(b) {
		return nil
	}
	return p.parsePayload(b[i:], lim)
}

func (p *Packet) parseAttachments(b []byte, lim *Limits) (int, error) {
	i, n := 1, 0
	for i < len(b) && b[i]-'0' < 10 {
		if n <= ceiling {
			n = n*10 + int(b[i]-'0')
		}
		i++
	}
	if i == len(b) || b[i] != '-' || n == 0 {
		return 0, ErrAttachmentCount
	}
	if n > lim.attachments() {
		return 0, ErrTooManyAttachments
	}
	p.Attachments = n
	return i + 1, nil
}

func (p *Packet) parseNamespace(b []byte, i int, lim *Limits) (int, error) {
	limit := lim.name()
	nsp := b[i:]
	// Look no further than a legal name reaches.
	if len(nsp) > limit {
		nsp = nsp[:limit+1]
	}
	end := bytes.IndexByte(nsp, ',')
	next := i + end + 1
	if end < 0 {
		end, next = len(nsp), len(b)
	}
	if end > limit {
		return 0, ErrNamespace
	}
	nsp = nsp[:end:end]
	for _, c := range nsp {
		if c < ' ' {
			return 0, ErrNamespace
		}
	}
	p.Namespace = nsp
	return next, nil
}

func (p *Packet) parseID(b []byte, i int) int {
	start := i
	var id uint64
	for i < len(b) && b[i]-'0' < 10 {
		id = id*10 + uint64(b[i]-'0')
		i++
	}
	p.HasID, p.ID = true, id
	// 15 digits are always exact in a double.
	if i-start > 15 {
		p.bigID(b[start:i])
	}
	return i
}

// bigID sets an ack id of many digits as JavaScript reads and prints it.
func (p *Packet) bigID(digits []byte) {
	digits = bytes.TrimLeft(digits, "0")
	if len(digits) <= 15 {
		p.ID, _ = strconv.ParseUint("0"+string(digits), 10, 64)
		return
	}
	f := math.Inf(1)
	if len(digits) <= 309 {
		f, _ = strconv.ParseFloat(string(digits), 64)
	}
	if f < 1<<53 {
		p.ID = uint64(f)
		return
	}
	p.ID = math.MaxUint64
	if f < 1<<64 {
		p.ID = uint64(f)
	}
	if math.IsInf(f, 0) {
		p.BigID = "Infinity"
		return
	}
	p.BigID = string(jsonx.AppendFloat(nil, f))
}

func (p *Packet) parsePayload(b []byte, lim *Limits) error {
	depth := lim.depth()
	p.Data = b
	switch p.Type {
	case Event, BinaryEvent:
		if err := p.parseArgs(b, depth); err != nil {
			return err
		}
		if len(p.Args) == 0 {
			return ErrPayload
		}
		return checkName(p.Args[0], lim)
	case Ack, BinaryAck:
		return p.parseArgs(b, depth)
	case Connect:
		if b[0] != '{' {
			return ErrPayload
		}
	case ConnectError:
		if b[0] != '{' && b[0] != '"' {
			return ErrPayload
		}
	default:
		return ErrPayload
	}
	end := jsonx.Skip(b, 0, depth)
	if end < 0 {
		return jsonError(end)
	}
	return endPayload(b, end)
}

// parseArgs validates the array b and notes its elements.
func (p *Packet) parseArgs(b []byte, depth int) error {
	if b[0] != '[' {
		return ErrPayload
	}
	args := p.Args
	i := jsonx.SkipSpace(b, 1)
	if i < len(b) && b[i] == ']' {
		return endPayload(b, i+1)
	}
	for {
		end := jsonx.Skip(b, i, depth-1)
		if end < 0 {
			return jsonError(end)
		}
		if len(args) == MaxArgs {
			return ErrTooManyArgs
		}
		args = append(args, b[i:end:end])
		i = jsonx.SkipSpace(b, end)
		if i >= len(b) {
			return ErrPayload
		}
		switch b[i] {
		case ',':
			i = jsonx.SkipSpace(b, i+1)
		case ']':
			p.Args = args
			return endPayload(b, i+1)
		default:
			return ErrPayload
		}
	}
}

// endPayload allows nothing but white space from b[i] on.
func endPayload(b []byte, i int) error {
	if i == len(b) || jsonx.SkipSpace(b, i) == len(b) {
		return nil
	}
	return ErrPayload
}

func jsonError(code int) error {
	if code == jsonx.TooDeep {
		return ErrTooDeep
	}
	return ErrPayload
}

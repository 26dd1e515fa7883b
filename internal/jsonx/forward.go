package jsonx

import "sync"

// An Appender writes its own JSON. AppendValue asks it before the Codec, so a
// value that is JSON already costs neither a check nor an allocation.
// AppendJSON appends valid JSON to dst, and to *atts the attachments that its
// placeholders name; atts is nil where binary is base64.
type Appender interface {
	AppendJSON(dst []byte, atts *[][]byte) ([]byte, error)
}

// Forward appends raw, valid JSON whose placeholders name elements of atts, to
// dst: the attachments that are used are appended to *out and the placeholders
// name them there. Without attachments, or with a nil out, raw is appended as
// it is.
func Forward(dst, raw []byte, atts [][]byte, out *[][]byte) ([]byte, error) {
	if len(atts) == 0 || out == nil {
		return append(dst, raw...), nil
	}
	f := findNodes(raw, len(atts))
	defer f.free()
	if f.bad {
		return dst, ErrAttachment
	}
	from := 0
	for _, n := range f.nodes {
		if n.num < 0 {
			continue
		}
		dst = append(dst, raw[from:n.start]...)
		dst = AppendPlaceholder(dst, len(*out))
		*out = append(*out, atts[n.num])
		from = n.end
	}
	return append(dst, raw[from:]...), nil
}

// lists holds *[][]byte values between uses: what an Appender gets a pointer to
// would be allocated each time.
var lists sync.Pool

// appender writes an Appender.
func (w *writer) appender(dst []byte, v Appender) ([]byte, error) {
	if !w.binary {
		return v.AppendJSON(dst, nil)
	}
	list, ok := lists.Get().(*[][]byte)
	if !ok {
		list = new([][]byte)
	}
	*list = w.atts
	dst, err := v.AppendJSON(dst, list)
	w.atts = *list
	*list = nil
	lists.Put(list)
	return dst, err
}

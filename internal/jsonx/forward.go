package jsonx

// An Appender writes its own JSON. AppendValue asks it before anything else,
// so a value that is JSON already costs neither a check nor an allocation.
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
	var few [16]node
	nodes, err := appendNodes(few[:0], raw, len(atts))
	if err != nil {
		return dst, err
	}
	from := 0
	for _, n := range nodes {
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

// appender writes an Appender.
func (w *writer) appender(dst []byte, v Appender) ([]byte, error) {
	if !w.binary {
		return v.AppendJSON(dst, nil)
	}
	return v.AppendJSON(dst, &w.atts)
}

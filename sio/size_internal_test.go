package sio

import (
	"testing"
	"unsafe"
)

// TestClientIsSmall bounds the object that an idle connection has here: with 248
// bytes it would take the allocator's next class, 256.
func TestClientIsSmall(t *testing.T) {
	t.Parallel()
	if n := unsafe.Sizeof(client{}); unsafe.Sizeof(uintptr(0)) == 8 && n > 240 {
		t.Errorf("a client is %d bytes, want at most 240", n)
	}
}

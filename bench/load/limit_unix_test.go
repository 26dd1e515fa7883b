//go:build unix

package load_test

import (
	"syscall"
	"testing"

	"github.com/gannet-io/gannet/bench/load"
	"github.com/gannet-io/gannet/sio"
)

// TestDescriptorLimit runs out of descriptors. It changes the limit of the
// process, so it is alone.
func TestDescriptorLimit(t *testing.T) {
	addr := serve(t, sio.Options{}, nil)
	p := newPool(t, load.Options{Addr: addr})
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	few := before
	few.Cur = 8
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	err := p.Dial(t.Context(), 20, 1)
	if err2 := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err2 != nil {
		t.Fatal(err2)
	}
	wantError(t, err, load.Descriptors, "8 files open")
}

//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package loop_test

import (
	"testing"

	"github.com/gannet-io/gannet/internal/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

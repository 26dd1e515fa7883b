//go:build !unix

package scenario

import "time"

// ownCPU is not known here.
func ownCPU() time.Duration { return 0 }

//go:build !unix

package load

import "math"

// DescriptorLimit returns how many files this process may have open: here there
// is no limit.
func DescriptorLimit() int { return math.MaxInt32 }

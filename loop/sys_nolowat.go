//go:build dragonfly || freebsd || netbsd || openbsd

package loop

// setNotSentLowat does nothing where the option does not exist.
func setNotSentLowat(int) {}

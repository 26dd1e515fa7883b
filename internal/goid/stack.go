package goid

import "runtime"

// fromStack reads the goroutine number out of the first line of a stack
// trace, "goroutine 18 [running]:".
func fromStack() uintptr {
	var buf [64]byte
	n := runtime.Stack(buf[:], false)
	var id uintptr
	for _, b := range buf[len("goroutine "):n] {
		if b < '0' || b > '9' {
			break
		}
		id = id*10 + uintptr(b-'0')
	}
	return id
}

package wsconform

import "fmt"

// sizes are classes 9 and 10. Of what differs in size alone an ordinary run has
// the smallest, one in the middle and the largest, and that for text.
func (l *list) sizes() {
	kinds := []Traffic{{Op: opText, Data: "BAsd7&jh23"}, {Op: opBinary, Data: "\x00\xfe\x23\xfa\xf0"}}
	large := func(leave bool) {
		(*l)[len(*l)-1].Large = leave
	}
	for i, t := range kinds {
		for j, kib := range []int{64, 256, 1 << 10, 4 << 10, 8 << 10, 16 << 10} {
			t.Size, t.Count = kib<<10, 1
			l.traffic(fmt.Sprintf("9.%d.%d", 1+i, 1+j), fmt.Sprintf("a %s message of %d KiB", opName(t.Op), kib), "the echo", t)
			large(kib > 1<<10 && (i == 1 || j < 5))
		}
	}
	for i, t := range kinds {
		for j := range 9 {
			t.Size, t.Count, t.Fragment = 4<<20, 1, 64<<(2*j)
			l.traffic(fmt.Sprintf("9.%d.%d", 3+i, 1+j), fmt.Sprintf("a %s message of 4 MiB in fragments of %d", opName(t.Op), t.Fragment), "the echo", t)
			large(j%4 != 0 || i == 1 && j > 0)
		}
	}
	for i, t := range kinds {
		for j := range 6 {
			t.Size, t.Count, t.Chop = 1<<20, 1, 64<<j
			l.traffic(fmt.Sprintf("9.%d.%d", 5+i, 1+j), fmt.Sprintf("a %s message of 1 MiB in writes of %d", opName(t.Op), t.Chop), "the echo", t)
			large(j > 0 && i == 1)
		}
	}
	for i, t := range kinds {
		for j, size := range []int{0, 16, 64, 256, 1024, 4096} {
			t.Size, t.Count = size, 1000
			l.traffic(fmt.Sprintf("9.%d.%d", 7+i, 1+j), fmt.Sprintf("1000 %s messages of %d bytes, one by one", opName(t.Op), size), "1000 echoes", t)
		}
	}
	l.traffic("10.1.1", "a text of 65536 bytes in fragments of 1300", "the echo", Traffic{Op: opText, Size: 65536, Count: 1, Fragment: 1300, Data: "*"})
}

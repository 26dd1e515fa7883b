//go:build gannetdebug

package bufpool

const poisonByte = 0xDB

// poison overwrites the bytes of a released Buf.
func poison(b *Buf) {
	whole := b.B[:cap(b.B)]
	for i := range whole {
		whole[i] = poisonByte
	}
}

// checkGet panics if somebody wrote into a pooled Buf after its release.
func checkGet(b *Buf) {
	whole := b.B[:cap(b.B)]
	if len(whole) == 0 || whole[0] == 0 {
		return // fresh from the allocator
	}
	for _, v := range whole {
		if v != poisonByte {
			panic("bufpool: bytes were written after the last Release")
		}
	}
}

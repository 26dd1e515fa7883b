package puff

import "errors"

// A Decoder decompresses one message. Its zero value is ready.
type Decoder struct {
	// Out is what has been decompressed.
	Out []byte

	// Far is the largest distance of a match.
	Far int

	// Last counts the blocks that call themselves the last.
	Last int

	in  []byte
	bit int
}

var errCorrupt = errors.New("puff: corrupt")

// Inflate decompresses p, the payload of a message: the tail that senders take
// off (RFC 7692, section 7.2.1) is added here.
func (s *Decoder) Inflate(p []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = errCorrupt
		}
	}()
	s.in = append(append([]byte(nil), p...), 0, 0, 0xFF, 0xFF)
	for s.bit < 8*len(s.in) {
		if err := s.block(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Decoder) block() error {
	s.Last += s.bits(1)
	switch s.bits(2) {
	case 0:
		s.bit = (s.bit + 7) &^ 7
		n := s.bits(16)
		if n != s.bits(16)^0xFFFF {
			return errCorrupt
		}
		for range n {
			s.Out = append(s.Out, byte(s.bits(8)))
		}
	case 1:
		lengths := make([]int, 288)
		for i := range lengths {
			lengths[i] = 8 + min(i/144, 1)
			if i >= 256 {
				lengths[i] = 7 + i/280
			}
		}
		dists := make([]int, 30)
		for i := range dists {
			dists[i] = 5
		}
		s.codes(lengths, dists)
	case 2:
		s.dynamic()
	default:
		return errCorrupt
	}
	return nil
}

func (s *Decoder) bits(n int) (v int) {
	for i := range n {
		v |= int(s.in[s.bit>>3]>>(s.bit&7)&1) << i
		s.bit++
	}
	return v
}

func (s *Decoder) dynamic() {
	nlen, ndist, ncode := s.bits(5)+257, s.bits(5)+1, s.bits(4)+4
	order := []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	meta := make([]int, 19)
	for i := range ncode {
		meta[order[i]] = s.bits(3)
	}
	var lengths []int
	for len(lengths) < nlen+ndist {
		sym := s.symbol(meta)
		prev, times := 0, 1
		switch sym {
		case 16:
			prev, times = lengths[len(lengths)-1], 3+s.bits(2)
		case 17:
			times = 3 + s.bits(3)
		case 18:
			times = 11 + s.bits(7)
		default:
			prev = sym
		}
		for range times {
			lengths = append(lengths, prev)
		}
	}
	s.codes(lengths[:nlen], lengths[nlen:nlen+ndist])
}

func (s *Decoder) codes(lengths, dists []int) {
	for {
		sym := s.symbol(lengths)
		if sym < 256 {
			s.Out = append(s.Out, byte(sym))
			continue
		}
		if sym == 256 {
			return
		}
		n := 258
		switch i := sym - 257; {
		case i < 8:
			n = 3 + i
		case i < 28:
			n = 3 + (4+i&3)<<(i>>2-1) + s.bits(i>>2-1)
		}
		d := s.symbol(dists)
		if d < 4 {
			d++
		} else {
			d = 1 + (2+d&1)<<(d>>1-1) + s.bits(d>>1-1)
		}
		s.Far = max(s.Far, d)
		for range n {
			s.Out = append(s.Out, s.Out[len(s.Out)-d])
		}
	}
}

// symbol reads one code of the canonical Huffman tree with these lengths.
func (s *Decoder) symbol(lengths []int) int {
	var counts [16]int
	for _, l := range lengths {
		counts[l]++
	}
	code, first := 0, 0
	for n := 1; n <= 15; n++ {
		code |= s.bits(1)
		if code-first < counts[n] {
			return nth(lengths, n, code-first)
		}
		first = (first + counts[n]) << 1
		code <<= 1
	}
	panic(errCorrupt)
}

// nth returns the symbol that is the i-th with codes of n bits.
func nth(lengths []int, n, i int) int {
	for sym, l := range lengths {
		if l != n {
			continue
		}
		if i == 0 {
			return sym
		}
		i--
	}
	panic(errCorrupt)
}

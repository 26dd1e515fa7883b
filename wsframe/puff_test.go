package wsframe_test

import "errors"

// A puff decompresses DEFLATE in the most obvious way (RFC 1951) and notes how
// far back the matches reach.
type puff struct {
	in   []byte
	bit  int
	out  []byte
	far  int // the largest distance
	last int // blocks with BFINAL
}

var errPuff = errors.New("corrupt")

// inflate decompresses p, a message payload: the tail is added here.
func (s *puff) inflate(p []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = errPuff
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

func (s *puff) block() error {
	s.last += s.bits(1)
	switch s.bits(2) {
	case 0:
		s.bit = (s.bit + 7) &^ 7
		n := s.bits(16)
		if n != s.bits(16)^0xFFFF {
			return errPuff
		}
		for range n {
			s.out = append(s.out, byte(s.bits(8)))
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
		return errPuff
	}
	return nil
}

func (s *puff) bits(n int) (v int) {
	for i := range n {
		v |= int(s.in[s.bit>>3]>>(s.bit&7)&1) << i
		s.bit++
	}
	return v
}

func (s *puff) dynamic() {
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

func (s *puff) codes(lengths, dists []int) {
	for {
		sym := s.symbol(lengths)
		if sym < 256 {
			s.out = append(s.out, byte(sym))
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
		s.far = max(s.far, d)
		for range n {
			s.out = append(s.out, s.out[len(s.out)-d])
		}
	}
}

// symbol reads one code of the canonical Huffman tree with these lengths.
func (s *puff) symbol(lengths []int) int {
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
	panic(errPuff)
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
	panic(errPuff)
}

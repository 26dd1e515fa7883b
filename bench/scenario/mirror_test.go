package scenario_test

import (
	"bufio"
	"net"
	"sync"
	"testing"
)

// mirror is a plain WebSocket server that sends every frame back, without its
// mask and without an allocation.
func mirror(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { // stops when the listener is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { reflect(c) }) // stops when the client closes
		}
	})
	tb.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func reflect(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReaderSize(c, 64<<10)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) == 2 {
			break
		}
	}
	_, _ = c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"))
	for {
		head, err := r.Peek(6)
		if err != nil {
			return
		}
		size, n := 6, int(head[1]&0x7F)
		if n == 126 {
			size, n = 8, int(head[2])<<8|int(head[3])
		}
		frame, err := r.Peek(size + n)
		if err != nil {
			return
		}
		key := [4]byte(frame[size-4 : size])
		for i := range n {
			frame[size+i] ^= key[i%4]
		}
		op, length := frame[0], [2]byte(frame[2:4])
		out := frame[4:]
		out[0], out[1] = op, frame[1]&0x7F
		if size == 8 {
			out[2], out[3] = length[0], length[1]
		}
		if _, err := c.Write(out); err != nil {
			return
		}
		_, _ = r.Discard(size + n)
	}
}

package engine

import (
	"github.com/gannet-io/gannet/internal/bufpool"
	"github.com/gannet-io/gannet/polling"
	"github.com/gannet-io/gannet/wsframe"
)

// Static packets. They are never released, so they never return to a pool.
var (
	framePing  = staticFrame("2")
	framePong  = staticFrame("3") // of revision 3
	frameProbe = staticFrame("3probe")
)

func staticFrame(text string) *bufpool.Buf {
	return bufpool.Static(wsframe.AppendFrame(nil, wsframe.OpText, []byte(text)))
}

// AppendTextMessage appends an Engine.IO message with the given text as a
// WebSocket frame.
func AppendTextMessage(dst, text []byte) []byte {
	dst = wsframe.AppendHeader(dst, wsframe.OpText, len(text)+1)
	dst = append(dst, byte('4'))
	return append(dst, text...)
}

// AppendBinaryMessage appends an Engine.IO binary message as a WebSocket frame.
func AppendBinaryMessage(dst, data []byte) []byte {
	return wsframe.AppendFrame(dst, wsframe.OpBinary, data)
}

// SplitFrame takes the first frame off a packet. The packet was written by
// this process: the frames are whole and unmasked.
func SplitFrame(b []byte) (binary bool, payload, rest []byte) {
	binary = wsframe.Opcode(b[0]&0x0F) == wsframe.OpBinary
	n, head := int(b[1]), 2
	switch n {
	case 126:
		n, head = int(b[2])<<8|int(b[3]), 4
	case 127:
		n, head = 0, 10
		for _, c := range b[2:10] {
			n = n<<8 | int(c)
		}
	}
	return binary, b[head : head+n], b[head+n:]
}

// pollingSize returns the length in bytes of a packet in polling form,
// separators between its own messages included.
func pollingSize(frames []byte) int {
	size := -1
	for len(frames) > 0 {
		var binary bool
		var payload []byte
		binary, payload, frames = SplitFrame(frames)
		if size++; binary {
			size += polling.BinarySize(len(payload))
		} else {
			size += len(payload)
		}
	}
	return size
}

// appendPolling appends a packet in polling form, its messages joined by the
// separator.
func appendPolling(dst, frames []byte) []byte {
	for first := true; len(frames) > 0; first = false {
		var binary bool
		var payload []byte
		binary, payload, frames = SplitFrame(frames)
		if !first {
			dst = append(dst, polling.Separator)
		}
		if binary {
			dst = polling.AppendBinaryPacket(dst, payload)
		} else {
			dst = append(dst, payload...)
		}
	}
	return dst
}

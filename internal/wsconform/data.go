package wsconform

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// Data is bytes that messages are cut from, over and over again.
type Data string

// Cut returns size bytes from offset on and where the next message begins. Text
// is cut between characters, so that a few bytes may be missing.
func (d Data) Cut(offset, size int, text bool) (message string, next int) {
	for size > len(d)-offset {
		message += string(d[offset:])
		size -= len(d) - offset
		if offset = 0; size > 16*len(d) {
			message += strings.Repeat(string(d), size/len(d))
			size %= len(d)
		}
	}
	end := offset + size
	for text && end > offset && end < len(d) && !utf8.RuneStart(d[end]) {
		end--
	}
	return message + string(d[offset:end]), end % len(d)
}

// dataSize is how long the data is that is made here.
const dataSize = 200_000

// A dice throws the same numbers each time.
type dice uint32

func (d *dice) throw(n int) int {
	*d = *d*1664525 + 1013904223
	return int(uint32(*d)>>8) % n
}

var words = strings.Fields(`das Volk ist frei seht wie wohl ihm geht und wer nicht hören will muss fühlen
	der Geist der stets verneint so ist denn alles was ihr Sünde Zerstörung kurz das Böse nennt mein eigentliches
	Element bescheidne Wahrheit sprech ich dir wenn sich der Mensch die kleine Narrenwelt gewöhnlich für ein Ganzes hält`)

// made returns what write makes of a dice, in the length of all data.
func made(write func(*strings.Builder, *dice)) func() Data {
	return sync.OnceValue(func() Data {
		var b strings.Builder
		d := dice(7)
		for b.Len() < dataSize {
			write(&b, &d)
		}
		return Data(b.String())
	})
}

var jsonData = made(func(b *strings.Builder, d *dice) {
	fmt.Fprintf(b, `{"id":%d,"user":{"name":%q,"tags":[%q,%q]},"score":%d.%d,"seen":%t},`+"\n",
		b.Len(), words[d.throw(len(words))], words[d.throw(len(words))], words[d.throw(len(words))], d.throw(1e6), d.throw(100), d.throw(2) == 0)
})

var pictureData = made(func(b *strings.Builder, d *dice) {
	grey := 128
	for range 512 {
		grey = min(255, max(0, grey+d.throw(9)-4))
		b.WriteByte(byte(grey))
	}
})

var proseData = made(func(b *strings.Builder, d *dice) {
	for range 8 {
		b.WriteString(words[d.throw(len(words))] + " ")
	}
	b.WriteString("\n")
})

var htmlData = made(func(b *strings.Builder, d *dice) {
	fmt.Fprintf(b, `<tr class="row%d"><td><a href="/%s/%d">%s &ndash; %s</a></td></tr>`+"\n",
		d.throw(2), words[d.throw(len(words))], d.throw(1000), words[d.throw(len(words))], words[d.throw(len(words))])
})

var archiveData = made(func(b *strings.Builder, d *dice) {
	fmt.Fprintf(b, "%d 0 obj << /Length 4000 >> stream\n", d.throw(1000))
	for range 4000 {
		b.WriteByte(byte(d.throw(256)))
	}
})

package wsconform

import (
	"fmt"
	"strings"
)

// greek is a word of which every character but one has two bytes.
const greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"

// text is 6.1 to 6.4: text in fragments, and how soon it is refused.
func (l *list) text() {
	const umlauts = "Hello-µ@ßöäüàá-UTF-8!!"
	f := frame
	l.script("6.1.1", "an empty text", "the echo", Script{sent(f(fin|opText, "")), echoed(message("")), clean})
	l.script("6.1.2", "an empty text in three fragments", "the echo",
		Script{sent(f(opText, ""), f(opCont, ""), f(fin|opCont, "")), echoed(message("")), clean})
	l.script("6.1.3", "a text between two empty fragments", "the echo",
		Script{sent(f(opText, ""), f(opCont, "middle frame payload"), f(fin|opCont, "")), echoed(message("middle frame payload")), clean})
	l.script("6.2.1", "a text with characters of two bytes", "the echo", Script{sent(f(fin|opText, umlauts)), echoed(message(umlauts)), clean})
	half := strings.Index(umlauts, "ü")
	l.script("6.2.2", "the same in two fragments, cut between characters", "the echo",
		Script{sent(f(opText, umlauts[:half]), f(fin|opCont, umlauts[half:])), echoed(message(umlauts)), clean})
	for i, t := range []string{umlauts, greek} {
		l.script(fmt.Sprint("6.2.", 3+i), "a text in fragments of one byte", "the echo",
			Script{sent(AppendMessage(nil, opText, []byte(t), 1)), echoed(message(t)), clean})
	}
	const surrogate = greek + "\xed\xa0\x80" + "edited"
	l.script("6.3.1", "a text with half a surrogate", "1007", Script{sent(f(fin|opText, surrogate)), echoed(), badText})
	l.script("6.3.2", "the same in fragments of one byte", "1007",
		Script{sent(AppendMessage(nil, opText, []byte(surrogate), 1)), echoed(), badText})
	l.failFast()
}

// failFast is 6.4: the first bytes are in order, the next are not, the last are
// never sent, so that a server which waits for them is found out. That the first
// are accepted shows a ping, or, where that may not stand, the same beginning
// with another end.
func (l *list) failFast() {
	const whole = greek + "\xf4\x90\x80\x80" + "edited" // beyond U+10FFFF, as the 13th byte says
	const wants = "1007 at the bytes that are wrong, before the end of the message"
	for i, cut := range []int{len(greek), len(greek) + 1} {
		next := len(greek) + 4
		if i == 1 {
			next = cut + 1
		}
		where := []string{"around the wrong character", "behind the byte that makes it wrong"}[i]
		l.script(fmt.Sprint("6.4.", 1+i), "a text that becomes invalid, in fragments cut "+where, wants, Script{
			[]Step{
				{Data: join(frame(opText, whole[:cut]), frame(fin|opPing, "so far"))},
				{Data: frame(opCont, whole[cut:next]), After: 1},
			}, echoed(pong("so far")), badText,
		})
	}
	one := frame(fin|opText, whole)
	head := len(one) - len(whole)
	for i, cut := range []int{len(greek), len(greek) + 1} {
		next := len(greek) + 4
		good := greek + strings.Repeat("x", len(whole)-len(greek))
		if i == 1 {
			next = cut + 1
			good = greek + "\xf4\x8f\xbf\xbf" + "edited"
		}
		where := []string{"around the wrong character", "behind the byte that makes it wrong"}[i]
		fine := frame(fin|opText, good)
		l.script(fmt.Sprint("6.4.", 3+i), "the same in one frame, in writes cut "+where, wants,
			Script{framewise(fine[:head+cut], fine[head+cut:]), echoed(message(good)), clean},
			Script{framewise(one[:head+cut], one[head+cut:head+next]), echoed(), badText})
	}
}

// utf8 is 6.5 to 6.23: the sequences of Markus Kuhn's decoder test, each a text.
// A class is of one kind but for those that are named.
func (l *list) utf8() {
	for i, class := range sequences() {
		for j, s := range class.texts {
			good := class.good
			for _, n := range class.except {
				if n == j+1 {
					good = !good
				}
			}
			s := Script{sent(frame(fin|opText, s)), echoed(), badText}
			sends, wants := fmt.Sprintf("%s: % x", class.what, class.texts[j]), "1007"
			if good {
				s.Outcomes, s.End, wants = echoed(message(class.texts[j])), clean, "the echo"
			}
			l.script(fmt.Sprintf("6.%d.%d", 5+i, 1+j), sends, wants, s)
		}
	}
}

// A sequence is texts of one class.
type sequence struct {
	what   string
	good   bool
	except []int // of these numbers the opposite holds
	texts  []string
}

func sequences() []sequence {
	cut := []string{
		"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
		"\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf",
	}
	var prefixes []string
	for i := range len(greek) {
		prefixes = append(prefixes, greek[:i+1])
	}
	return []sequence{
		{"valid", true, nil, []string{"hello$world", "hello\xc2\xa2world", "hello\xe2\x82\xacworld", "hello\xf0\xa4\xad\xa2world", greek}},
		{"beginning of a word", false, []int{2, 5, 7, 9, 11}, prefixes},
		{"first of its length", true, nil, []string{"\x00", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}},
		{"first of length 5 and 6", false, nil, []string{"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"}},
		{"last of its length", true, nil, []string{"\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}},
		{"last of length 4, 5 and 6", false, nil, []string{"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"}},
		{"boundary", true, []int{5}, []string{"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80"}},
		{"continuation bytes alone", false, nil, []string{
			"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf", span(0x80, 0xBF, ""),
		}},
		{"first bytes alone", false, nil, []string{
			span(0xC0, 0xDF, " "), span(0xE0, 0xEF, " "), span(0xF0, 0xF7, " "), span(0xF8, 0xFB, " "), span(0xFC, 0xFD, " "),
		}},
		{"last byte missing", false, nil, cut},
		{"last bytes missing, one behind the other", false, nil, []string{strings.Join(cut, "")}},
		{"impossible bytes", false, nil, []string{"\xfe", "\xff", "\xfe\xfe\xff\xff"}},
		{"overlong slash", false, nil, []string{"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"}},
		{"longest of the overlong", false, nil, []string{"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"}},
		{"overlong NUL", false, nil, []string{"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"}},
		{"one surrogate", false, nil, []string{
			"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf",
		}},
		{"two surrogates", false, nil, []string{
			"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80", "\xed\xad\xbf\xed\xbf\xbf",
			"\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf", "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf",
		}},
		{"no character, yet valid", true, nil, nonCharacters()},
		{"special character", true, nil, []string{
			"\xef\xbf\xb9", "\xef\xbf\xba", "\xef\xbf\xbb", "\xef\xbf\xbc", "\xef\xbf\xbd", "\xef\xbf\xbe", "\xef\xbf\xbf",
		}},
	}
}

// span is the bytes from first up to, but not including, end, each with what
// follows it.
func span(first, end byte, behind string) string {
	var b strings.Builder
	for c := first; c < end; c++ {
		b.WriteByte(c)
		b.WriteString(behind)
	}
	return b.String()
}

// nonCharacters are the last two code points of each plane, which are not
// assigned and never will be.
func nonCharacters() []string {
	var texts []string
	for plane := range rune(17) {
		for low := range rune(2) {
			texts = append(texts, string(plane<<16|0xFFFE+low))
		}
	}
	return texts
}

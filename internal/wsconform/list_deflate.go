package wsconform

import "fmt"

// deflate is class 12, kinds of data, and 13, offers. The windows of 13.8 and
// 13.9 and the offers from 13.10 on are our own.
func (l *list) deflate() {
	const plain = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
	for i, d := range []struct {
		what string
		op   byte
		data Data
	}{
		{"JSON as text", opText, jsonData()},
		{"a picture", opBinary, pictureData()},
		{"prose as binary", opBinary, proseData()},
		{"HTML as text", opText, htmlData()},
		{"what hardly compresses", opBinary, archiveData()},
	} {
		l.compressed(fmt.Sprint("12.", 1+i), d.what, Traffic{Op: d.op, Data: d.data, Offer: plain})
	}
	const stateless, small, full = "; server_no_context_takeover", "; server_max_window_bits=9", "; server_max_window_bits=15"
	for i, offer := range []string{
		plain, plain + stateless, plain + small, plain + full, plain + stateless + small, plain + stateless + full,
		plain + stateless + small + ", " + plain + stateless + ", " + plain,
	} {
		l.compressed(fmt.Sprint("13.", 1+i), "JSON, offer "+offer, Traffic{Op: opText, Data: jsonData(), Offer: offer})
	}
	l.windows()
	l.offers()
}

// compressed are the 18 cases of one kind of data and offer: sizes, and then
// sizes in fragments. An ordinary run has the largest of them for text, for what
// hardly compresses, and for a small window.
func (l *list) compressed(class, what string, t Traffic) {
	n := 0
	add := func(size, fragment int) {
		n++
		t.Size, t.Count, t.Fragment = size, 1000, fragment
		sends := fmt.Sprintf("1000 compressed messages of %d bytes", size)
		if fragment > 0 {
			sends += fmt.Sprintf(" in fragments of %d", fragment)
		}
		l.traffic(fmt.Sprintf("%s.%d", class, n), sends+": "+what, "1000 echoes", t)
		(*l)[len(*l)-1].Large = size >= 64<<10 && class != "12.1" && class != "12.5" && class != "13.3"
	}
	for _, size := range []int{16, 64, 256, 1 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10} {
		add(size, 0)
	}
	for _, size := range []int{8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10} {
		add(size, 256)
	}
	for _, fragment := range []int{1 << 10, 4 << 10, 32 << 10} {
		add(128<<10, fragment)
	}
}

// windows are every window that RFC 7692 has, for what either side compresses.
func (l *list) windows() {
	for i, side := range []string{"server", "client"} {
		for bits := 8; bits <= 15; bits++ {
			offer := fmt.Sprintf("permessage-deflate; %s_max_window_bits=%d", side, bits)
			l.traffic(fmt.Sprintf("13.%d.%d", 8+i, bits), "20 compressed messages of 12 KiB, offer "+offer, "20 echoes, no match beyond the window",
				Traffic{Op: opText, Data: jsonData(), Size: 12 << 10, Count: 20, Offer: offer})
		}
	}
}

// offers are combinations that are allowed, such that are not, and such as are
// allowed only in part.
func (l *list) offers() {
	const (
		name   = "permessage-deflate"
		server = "; server_no_context_takeover"
		client = "; client_no_context_takeover"
	)
	kind := Traffic{Op: opText, Data: jsonData(), Size: 3000, Count: 5}
	add := func(class int, wants string, offers ...string) {
		for i, offer := range offers {
			t := kind
			t.Offer, t.Declined = offer, class == 11
			l.traffic(fmt.Sprintf("13.%d.%d", class, 1+i), "5 messages of 3000 bytes, offer "+offer, wants, t)
		}
	}
	add(10, "5 echoes", name, name+server, name+client, name+server+client, name+"; client_max_window_bits",
		name+client+server+"; client_max_window_bits=10; server_max_window_bits=10",
		name+`; server_max_window_bits="10"`, name+";server_no_context_takeover ;  client_no_context_takeover",
		"x-webkit-deflate-frame, "+name, "foo; bar=1, "+name+"; client_max_window_bits, "+name)
	bad := []string{
		name + "; server_max_window_bits=7", name + "; server_max_window_bits=16", name + "; server_max_window_bits=abc",
		name + "; server_max_window_bits=08", name + "; server_max_window_bits", name + "; server_no_context_takeover=1",
		name + "; client_no_context_takeover=yes", name + "; client_max_window_bits=7", name + "; client_max_window_bits=16",
		name + "; client_max_window_bits=1e1", name + "; unknown", name + "; unknown=1", name + server + server,
		name + "; client_max_window_bits; client_max_window_bits", name + "; server_max_window_bits=9; server_max_window_bits=10",
		"permessage-bzip2", "x-webkit-deflate-frame",
	}
	add(11, "5 echoes, nothing compressed", bad...)
	var partly []string
	for _, offer := range bad {
		partly = append(partly, offer+", "+name+server+client)
	}
	add(12, "5 echoes, the second offer taken", partly...)
	for i, fragment := range []int{0, 256} {
		t := kind
		t.Offer, t.Mixed, t.Count, t.Fragment = name, true, 20, fragment
		l.traffic(fmt.Sprint("13.13.", 1+i), "20 messages of 3000 bytes, every second not compressed, in fragments of at most "+
			fmt.Sprint([]int{3000, 256}[i]), "20 echoes", t)
	}
}

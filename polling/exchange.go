package polling

// An Outcome is what an Exchange decides.
type Outcome uint8

const (
	// None means that the request or connection has no part in the exchange.
	None Outcome = iota
	// Park means that the GET waits for packets from now on.
	Park
	// Accept means that the body of the POST is to be read.
	Accept
	// Overlap means that another GET, or another POST, of the session is
	// unfinished. The new request is answered 400 and the session is closed
	// with "transport error"; a parked GET, which TakeGet still returns, is
	// answered with the packet 1.
	Overlap
	// LostGet means that a parked GET is gone: the session is closed with
	// "transport error" (poll connection closed prematurely). A POST that was
	// running on the same connection is forgotten as well.
	LostGet
	// LostPost means that a POST is gone before its body ended: the session is
	// closed with "transport error" (data request connection closed
	// prematurely).
	LostPost
)

// An Exchange holds the requests of one session that are not answered: at most
// one GET and one POST, which may be on one connection. C identifies a
// connection. The zero value is ready for use.
type Exchange[C comparable] struct {
	get, post        C
	getting, posting bool
}

// StartGet parks a GET that has arrived, or says Overlap and changes nothing.
func (x *Exchange[C]) StartGet(c C) Outcome {
	if x.getting {
		return Overlap
	}
	x.get, x.getting = c, true
	return Park
}

// Parked reports whether a GET waits, which is when the transport is writable.
func (x *Exchange[C]) Parked() bool { return x.getting }

// Posting reports whether a POST body is being read.
func (x *Exchange[C]) Posting() bool { return x.posting }

// TakeGet ends the wait of the parked GET, to answer it.
func (x *Exchange[C]) TakeGet() (c C, ok bool) {
	c, ok = x.get, x.getting
	var zero C
	x.get, x.getting = zero, false
	return c, ok
}

// StartPost accepts a POST that has arrived, or says Overlap and changes
// nothing.
func (x *Exchange[C]) StartPost(c C) Outcome {
	if x.posting {
		return Overlap
	}
	x.post, x.posting = c, true
	return Accept
}

// EndPost is called when the body of c has ended or was refused. It reports
// whether c was the running POST.
func (x *Exchange[C]) EndPost(c C) bool {
	if !x.posting || x.post != c {
		return false
	}
	_, _ = x.TakePost()
	return true
}

// TakePost ends the running POST, to abort it when the session closes.
func (x *Exchange[C]) TakePost() (c C, ok bool) {
	c, ok = x.post, x.posting
	var zero C
	x.post, x.posting = zero, false
	return c, ok
}

// Lost is called when a connection is gone. It says LostGet, LostPost or None.
func (x *Exchange[C]) Lost(c C) Outcome {
	out := None
	if x.posting && x.post == c {
		_, _ = x.TakePost()
		out = LostPost
	}
	if x.getting && x.get == c {
		_, _ = x.TakeGet()
		out = LostGet
	}
	return out
}

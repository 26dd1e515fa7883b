package parity_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// A player plays one script against a server.
type player struct {
	script *script
	srv    server
	cors   bool // the server has the CORS option of its profile
	beats  bool // it sends pings soon
	conns  map[string]*conn
	vars   vars
	marks  map[string]time.Time
	rev3   map[string]bool // clients whose session is of revision 3
}

// ping is the heartbeat's, as a step would have it.
const ping = "text 2"

// play plays a script. The error names the line.
func play(ctx context.Context, s *script, srv server) error {
	p := &player{
		script: s, srv: srv, conns: map[string]*conn{}, vars: vars{}, marks: map[string]time.Time{}, rev3: map[string]bool{},
		cors: !s.sets("cors"), beats: s.sets("pingInterval"),
	}
	defer p.close()
	for i := range s.steps {
		step := &s.steps[i]
		if err := p.step(ctx, step); err != nil {
			return fmt.Errorf("%s: %s %s %s: %w", step.at, step.conn, step.sign, shorten(step.lines[0]), err)
		}
	}
	for name, c := range p.conns {
		if err := p.quiet(c); err != nil {
			return fmt.Errorf("%s: at the end of %s: %w", s.name, name, err)
		}
	}
	return nil
}

func (p *player) close() {
	for _, c := range p.conns {
		_ = c.Close()
	}
}

// conn returns a connection, which is opened when it is named first.
func (p *player) conn(name string) (*conn, error) {
	if c := p.conns[name]; c != nil {
		return c, nil
	}
	c, err := dial(p.srv.address())
	if err == nil {
		p.conns[name] = c
	}
	return c, err
}

func (p *player) step(ctx context.Context, s *step) error {
	if s.sign == "~" {
		return p.observe(ctx, s)
	}
	c, err := p.conn(s.conn)
	if err != nil {
		return err
	}
	switch s.sign {
	case ">":
		return p.send(c, s)
	case "*":
		return p.poll(c, s)
	}
	if isResponse(s.lines[0]) {
		return p.expectResponse(c, s)
	}
	for _, line := range s.lines {
		if err := p.expect(c, s, line); err != nil {
			return err
		}
	}
	return nil
}

// send writes everything of a step at once.
func (p *player) send(c *conn, s *step) error {
	lines := make([]string, len(s.lines))
	for i, line := range s.lines {
		var err error
		if lines[i], err = p.expand(s, line); err != nil {
			return err
		}
	}
	if requestLine.MatchString(s.lines[0]) {
		method, wire := buildRequest(p.srv.address(), lines)
		c.methods = append(c.methods, method)
		p.rev3[s.client()] = p.rev3[s.client()] || strings.Contains(lines[0], "EIO=3")
		return c.send([]byte(wire))
	}
	var wire []byte
	for i, line := range s.lines {
		switch data, isBytes := strings.CutPrefix(lines[i], "bytes "); {
		case isBytes:
			wire = append(wire, data...)
		case isFrame(line):
			f, err := parseFrame(lines[i])
			if err != nil {
				return err
			}
			wire = f.append(wire)
		case len(lines) == 1 && slices.Contains([]string{"fin", "reset", "hangup"}, line):
			return c.end(line)
		default:
			return fmt.Errorf("%q is nothing to send", line)
		}
	}
	return c.send(wire)
}

func (p *player) expand(s *step, line string) (string, error) {
	return p.vars.expand(s.client(), strings.ReplaceAll(line, "{addr}", p.srv.address()))
}

// expect reads what one line of a step says.
func (p *player) expect(c *conn, s *step, line string) error {
	if line == "eof" {
		return c.readEnd()
	}
	if data, ok := strings.CutPrefix(line, "bytes "); ok {
		want, err := p.expand(s, data)
		if err != nil {
			return err
		}
		got, err := c.exactly(int64(len(want)))
		if err != nil {
			return err
		}
		return p.vars.match(s.client(), data, got)
	}
	closed, isClosed := strings.CutPrefix(line, "closed")
	if isClosed {
		line = "close" + closed
	}
	if !isFrame(line) {
		return fmt.Errorf("%q is no expectation", line)
	}
	got, err := c.readFrame()
	for err == nil && p.beats && got == ping && line != ping {
		got, err = c.readFrame()
	}
	if err != nil {
		return err
	}
	if err := p.vars.match(s.client(), line, got); err != nil || !isClosed {
		return err
	}
	return hangUp(c)
}

// hangUp answers a close frame and waits for the end of the connection.
func hangUp(c *conn) error {
	f := frame{op: opcodes["close"], declared: -1}
	// A server that was told of a violation may have gone already.
	if c.send(f.append(nil)) == nil {
		_ = c.CloseWrite()
	}
	return c.readEnd()
}

func (p *player) expectResponse(c *conn, s *step) error {
	head, body, err := expectedResponse(s.lines, p.cors)
	if err != nil {
		return err
	}
	got, err := c.readResponse()
	if err != nil {
		return err
	}
	if err := p.vars.match(s.client(), head, got.comparable(p.srv.kind())); err != nil {
		return fmt.Errorf("%w\n with body %q", err, shorten(got.body))
	}
	return p.vars.match(s.client(), body, got.body)
}

// poll sends GETs until the packets of a step have come.
func (p *player) poll(c *conn, s *step) error {
	get := "GET /socket.io/?EIO=4&transport=polling&sid={sid}"
	packets := func(body string) ([]string, error) { return strings.Split(body, "\x1e"), nil }
	if p.rev3[s.client()] {
		get, packets = strings.Replace(get, "EIO=4", "EIO=3", 1), packets3
	}
	for want := s.lines; len(want) > 0; {
		line, err := p.expand(s, get)
		if err != nil {
			return err
		}
		method, wire := buildRequest(p.srv.address(), []string{line})
		c.methods = append(c.methods, method)
		if err := c.send([]byte(wire)); err != nil {
			return err
		}
		head, _, _ := expectedResponse([]string{"poll"}, p.cors)
		got, err := c.readResponse()
		if err != nil {
			return err
		}
		if err := p.vars.match(s.client(), head, got.comparable(p.srv.kind())); err != nil {
			return fmt.Errorf("%w\n with body %q", err, shorten(got.body))
		}
		all, err := packets(got.body)
		if err != nil {
			return err
		}
		for _, packet := range all {
			if len(want) == 0 {
				return fmt.Errorf("one packet too many: %q", packet)
			}
			if err := p.vars.match(s.client(), want[0], packet); err != nil {
				return err
			}
			want = want[1:]
		}
	}
	return nil
}

// packets3 takes a payload of revision 3 apart, whose lengths count UTF-16 code
// units.
func packets3(body string) ([]string, error) {
	var all []string
	units := utf16.Encode([]rune(body))
	for len(units) > 0 {
		colon := slices.Index(units, ':')
		if colon < 0 {
			return nil, fmt.Errorf("no payload of revision 3: %q", body)
		}
		n, err := strconv.Atoi(string(utf16.Decode(units[:colon])))
		if err != nil || n > len(units)-colon-1 {
			return nil, fmt.Errorf("no payload of revision 3: %q", body)
		}
		all = append(all, string(utf16.Decode(units[colon+1:colon+1+n])))
		units = units[colon+1+n:]
	}
	return all, nil
}

// quiet shows that nothing is left to read on a connection.
func (p *player) quiet(c *conn) error {
	if c.over || len(c.methods) > 0 {
		return nil
	}
	if !c.ws {
		if n := c.r.Buffered(); n > 0 {
			rest, _ := c.r.Peek(n)
			return fmt.Errorf("unexpected: %q", rest)
		}
		return nil
	}
	last := frame{op: opcodes["ping"], declared: -1, payload: []byte("the end")}
	if err := c.send(last.append(nil)); err != nil {
		return err
	}
	for {
		got, err := c.readFrame()
		if err != nil {
			return err
		}
		switch got {
		case "pong the end":
			return nil
		case ping:
		default:
			return fmt.Errorf("unexpected: %s", shorten(got))
		}
	}
}

// observe does a step about the server's application, or about time.
func (p *player) observe(ctx context.Context, s *step) error {
	word, rest, _ := strings.Cut(s.lines[0], " ")
	switch word {
	case "mark":
		p.marks[s.client()] = time.Now()
	case "waited":
		least, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		if got := time.Since(p.marks[s.client()]); got < least {
			return fmt.Errorf("only %v", got)
		}
	case "shutdown":
		return p.srv.stop()
	case "disconnecting", "disconnect", "error":
		return p.fate(ctx, s, word, rest)
	default:
		return fmt.Errorf("%q is nothing to observe", s.lines[0])
	}
	return nil
}

// fate waits for what the application is told of a socket.
func (p *player) fate(ctx context.Context, s *step, kind, rest string) error {
	nsp, id := "/", "{id}"
	if strings.HasPrefix(rest, "/") {
		nsp, rest, _ = strings.Cut(rest, " ")
		id, rest, _ = strings.Cut(rest, " ")
	}
	id, err := p.expand(s, id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	got, err := p.srv.fate(ctx, kind, nsp, id)
	if err != nil {
		return err
	}
	if rest, err = p.expand(s, rest); err != nil {
		return err
	}
	if kind != "error" && got != rest {
		return fmt.Errorf("\n got %q\nwant %q", got, rest)
	}
	return nil
}

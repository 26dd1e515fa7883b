package parity_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience bounds every wait; it is never the measure of anything. It ends
// before the server's own timeouts of 10 s do, so that none of them helps a
// script out.
const patience = 8 * time.Second

// A conn is one connection of a client.
type conn struct {
	*net.TCPConn
	r       *bufio.Reader
	methods []string // of the requests whose responses have not been read, oldest first
	ws      bool     // it has been upgraded
	over    bool     // the script has seen or made its end
}

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("%T is no TCP connection", c)
	}
	return &conn{TCPConn: tcp, r: bufio.NewReader(tcp)}, nil
}

func (c *conn) send(b []byte) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err := c.Write(b)
	return err
}

// A response is one of HTTP/1.1, its body decoded.
type response struct {
	head []string // status line and header lines as they were on the wire
	body string
}

// status returns the status code.
func (r *response) status() int {
	fields := strings.Fields(r.head[0])
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}

func (r *response) header(name string) string {
	for _, line := range r.head[1:] {
		if key, value, _ := strings.Cut(line, ":"); strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// readResponse reads the response to the oldest request without one.
func (c *conn) readResponse() (*response, error) {
	_ = c.SetDeadline(time.Now().Add(patience))
	r := &response{}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("%w behind %q", err, append(r.head, line))
		}
		line, ok := strings.CutSuffix(line, "\r\n")
		if !ok {
			return nil, fmt.Errorf("a line of the response ends without CR: %q", line)
		}
		if line == "" {
			break
		}
		r.head = append(r.head, line)
	}
	if len(r.head) == 0 || !strings.HasPrefix(r.head[0], "HTTP/1.1 ") {
		return nil, fmt.Errorf("no response: %q", r.head)
	}
	method := ""
	if r.status() >= 200 || r.status() == 101 {
		if len(c.methods) > 0 {
			method, c.methods = c.methods[0], c.methods[1:]
		}
	}
	c.ws = r.status() == 101
	var err error
	r.body, err = c.readBody(r, method)
	return r, err
}

func (c *conn) readBody(r *response, method string) (string, error) {
	status := r.status()
	length := r.header("Content-Length")
	switch {
	case status < 200 || status == 204 || status == 304 || method == "HEAD":
		return "", nil
	case strings.EqualFold(r.header("Transfer-Encoding"), "chunked"):
		return c.readChunks()
	case length != "":
		n, err := strconv.ParseInt(length, 10, 32)
		if err != nil {
			return "", err
		}
		return c.exactly(n)
	}
	body, err := io.ReadAll(c.r)
	return string(body), err
}

func (c *conn) exactly(n int64) (string, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c.r, b)
	return string(b), err
}

func (c *conn) readChunks() (string, error) {
	var all strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return "", err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
		if err != nil {
			return "", err
		}
		part, err := c.exactly(n + 2)
		if err != nil {
			return "", err
		}
		all.WriteString(part[:n])
		if n == 0 {
			return all.String(), nil
		}
	}
}

// readFrame reads a frame and returns it as a step would have it.
func (c *conn) readFrame() (string, error) {
	_ = c.SetDeadline(time.Now().Add(patience))
	return readFrame(c.r)
}

// readEnd expects the end of the connection and nothing before it.
func (c *conn) readEnd() error {
	_ = c.SetDeadline(time.Now().Add(patience))
	c.over = true
	rest, err := io.ReadAll(c.r)
	if len(rest) > 0 {
		return fmt.Errorf("in front of the end: %q", rest)
	}
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// end ends the connection in one of the ways of a step.
func (c *conn) end(how string) error {
	c.over = true
	switch how {
	case "fin":
		return c.CloseWrite()
	case "reset":
		if err := c.SetLinger(0); err != nil {
			return err
		}
	}
	return c.Close()
}

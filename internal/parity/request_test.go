package parity_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// requestLine begins a request; UPGRADE is a GET for a WebSocket.
var requestLine = regexp.MustCompile(`^[A-Z]+ /`)

// handshake is what UPGRADE adds, with the key of RFC 6455, 1.3.
var handshake = []string{
	"Connection: Upgrade",
	"Upgrade: websocket",
	"Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
}

// buildRequest renders a request. Lines behind an empty one are its body.
func buildRequest(addr string, lines []string) (method, wire string) {
	line, headers := lines[0], lines[1:]
	body, hasBody := "", false
	if i := slices.Index(headers, ""); i >= 0 {
		body, hasBody = strings.Join(headers[i+1:], ""), true
		headers = headers[:i]
	}
	headers = slices.Clone(headers)
	method, rest, _ := strings.Cut(line, " ")
	if method == "UPGRADE" {
		method = "GET"
		for _, h := range handshake {
			headers = withHeader(headers, h)
		}
	}
	if !strings.Contains(rest, " HTTP/") {
		rest += " HTTP/1.1"
	}
	headers = withHeader(headers, "Host: "+addr)
	if hasBody && !hasHeader(headers, "Transfer-Encoding") {
		headers = withHeader(headers, "Content-Length: "+strconv.Itoa(len(body)))
	}
	return method, method + " " + rest + "\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

// withHeader adds a header unless there is one of that name. One without a
// value takes it away.
func withHeader(headers []string, line string) []string {
	name, _, _ := strings.Cut(line, ":")
	for i, h := range headers {
		if key, value, _ := strings.Cut(h, ":"); strings.EqualFold(key, name) {
			if value == "" {
				return slices.Delete(headers, i, i+1)
			}
			return headers
		}
	}
	return append(headers, line)
}

func hasHeader(headers []string, name string) bool {
	return slices.ContainsFunc(headers, func(h string) bool {
		key, _, _ := strings.Cut(h, ":")
		return strings.EqualFold(key, name)
	})
}

// expectedResponse spells the short forms of usual responses out. cors tells
// whether the server says that every origin is welcome.
func expectedResponse(lines []string, cors bool) (head, body string, err error) {
	word, rest, _ := strings.Cut(lines[0], " ")
	allow := ""
	if cors {
		allow = "Access-Control-Allow-Origin: *\r\n"
	}
	session := "HTTP/1.1 200 OK\r\n" + allow + "Content-Type: %s\r\nContent-Length: {n}\r\ncache-control: no-store\r\n"
	switch word {
	case "poll":
		return fmt.Sprintf(session, "text/plain; charset=UTF-8"), rest, nil
	case "ok":
		return fmt.Sprintf(session, "text/html"), "ok", nil
	case "empty":
		return "HTTP/1.1 " + rest + "\r\n" + allow + "Content-Length: 0\r\n", "", nil
	case "error":
		code, message, _ := strings.Cut(rest, " ")
		status := "400 Bad Request"
		if code == "4" {
			status = "403 Forbidden"
		}
		head = "HTTP/1.1 " + status + "\r\n" + allow + "Content-Type: application/json\r\nContent-Length: {n}\r\n"
		return head, `{"code":` + code + `,"message":"` + message + `"}`, nil
	case "refused":
		head = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: {n}\r\n"
		return head, rest, nil
	case "upgraded":
		head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" + allow
		return head, "", nil
	}
	if !strings.HasPrefix(word, "HTTP/") {
		return "", "", fmt.Errorf("%q is no expectation", lines[0])
	}
	end := slices.Index(lines, "")
	if end < 0 {
		return "", "", fmt.Errorf("no empty line ends the head of %q", lines[0])
	}
	return strings.Join(lines[:end], "\r\n") + "\r\n", strings.Join(lines[end+1:], ""), nil
}

// isResponse tells whether a line expects a response.
func isResponse(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return strings.HasPrefix(word, "HTTP/") ||
		slices.Contains([]string{"poll", "ok", "empty", "error", "refused", "upgraded"}, word)
}

// comparable returns the head of a response without what does not matter. The
// Node server sends some bodies in chunks: against it the coding counts as
// the length that it stands for.
func (r *response) comparable(server string) string {
	var b strings.Builder
	for _, line := range r.head {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case name == "Date", name == "Keep-Alive", name == "Connection" && value == "keep-alive":
			continue
		case name == "Transfer-Encoding" && value == "chunked" && server == reference:
			line = "Content-Length: " + strconv.Itoa(len(r.body))
		}
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

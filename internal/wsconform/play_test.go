//go:build unix

package wsconform_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/gannet-io/gannet/internal/wsconform"
)

const (
	fin     = 0x80
	rsv1    = 0x40
	opText  = 0x1
	opClose = 0x8
)

// normal is the close frame of this side: code 1000.
var normal = wsconform.AppendFrame(nil, fin|opClose, []byte{1000 >> 8, 1000 & 0xFF})

// TestConformance plays the list.
func TestConformance(t *testing.T) {
	s := startServer(t)
	var mu sync.Mutex
	count := map[wsconform.Verdict]int{}
	left := 0
	t.Run("case", func(t *testing.T) {
		for _, c := range wsconform.List() {
			if c.Large && !s.all {
				left++
				continue
			}
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				v, err := s.play(t, &c)
				if err != nil {
					t.Errorf("%s: %s\nwant %s\n got %v", c.ID, c.Sends, c.Wants, err)
				}
				mu.Lock()
				defer mu.Unlock()
				count[v]++
			})
		}
	})
	t.Logf("%v, %d left out", count, left)
}

// failed is the verdict of what is not passed.
const failed wsconform.Verdict = "FAILED"

// play returns how well the server does. Of our own server nothing below the best
// is accepted.
func (s *server) play(tb testing.TB, c *wsconform.Case) (wsconform.Verdict, error) {
	tb.Helper()
	if c.Traffic != nil {
		if err := s.traffic(tb, c.Traffic); err != nil {
			return failed, err
		}
		return wsconform.OK, nil
	}
	worst := wsconform.OK
	for i := range c.Scripts {
		v, err := s.script(tb, &c.Scripts[i])
		if err != nil {
			return failed, err
		}
		if v == wsconform.NonStrict && s.own {
			return v, errors.New("not the best of the outcomes")
		}
		if v != wsconform.OK {
			worst = v
		}
	}
	return worst, nil
}

// script plays one script on a connection of its own.
func (s *server) script(tb testing.TB, sc *wsconform.Script) (wsconform.Verdict, error) {
	tb.Helper()
	c, err := connect(tb.Context(), s.addr, "")
	if err != nil {
		return "", err
	}
	defer func() { _ = c.conn.Close() }()
	var got []wsconform.Event
	for _, step := range sc.Steps {
		for len(got) < step.After {
			e, _, err := c.next()
			if err != nil {
				return "", fmt.Errorf("%d events, then %w", len(got), err)
			}
			got = append(got, e)
		}
		if err := c.write(step.Data, step.Chop); err != nil && !sc.End.Fails {
			return "", err
		}
	}
	end, err := c.rest(sc, &got)
	if err != nil {
		return "", err
	}
	if err := checkEnd(&sc.End, end); err != nil {
		return "", err
	}
	for _, o := range sc.Outcomes {
		if slices.Equal(o.Events, got) {
			return o.Verdict, nil
		}
	}
	return "", fmt.Errorf("events %.200q", got)
}

// rest reads to the end, which it brings about where that is the client's part.
func (c *client) rest(sc *wsconform.Script, got *[]wsconform.Event) (end closing, err error) {
	closes := !sc.End.Fails && !sc.End.Sent
	done := !closes
	for {
		if !done && len(*got) == len(sc.Outcomes[0].Events) {
			done = true
			if err := c.write(normal, 0); err != nil {
				return end, err
			}
		}
		e, how, err := c.next()
		switch {
		case errors.Is(err, errClosed):
			if !done {
				return end, fmt.Errorf("closed with %+v after %d events", how, len(*got))
			}
			if how.framed && sc.End.Fails {
				_ = c.write(normal, 0) // as a client must; a server need not wait for it
			}
			return how, c.gone(how)
		case err != nil:
			return end, err
		}
		*got = append(*got, e)
	}
}

// gone shows that behind a close frame comes nothing but the end.
func (c *client) gone(how closing) error {
	if !how.framed {
		return nil
	}
	if b, err := c.in.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("behind the close frame: byte %#x, %w", b, err)
	}
	return nil
}

func checkEnd(want *wsconform.End, got closing) error {
	if !got.framed && want.Drop {
		return nil
	}
	if !got.framed || !slices.Contains(want.Codes, got.code) {
		return fmt.Errorf("closed with %+v, want one of %v", got, want.Codes)
	}
	return nil
}

// traffic sends messages and compares their echoes.
func (s *server) traffic(tb testing.TB, t *wsconform.Traffic) error {
	tb.Helper()
	c, err := connect(tb.Context(), s.addr, t.Offer)
	if err != nil {
		return err
	}
	defer func() { _ = c.conn.Close() }()
	if t.Offer != "" && (c.agreed == nil) != t.Declined && (s.own || t.Declined) {
		return fmt.Errorf("offer %q: agreed on %+v", t.Offer, c.agreed)
	}
	at := 0
	count := s.count(t)
	for i := range count {
		var m string
		c.wait()
		m, at = t.Data.Cut(at, t.Size, t.Op == opText)
		first, payload := t.Op, []byte(m)
		if c.agreed != nil && (!t.Mixed || i%2 == 0) {
			first |= rsv1
			if payload, err = deflate(payload, c.agreed.clientBits); err != nil {
				return err
			}
		}
		if err := c.write(wsconform.AppendMessage(nil, first, payload, t.Fragment), t.Chop); err != nil {
			return err
		}
		e, end, err := c.next()
		if err != nil {
			return fmt.Errorf("no echo: %+v, %w", end, err)
		}
		if e.Op != t.Op || e.Payload != m {
			return fmt.Errorf("opcode %d, %d bytes %.40q, want %d, %d bytes %.40q", e.Op, len(e.Payload), e.Payload, t.Op, len(m), m)
		}
	}
	if s.own && c.agreed != nil && t.Op == opText && t.Size > 1024 && c.squeezed < count {
		return fmt.Errorf("%d of %d echoes were compressed", c.squeezed, count)
	}
	return c.finish()
}

// finish closes from this side.
func (c *client) finish() error {
	if err := c.write(normal, 0); err != nil {
		return err
	}
	e, how, err := c.next()
	if !errors.Is(err, errClosed) || how.code != 1000 {
		return fmt.Errorf("behind the echoes: %.80q %+v, %w", e.Payload, how, err)
	}
	return c.gone(how)
}

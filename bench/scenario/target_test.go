package scenario_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gannet-io/gannet/bench/scenario"
	"github.com/gannet-io/gannet/internal/testcert"
	"github.com/gannet-io/gannet/sio"
)

// TestCredentials sends the name and the password of the target as browsers do,
// unless a header says something else, and shows none of them.
func TestCredentials(t *testing.T) {
	t.Parallel()
	var got atomic.Pointer[string]
	target := serve(t, func(s *sio.Server) {
		bench(s.Root())
		s.Use(func(s *sio.Socket) error {
			header := s.Handshake().Headers.Get("Authorization")
			got.Store(&header)
			return nil
		})
	})
	for _, tt := range []struct{ user, header, want string }{
		{"", "", ""},
		{"gull:s3cret@", "", "Basic Z3VsbDpzM2NyZXQ="},
		{"gull:s%40c@", "", "Basic Z3VsbDpzQGM="},
		{"gull@", "", "Basic Z3VsbDo="},
		{"gull:s3cret@", "authorization: Bearer x", "Bearer x"},
	} {
		c := small(t, "echo", strings.Replace(target, "//", "//"+tt.user, 1))
		c.Connections = 1
		c.Until(first)
		if tt.header != "" {
			c.Headers = []string{tt.header}
		}
		res := run(t, c)
		if *got.Load() != tt.want {
			t.Errorf("%q with header %q: got %q, want %q", tt.user, tt.header, *got.Load(), tt.want)
		}
		if res.Target != target {
			t.Errorf("shown as %q, want %q", res.Target, target)
		}
	}
}

// TestRedact removes whatever may be a name or a password.
func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"echo":                   "echo",
		"http://h:1/p":           "http://h:1/p",
		"http://u:p@h:1/p":       "http://h:1/p",
		"http://u:p/p@h":         "http://h",
		"u:p@h":                  "h",
		"http:/u:p@h":            "h",
		"http://u:p@other@h/x@y": "http://y",
	} {
		if got := scenario.Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestTLS measures an https server over every transport, and refuses one whose
// certificate nobody vouches for.
func TestTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile := testcert.New(t, "gannet").Write(t, t.TempDir())
	srv, err := sio.NewServer(&sio.Options{Loops: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	bench(srv.Root())
	addr, err := srv.ListenTLS("tcp", "127.0.0.1:0", certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = srv.Shutdown(ctx)
	})
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			c := small(t, "echo", "https://"+addr.String())
			c.Transport, c.Insecure, c.Payload, c.Depth = transport, true, 40_000, 3
			res := run(t, c)
			wantPassed(t, res)
			if res.Connections.Opened != 12 || res.Messages.Received == 0 {
				t.Errorf("%+v, %+v", res.Connections, res.Messages)
			}
		})
	}
	c := small(t, "echo", "wss://"+addr.String())
	if _, err := scenario.Run(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), "cannot trust 127.0.0.1:") {
		t.Errorf("a certificate of nobody: %v", err)
	}
}

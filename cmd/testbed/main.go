package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// shutdownTimeout is how long a clean end may take.
const shutdownTimeout = 10 * time.Second

// Exit statuses.
const (
	exitOK = iota
	exitFailure
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it: it serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parseFlags(args)
	if err == nil && c.print != nil {
		c.print(stdout)
		return exitOK
	}
	if err == nil {
		c.stderr, c.logger = stderr, slog.New(slog.NewTextHandler(stderr, nil))
		err = serve(ctx, c, stdout)
	}
	if err == nil {
		return exitOK
	}
	say(stderr, "testbed: %v", err)
	var usage *usageError
	var option *sio.OptionError
	if errors.As(err, &usage) || errors.As(err, &option) {
		return exitUsage
	}
	return exitFailure
}

// serve starts a profile and ends it when ctx does.
func serve(ctx context.Context, c *config, stdout io.Writer) error {
	background, cancel := context.WithCancel(ctx)
	defer c.background.Wait()
	defer cancel()
	s, err := c.profile.start(background, c)
	if err != nil {
		return err
	}
	addr, err := c.listen(s)
	if err != nil {
		return errors.Join(err, shutdown(s))
	}
	if err := c.servePprof(background); err != nil {
		return errors.Join(err, shutdown(s))
	}
	say(stdout, "listening on %s://%s", c.scheme(), addr)
	var why error
	ended := make(chan struct{})
	go func() { // stops at Shutdown
		defer close(ended)
		why = s.Wait()
	}()
	select {
	case <-ctx.Done():
	case <-ended:
		return fmt.Errorf("the server ended by itself: %w", why)
	}
	cancel()
	if err := shutdown(s); err != nil {
		return err
	}
	<-ended
	return c.writeStats(s)
}

// listen opens the listener of the service.
func (c *config) listen(s service) (net.Addr, error) {
	if c.tlsCert != "" {
		return s.ListenTLS("tcp", c.addr, c.tlsCert, c.tlsKey)
	}
	return s.Listen("tcp", c.addr)
}

func (c *config) scheme() string {
	if c.tlsCert != "" {
		return "https"
	}
	return "http"
}

// say writes one line. There is nobody to tell if that fails.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}

func shutdown(s service) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	return nil
}

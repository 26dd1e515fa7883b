// Command nethttp mounts Gannet in a net/http ServeMux, beside a page of the application.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/gannet-io/gannet/sio"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	flag.Parse()
	if err := run(*addr); err != nil {
		log.Fatal(err)
	}
}

// routes returns the application's handler.
func routes(srv *sio.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "a page of the application") })
	mux.Handle("/socket.io/", srv)
	return mux
}

func run(addr string) error {
	srv, err := sio.NewServer(nil)
	if err != nil {
		return err
	}
	srv.Handle("echo", func(e *sio.Event) error { return e.Ack(e.Args()...) })

	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: routes(srv), ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	go func() { // stops after the signal
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		// The sessions first: net/http does not wait for connections that it has given away.
		ended <- errors.Join(srv.Shutdown(ctx), web.Shutdown(ctx))
	}()
	fmt.Printf("listening on http://%s\n", ln.Addr())
	if err := web.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

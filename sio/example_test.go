package sio_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A whole server: handlers, rooms, and a clean end on SIGTERM.
func Example() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.OnConnection(func(s *sio.Socket) { _ = s.Emit("welcome", s.ID()) })
	srv.Handle("chat", func(e *sio.Event) error {
		return e.Socket().Broadcast().Emit("chat", e.Args()...)
	})

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-stop
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx)
	}()
	if err := srv.ListenAndServe(":3000"); !errors.Is(err, sio.ErrServerClosed) {
		log.Fatal(err)
	}
}

// One port for the application's own pages and for Socket.IO.
func ExampleOptions_fallback() {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	srv, err := sio.NewServer(&sio.Options{Fallback: mux})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe(":3000"))
}

// https and wss, with a certificate that SIGHUP reads again. Connections that
// are open go on.
// The server is a handler. Connections that it has taken are not known to
// net/http any more, so that each of the two has to be shut down.
func ExampleServer_ServeHTTP() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	web := &http.Server{Addr: ":3000", Handler: mux}
	down := make(chan error, 1)
	web.RegisterOnShutdown(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		down <- srv.Shutdown(ctx)
	})
	if err := web.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) { // after web.Shutdown
		log.Fatal(err)
	}
	if err := <-down; err != nil {
		log.Print(err)
	}
}

func ExampleServer_ListenAndServeTLS() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for range hangup {
			if err := srv.ReloadCertificates(); err != nil {
				log.Print(err) // the old one stays
			}
		}
	}()
	log.Fatal(srv.ListenAndServeTLS(":8443", "fullchain.pem", "privkey.pem"))
}

// Only clients with a certificate of ours may connect, and each is known by
// its name.
func ExampleOptions_tlsConfig() {
	ours := x509.NewCertPool() // with the certificate that has signed those of the clients
	srv, err := sio.NewServer(&sio.Options{
		TLSConfig: &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ours, MinVersion: tls.VersionTLS13},
		AllowRequest: func(r *http.Request) error {
			if r.TLS.PeerCertificates[0].Subject.CommonName != "ticker" {
				return &sio.Error{Message: "not for you"}
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServeTLS(":8443", "fullchain.pem", "privkey.pem"))
}

// Pages of one other site may connect, with cookies.
func ExampleOptions_cors() {
	srv, err := sio.NewServer(&sio.Options{
		CORS: &sio.CORS{Origin: "https://app.example.com", Credentials: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe(":3000"))
}

// Handshakes are refused before a session exists.
func ExampleOptions_allowRequest() {
	srv, err := sio.NewServer(&sio.Options{
		AllowRequest: func(r *http.Request) error {
			if r.Header.Get("Authorization") == "" {
				return &sio.Error{Message: "credentials needed"}
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe(":3000"))
}

//go:embed testdata
var files embed.FS

// The browser client is served from the application's own files.
// An application's middlewares for HTTP see the requests of clients too.
func ExampleServer_UseHTTP() {
	srv, _ := sio.NewServer(&sio.Options{
		Cookie: &sio.Cookie{Name: "route", Secure: true},
		InitialHeaders: func(h http.Header, _ *http.Request) {
			h.Set("X-Served-By", "node-7")
		},
		OnConnectionError: func(e *sio.ConnectionError) {
			fmt.Println(e.Request.RemoteAddr, e.Code, e.Message, e.Context)
		},
	})
	srv.UseHTTP(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Blocked") != "" {
				http.Error(w, "not you", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
}

// Long messages are compressed for clients that can read them; what is packed
// already is not.
func ExampleOptions_perMessageDeflate() {
	srv, _ := sio.NewServer(&sio.Options{
		PerMessageDeflate: &sio.PerMessageDeflate{Threshold: 2048},
	})
	report, image := strings.Repeat("all is well. ", 1000), []byte("\xff\xd8\xff\xe0")
	_ = srv.Emit("report", report) // once, for however many clients
	_ = srv.Root().Compress(false).Emit("image", image)
}

func ExampleOptions_clientFiles() {
	srv, err := sio.NewServer(&sio.Options{ClientFiles: files})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe(":3000"))
}

// A middleware checks the auth payload and leaves what it learned.
func ExampleNamespace_Use() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.Of("/admin").Use(func(s *sio.Socket) error {
		var auth struct{ Token string }
		if err := s.Auth(&auth); err != nil || auth.Token != "secret" {
			return &sio.Error{Message: "unauthorized", Data: map[string]any{"code": 401}}
		}
		s.SetData("admin")
		return s.Join("admins")
	})
}

// Handlers on the event loop: no goroutine switch, no copy, and no blocking.
func ExampleNamespace_Inline() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.Root().Inline().Handle("move", func(e *sio.Event) error {
		return e.Socket().To("arena").Volatile().Emit("move", e.Args()...)
	})
}

// Every name that matches has a namespace of its own, from the first client on.
func ExampleServer_OfRegexp() {
	srv, err := sio.NewServer(&sio.Options{CleanupEmptyChildNamespaces: true})
	if err != nil {
		log.Fatal(err)
	}
	games := srv.OfRegexp(regexp.MustCompile(`^/game-\d+$`))
	games.Handle("move", func(e *sio.Event) error {
		return e.Socket().Namespace().Emit("move", e.Args()...)
	})
	_ = games.Emit("maintenance", "in five minutes") // to all games
}

// The function may block: it decides who may create which namespace.
func ExampleServer_OfFunc() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	tenants := srv.OfFunc(func(name string, auth json.RawMessage) (bool, error) {
		var v struct{ Key string }
		if err := json.Unmarshal(auth, &v); err != nil {
			return false, err
		}
		return name == "/tenant-"+v.Key, nil // a look into a database
	})
	tenants.OnConnection(func(s *sio.Socket) { _ = s.Emit("welcome", s.Namespace().Name()) })
}

// A hook for namespaces that clients bring into being.
func ExampleServer_OnNewNamespace() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.OnNewNamespace(func(n *sio.Namespace) {
		log.Println("new namespace", n.Name())
		n.SetSlowConsumer(sio.SlowDropOldest)
	})
	srv.OfRegexp(regexp.MustCompile(`^/ticker-[a-z]+$`))
}

// Servers of a cluster talk to each other; clients do not see it.
func ExampleNamespace_ServerSideEmit() {
	srv, err := sio.NewServer(nil) // with an Adapter
	if err != nil {
		log.Fatal(err)
	}
	srv.Root().OnServerSide("load", func(e *sio.ServerEvent) { _ = e.Ack(srv.Root().Len()) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	replies, err := srv.Root().ServerSideEmitWithAck(ctx, "load")
	total := srv.Root().Len()
	for _, r := range replies {
		var n int
		if r.Decode(&n) == nil {
			total += n
		}
	}
	fmt.Println(total, err)
	// Output: 0 <nil>
}

// Everybody is asked, without waiting: also from an Inline handler.
func ExampleTarget_EmitAcks() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	err = srv.To("jury").Timeout(10*time.Second).EmitAcks("vote", func(replies []*sio.Reply, err error) {
		if errors.Is(err, sio.ErrAckTimeout) {
			log.Println("some have not voted")
		}
		for _, r := range replies {
			log.Printf("%s", r.Arg(0))
		}
	}, "who sings best?")
	if err != nil {
		log.Fatal(err)
	}
}

// A socket that was fetched is asked for something; it may be on another server.
func ExampleRemoteSocket_EmitWithAck() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	sockets, err := srv.To("lobby").FetchSockets(ctx)
	if err != nil {
		log.Println(err) // what was found can be used
	}
	for _, s := range sockets {
		if _, err := s.EmitWithAck(ctx, "ready?"); errors.Is(err, sio.ErrSocketClosed) {
			continue // gone meanwhile
		}
		_ = s.Join("game")
	}
}

// The rooms are still there in OnDisconnecting, and gone in OnDisconnect.
func ExampleNamespace_OnDisconnecting() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.Root().OnDisconnecting(func(s *sio.Socket, reason sio.DisconnectReason) {
		for _, room := range s.Rooms() {
			_ = s.To(room).Emit("left", s.ID(), string(reason))
		}
	})
}

// Arguments are decoded into the parameter of the handler.
func ExampleOn() {
	type point struct{ X, Y float64 }
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	sio.On(srv, "point", func(e *sio.Event, p point) error {
		return e.Socket().Emit("mirrored", point{-p.X, p.Y})
	})
}

// What the handler returns is the acknowledgement.
func ExampleOnCall() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	sio.OnCall(srv, "sum", func(_ *sio.Event, list []float64) (float64, error) {
		if len(list) == 0 {
			return 0, &sio.Error{Message: "nothing to add"}
		}
		total := 0.0
		for _, v := range list {
			total += v
		}
		return total, nil
	})
}

// Typed names keep both ends of an event in step.
func ExampleName() {
	const Moved = sio.Name[[2]int]("moved")
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	Moved.On(srv, func(e *sio.Event, at [2]int) error {
		return Moved.Emit(e.Socket().Broadcast(), at)
	})
}

// The server asks a client and waits for its answer.
func ExampleRequest() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.OnConnection(func(s *sio.Socket) {
		ctx, cancel := context.WithTimeout(s.Context(), 5*time.Second)
		defer cancel()
		name, err := sio.Request[string](ctx, s, "your name?")
		if err != nil {
			s.Disconnect(true)
			return
		}
		s.SetData(name)
	})
}

// Answers are taken as they come.
func ExampleTarget_Gather() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	for reply, err := range srv.To("jury").Timeout(time.Minute).Gather(context.Background(), "vote") {
		if err != nil {
			log.Println("some did not vote:", err)
			break
		}
		log.Println(reply.Socket().ID(), "votes", string(reply.Arg(0)))
	}
}

// Prices of many symbols: a client that reads too slowly misses some values, and
// then gets the newest one of every symbol.
func ExampleTarget_Latest() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	prices := map[string]float64{"GANN": 100, "SULA": 42}
	go func() {
		for range time.Tick(time.Second / 60) {
			for symbol, price := range prices {
				_ = srv.To("quotes").Latest(symbol).Emit("price", symbol, price)
			}
		}
	}()
	log.Fatal(srv.ListenAndServe(":3000"))
}

// A chat's clients may miss the oldest lines when they do not read; the default
// is to disconnect them.
func ExampleNamespace_SetSlowConsumer() {
	srv, err := sio.NewServer(&sio.Options{MaxQueue: 1 << 20})
	if err != nil {
		log.Fatal(err)
	}
	srv.Of("/chat").SetSlowConsumer(sio.SlowDropOldest)
}

// A producer that goes no faster than its client reads.
func ExampleSocket_AwaitWritable() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle("download", func(e *sio.Event) error {
		s := e.Socket()
		for i := range 1000 {
			if err := s.AwaitWritable(s.Context()); err != nil {
				return err
			}
			if err := s.Emit("chunk", i, make([]byte, 16<<10)); err != nil {
				return err
			}
		}
		return nil
	})
}

// A game that sends less to players who are behind, and the whole state when
// they have caught up.
func ExampleNamespace_OnDrain() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	n := srv.Of("/game")
	n.Handle("shot", func(e *sio.Event) error {
		if !e.Socket().Writable() {
			return nil
		}
		return e.Socket().Emit("effects", "smoke")
	})
	n.OnDrain(func(s *sio.Socket) { _ = s.Emit("state", "everything") })
}

// A ticker that nobody waits for: slow clients miss ticks.
func ExampleTarget_Volatile() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for now := range time.Tick(time.Second / 60) {
			_ = srv.To("arena").Volatile().Emit("tick", now.UnixMilli())
		}
	}()
	log.Fatal(srv.ListenAndServe(":3000"))
}

// Everybody in the room, but those who were muted.
func ExampleTarget_Except() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = srv.To("news", "sports").Except("muted").Emit("goal", 1, 0)
}

// Rooms and connections of many sockets are managed at once.
func ExampleTarget_Join() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = srv.To("lobby").Join("game")
	_ = srv.To("lobby").Leave("lobby")
	_ = srv.To("cheaters").Disconnect(true)
}

// Who is there, with rooms and data.
func ExampleNamespace_FetchSockets() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	sockets, err := srv.Root().FetchSockets(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range sockets {
		fmt.Println(s.ID, s.Rooms, s.Data, s.Handshake.Address)
	}
}

// An event is answered after the handler has returned.
func ExampleEvent_Acker() {
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle("render", func(e *sio.Event) error {
		acker := e.Acker()
		time.AfterFunc(time.Second, func() { _ = acker.Ack("done") })
		return nil
	})
}

// Binary comes and goes as []byte, at any depth.
func ExampleEvent_Decode() {
	type upload struct {
		Name string
		Data []byte
	}
	srv, err := sio.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle("upload", func(e *sio.Event) error {
		var u upload
		if err := e.Decode(&u); err != nil {
			return err
		}
		return e.Ack(len(u.Data))
	})
}

// An event is encoded once and sent to many, many times.
func ExampleEncode() {
	m, err := sio.Encode("greeting", "hello", []byte{1, 2, 3})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Release()
	fmt.Println(m.Event())
	// Output: greeting
}

// Node's spelling of the time of a handshake.
func ExampleHandshake_TimeString() {
	h := sio.Handshake{Issued: time.Date(2026, 11, 21, 19, 18, 4, 0, time.UTC)}
	fmt.Println(h.TimeString())
	// Output: Sat Nov 21 2026 19:18:04 GMT+0000 (Coordinated Universal Time)
}

// What cannot be used is refused at the start, with a reason.
func ExampleOptionError() {
	_, err := sio.NewServer(&sio.Options{CORS: &sio.CORS{Origin: "*", Credentials: true}})
	fmt.Println(err)
	// Output: sio: Options.CORS.Credentials: cannot go with the origin "*"
}

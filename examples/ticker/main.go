// Command ticker sends made-up prices to whoever subscribes to them.
//
//	const socket = io('http://localhost:3000');
//	socket.on('price', ({ symbol, price }) => console.log(symbol, price));
//	console.log(await socket.emitWithAck('subscribe', ['GANN', 'SULA']));
//
// A price is encoded once for all its subscribers, and only the latest of each
// symbol counts: whoever reads slower than prices come misses some, and then
// gets the newest of every symbol, never an old one.
package main

import (
	"context"
	"errors"
	"log"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A tick is one price of one symbol.
type tick struct {
	Symbol string  `json:"symbol"`
	Price  float64 `json:"price"`
	At     int64   `json:"at"` // Unix time in milliseconds
}

// The events, with the types that both ends agree on.
const (
	price     sio.Name[tick]                   = "price"
	subscribe sio.CallName[[]string, []string] = "subscribe" // acknowledged with the symbols
)

// perSecond is how often each price is sent.
const perSecond = 10

func main() {
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	prices := map[string]float64{"GANN": 100, "SULA": 42, "MORUS": 250}
	srv, err := sio.NewServer(&sio.Options{CORS: &sio.CORS{Origin: "*"}})
	if err != nil {
		return err
	}
	symbols := make(map[string]bool, len(prices))
	for s := range prices {
		symbols[s] = true
	}
	subscribe.On(srv, func(e *sio.Event, wanted []string) ([]string, error) {
		for _, s := range wanted {
			if !symbols[s] {
				return nil, &sio.Error{Message: "unknown symbol", Data: s}
			}
			if err := e.Socket().Join(room(s)); err != nil {
				return nil, err
			}
		}
		return wanted, nil
	})

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go run(ctx, srv, prices) // ends at the signal
	go shutDown(ctx, srv)    // as above, and ListenAndServe with it
	log.Println("listening on http://localhost:3000")
	if err := srv.ListenAndServe(":3000"); !errors.Is(err, sio.ErrServerClosed) {
		return err
	}
	return nil
}

// room is where the subscribers of a symbol are: not simply the symbol, so
// that no symbol can be taken for the id of a socket, which is a room too.
func room(symbol string) string { return "price:" + symbol }

// run sends the prices of all symbols, again and again.
func run(ctx context.Context, srv *sio.Server, prices map[string]float64) {
	symbols := slices.Sorted(maps.Keys(prices))
	next := time.NewTicker(time.Second / perSecond)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-next.C:
			for _, symbol := range symbols {
				prices[symbol] *= 1 + rand.NormFloat64()/1000
				rounded := math.Round(prices[symbol]*100) / 100
				_ = price.Emit(srv.To(room(symbol)).Latest(symbol), tick{symbol, rounded, now.UnixMilli()})
			}
		}
	}
}

// shutDown ends the server when ctx does; its clients are told to come back.
func shutDown(ctx context.Context, srv *sio.Server) {
	<-ctx.Done()
	bounded, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(bounded); err != nil {
		log.Println(err)
	}
}

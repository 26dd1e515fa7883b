// Command parser echoes events to clients whose packets look as this program
// says: each is one JSON text, and its attachments follow as binary messages.
// client.mjs has the counterpart for socket.io-client.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// header is the JSON text of a packet.
type header struct {
	Type        sio.PacketType  `json:"type"`
	Namespace   string          `json:"nsp"`
	ID          json.Number     `json:"id,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`
	Attachments int             `json:"attachments,omitempty"`
}

// parser implements sio.PacketParser.
type parser struct{}

func (parser) Encode(p *sio.Packet) ([]sio.WireMessage, error) {
	text, err := json.Marshal(header{p.Type, p.Namespace, json.Number(p.ID), p.Data, len(p.Attachments)})
	if err != nil {
		return nil, err
	}
	messages := []sio.WireMessage{{Data: text}}
	for _, a := range p.Attachments {
		messages = append(messages, sio.WireMessage{Data: a, Binary: true})
	}
	return messages, nil
}

func (parser) NewDecoder() sio.PacketDecoder { return &decoder{} }

// decoder implements sio.PacketDecoder.
type decoder struct {
	packet  *sio.Packet // waits for attachments
	missing int
}

func (d *decoder) Decode(m sio.WireMessage) (*sio.Packet, error) {
	if m.Binary != (d.missing > 0) {
		return nil, errors.New("a message out of turn")
	}
	if !m.Binary {
		var h header
		if err := json.Unmarshal(m.Data, &h); err != nil {
			return nil, err
		}
		if h.Attachments < 0 || h.Attachments > 10 {
			return nil, errors.New("too many attachments")
		}
		d.missing = h.Attachments
		d.packet = &sio.Packet{Type: h.Type, Namespace: h.Namespace, ID: h.ID.String(), Data: h.Data}
	} else {
		d.missing--
		d.packet.Attachments = append(d.packet.Attachments, append([]byte(nil), m.Data...))
	}
	if d.missing > 0 {
		return nil, nil // more to come
	}
	return d.packet, nil
}

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "where to listen")
	flag.Parse()
	srv, err := sio.NewServer(&sio.Options{PacketParser: parser{}})
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle("echo", func(e *sio.Event) error { return e.Ack(e.Args()...) })
	srv.Handle("all", func(e *sio.Event) error { return srv.Emit("all", e.Args()...) })
	a, err := srv.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", a)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	<-ctx.Done()
	stop()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	err = srv.Shutdown(ctx)
	cancel()
	if err != nil {
		log.Fatal(err)
	}
}

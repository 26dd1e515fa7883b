package sio_test

import (
	"log"
	"time"

	"github.com/gannet-io/gannet/sio"
)

// A server whose clients all have the parser socket.io-msgpack-parser, as in
//
//	import * as parser from "socket.io-msgpack-parser";
//	const socket = io("https://example.org", { parser });
func ExampleOptions_parser() {
	srv, err := sio.NewServer(&sio.Options{Parser: sio.ParserMsgpack})
	if err != nil {
		log.Fatal(err)
	}
	srv.OnConnection(func(s *sio.Socket) {
		// A Date and a Uint8Array in the browser, in one message.
		_ = s.Emit("frame", map[string]any{"at": time.Now(), "pixels": make([]byte, 640)})
	})
	sio.On(srv, "frame", func(_ *sio.Event, v struct {
		At     time.Time `json:"at"`
		Pixels []byte    `json:"pixels"`
	},
	) error {
		log.Println(v.At, len(v.Pixels))
		return nil
	})
}

// Command hello echoes events and lets clients chat in rooms.
package main

import (
	"log"

	"github.com/gannet-io/gannet/sio"
)

func main() {
	srv, err := sio.NewServer(&sio.Options{CORS: &sio.CORS{Origin: "*"}})
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle("join", func(e *sio.Event) error {
		var room string
		if err := e.Decode(&room); err != nil {
			return err
		}
		return e.Socket().Join("room:" + room) // never a bare name: a socket's id is a room too
	})
	srv.Handle("say", func(e *sio.Event) error { // say(room, text), acknowledged
		var room, text string
		if err := e.Decode(&room, &text); err != nil {
			return err
		}
		if err := srv.To("room:"+room).Emit("said", e.Socket().ID(), text); err != nil {
			return err
		}
		return e.Ack("delivered")
	})
	log.Println("listening on http://localhost:3000")
	log.Fatal(srv.ListenAndServe(":3000"))
}

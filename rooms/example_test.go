package rooms_test

import (
	"fmt"

	"github.com/gannet-io/gannet/rooms"
)

// A player embeds its entry, so that being in rooms costs no further object.
type player struct {
	name  string
	entry rooms.Entry[*player]
}

func newPlayer(ix *rooms.Index[*player], name string, in ...string) *player {
	p := &player{name: name}
	p.entry.Value = p
	ix.Add(&p.entry)
	for _, room := range in {
		ix.Join(&p.entry, room)
	}
	return p
}

func ExampleIndex_Each() {
	var ix rooms.Index[*player]
	newPlayer(&ix, "ann", "red")
	newPlayer(&ix, "bob", "red", "blue")
	newPlayer(&ix, "cid", "blue", "muted")

	ix.Each([]string{"red", "blue"}, []string{"muted"}, func(p *player) { fmt.Println(p.name) })
	// Output:
	// ann
	// bob
}

// Every member is in the room of its own name without having joined it.
func ExampleIndex_lookup() {
	players := map[string]*player{}
	ix := rooms.Index[*player]{Lookup: func(room string) *rooms.Entry[*player] {
		if p := players[room]; p != nil {
			return &p.entry
		}
		return nil
	}}
	for _, name := range []string{"ann", "bob", "cid"} {
		players[name] = newPlayer(&ix, name, "red")
	}

	ix.Each([]string{"bob"}, nil, func(p *player) { fmt.Println("to bob:", p.name) })
	ix.Each([]string{"red"}, []string{"bob"}, func(p *player) { fmt.Println("to red except bob:", p.name) })
	// Output:
	// to bob: bob
	// to red except bob: ann
	// to red except bob: cid
}

func ExampleIndex_Join() {
	var ix rooms.Index[*player]
	p := newPlayer(&ix, "ann")

	fmt.Println(ix.Join(&p.entry, "red"))
	fmt.Println(ix.Join(&p.entry, "red"))
	fmt.Println(ix.Len("red"), ix.In(&p.entry, "red"), ix.AppendRooms(nil, &p.entry))
	fmt.Println(ix.Leave(&p.entry, "red"))
	// Output:
	// true true
	// false false
	// 1 true [red]
	// true true
}

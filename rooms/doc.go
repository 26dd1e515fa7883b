// Package rooms is an index of who is in which room, for one goroutine, whose
// broadcasts visit every member once without allocating.
//
// # What it is not
//
// It is no registry of sockets, sends nothing, locks nothing, and emits no
// join or leave events: results say what happened. It does not limit names,
// rooms or memberships; callers do, with [Index.Count] and [Index.Rooms].
//
// # Data flow
//
//	Join, Leave ─▶ map[name]─▶ room{name, members}
//	                            members []{entry, slot, mi} ◀─┐ cross-indexed: each
//	                                        │                 │ side knows its place
//	                                        ▼                 │ in the other, so that
//	               all []*Entry ─▶ Entry{Value, memberships}  │ leaving is two
//	                                  []{room id, pos} ───────┘ swap-removes
//
//	Each(include, except) ─▶ epoch marks by slot ─▶ f(Value)
//
// A membership costs 8 bytes in the member, of which the first two are part of
// the Entry, and 16 bytes in the room. Adding and removing members keeps all
// without holes, so that a past peak does not slow a broadcast down.
//
// # Concurrency
//
// An Index and the entries in it belong to one goroutine at a time. An index
// must not be changed from within [Index.Each]; that panics.
package rooms

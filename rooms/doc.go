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
//	                            members []{slot, mi} ◀─┐ cross-indexed: each side
//	                                       │           │ knows its place in the
//	               all []*Entry ◀──────────┘           │ other, so that leaving is
//	                      │                            │ two swap-removes
//	                      ▼                            │
//	               Entry{Value, memberships []{room, pos}}  (two inline)
//
//	Each(include, except) ─▶ epoch marks, one per member ─▶ f(Value)
//
// A membership costs 8 bytes in the member and 8 bytes in the room. Neither
// holds a pointer, so the garbage collector does not look at them.
//
// # Concurrency
//
// An Index and the entries in it belong to one goroutine at a time. An index
// must not be changed from within [Index.Each]; that panics.
package rooms

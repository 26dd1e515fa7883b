// Package jsonx validates JSON fast, writes values by the rules of
// JSON.stringify, and moves binary attachments between values and the
// placeholders that stand for them in JSON.
//
// # What it is not
//
// It is no general JSON library: types without a fast path go through a Codec,
// by default encoding/json. It does not know packets.
//
// # Data flow
//
//	[]byte ─▶ Skip, Valid ─▶ index after the value, or why not
//
//	value ─▶ AppendValue ─▶ JSON with {"_placeholder":true,"num":0} …
//	             │     └──▶ attachments [0], …
//	             └─ other types ─▶ Codec.Marshal
//
//	JSON + attachments ─▶ Decode ─▶ value, []byte where placeholders were
//	                        └─ what is between placeholders ─▶ Codec.Unmarshal
//
// # Rules
//
// Written: map keys sorted by byte; no HTML escaping; U+2028 as it is;
// numbers as JavaScript prints them, minus zero as 0, NaN and infinities as
// null; time.Time as an ISO date in UTC with milliseconds; bytes that are not
// UTF-8 as U+FFFD; a json.RawMessage as it is, once it has proved valid. Inside
// types that go through the Codec, the Codec's rules hold.
//
// Read: the last of equal keys wins; half a surrogate pair and bytes that are
// not UTF-8 become U+FFFD; a number that a double cannot hold is an error,
// never an infinity, and stays as it was written in a json.RawMessage.
//
// # Concurrency
//
// All functions are safe for concurrent use.
package jsonx

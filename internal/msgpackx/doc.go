// Package msgpackx reads and writes MessagePack in the dialect of the npm
// package notepack.io 2, which the official msgpack parser is built on, and
// moves values between it, JSON and Go.
//
// # What it is not
//
// It is no general MessagePack library and knows no packets. Reflection is used
// only on the way out, for types without a fast path.
//
// # Data flow
//
//	[]byte ─▶ Skip ─▶ index after the value, or why not
//
//	value ─▶ AppendValue ─▶ MessagePack, binary inline
//	             └─ json.Marshaler, json.RawMessage ─▶ FromJSON
//
//	MessagePack ─▶ Decode ─▶ scalars and []byte at once
//	                  └─ anything else ─▶ AppendJSON ─▶ jsonx.Decode
//
// # The dialect
//
//	d4 00 xx             undefined, read as null
//	d7 00 int64          a Date, in milliseconds
//	c7/c8/c9 len 00 …    an ArrayBuffer or typed array, read as binary
//	c4/c5/c6 len …       a Buffer; how []byte is written
//	ext −1               a timestamp of the MessagePack specification, read as a Date
//	any other ext        an array of the type and binary, as notepack reads it
//
// A key of a map may be text, a number, a boolean, nil or undefined, and is the
// text that JavaScript makes of it. Text that is not UTF-8 is read with U+FFFD.
// The last of equal keys wins.
//
// # Hostile input
//
// Nothing is allocated for what a head declares: a string, an array or a map
// that is longer than the bytes behind it is refused where it begins. Depth is
// limited by the caller.
//
// # Concurrency
//
// All functions are safe for concurrent use.
package msgpackx

// Package bundle keeps files in the content codings in which clients take
// them.
//
// # What it is not
//
// It serves nothing and chooses nothing: which coding a request prefers is
// package polling's to say, and HTTP is its caller's.
//
// # Data flow
//
//	fs.FS ─▶ Get(name, coding) ─▶ kept? ─ yes ─▶ the bytes
//	                                │ no, or the file has changed
//	                                ▼
//	                     read, compress, keep within bounds
//
// # Concurrency
//
// Files may be used by any number of goroutines. Those that ask for a file in a
// coding in which it is not yet there wait for one of them to compress it.
package bundle

// Package paged has a list that grows by pages: nothing in it moves when it
// grows, so a table of a million entries leaves no outgrown copies behind and
// has no spare half.
//
// It is not a slice: an element costs one more load, and there is no way to
// take a part of a List but page by page.
//
//	List ─▶ pages ─▶ [1024]T, [1024]T, … , the last one as far as it is filled
//
// A List may be used by one goroutine at a time.
package paged

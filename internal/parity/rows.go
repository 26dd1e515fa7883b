package parity

import "slices"

// A Row is one statement of the compatibility table: a row or a bullet of its
// sections 1, 2, 3, 4, 7, 8 and 9.
type Row struct {
	// Name is the section, and what the row is about: "1.3/POST ok".
	Name string

	// Scripts are the transcripts in testdata that show it, without .txt.
	Scripts []string

	// Tests are others that show it: "sio.TestName", "internal/eio.TestName/case",
	// the case being a string in the tests of that folder or a file in its
	// testdata, or, with a client of somebody else,
	// "e2e/suites/client/order.test.mjs: title of the test".
	Tests []string

	// Without says why no transcript shows it, although tests do.
	Without string

	// OutOfScope says why nothing shows it: it is not offered, or it makes no
	// sense outside Node. Such a row has neither scripts nor tests.
	OutOfScope string
}

// Rows is the list.
var Rows = slices.Concat(
	engineRows,
	protocolRows,
	serverRows,
	recoveryRows,
	engineSuiteRows,
	serverSuiteRows,
	oddityRows,
	vectorRows,
)

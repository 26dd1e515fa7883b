// Package archtest holds the tests that keep the shape of this module: which package may import which, which
// third-party packages each may use, what the packages without input and output must stay away from, and the
// exported API of sio as a file that a reviewer sees change.
//
// # What it is not
//
// It has no code of its own and nothing imports it. Style is golangci-lint's business; what a package does is its
// own tests'.
//
// # Data flow
//
//	go list -json ./...  (linux, darwin, windows)
//	        │ imports of each package, of its tests, of everything below it
//	        ▼
//	   rules of dag_test.go ──▶ one failure per forbidden edge, naming both ends
//
//	go/parser over sio ──▶ api/sio.txt (written with -update, compared without)
//
// # Concurrency
//
// None beyond that of the testing package.
package archtest

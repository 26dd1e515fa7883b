// Package testleak fails a test binary that leaves goroutines or file
// descriptors behind.
//
// # What it is not
//
// It names no test as the culprit and knows nothing of heap or pooled buffers:
// those are counted by the packages that own them. Descriptors are counted
// where /proc/self/fd exists; elsewhere only goroutines are.
//
// # Data flow
//
//	TestMain ─▶ Main ─▶ baseline: goroutines, /proc/self/fd
//	                    m.Run()
//	                    poll until both are back, at most 5 s ─▶ exit code of m.Run
//	                      └─ not back ─▶ stacks, descriptor targets ─▶ exit 1
//
// # Concurrency
//
// Main is called once, from TestMain.
package testleak

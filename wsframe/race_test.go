//go:build race

package wsframe_test

// raceFactor is what the race detector may cost.
const raceFactor = 20

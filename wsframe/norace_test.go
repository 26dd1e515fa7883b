//go:build !race

package wsframe_test

const raceFactor = 1

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := command(os.Environ()).ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "gannet: "+oneLine(err.Error()))
		os.Exit(status(err))
	}
}

// oneLine joins the lines of a text.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "IPv4 address and port to listen on")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	s, err := listen(*addr)
	if err == nil {
		if _, err = fmt.Fprintf(os.Stdout, "listening on http://%s\n", s.addr); err == nil {
			err = s.run()
		}
	}
	fmt.Fprintln(os.Stderr, "floor:", err)
	os.Exit(1)
}

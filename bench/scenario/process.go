package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// processCPU returns the time that all threads of a process have run.
func processCPU(pid int) time.Duration {
	var total int64
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range tasks {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		field, _, _ := strings.Cut(string(b), " ")
		n, _ := strconv.ParseInt(field, 10, 64)
		total += n
	}
	return time.Duration(total)
}

// processRSS returns the resident memory of a process in bytes.
func processRSS(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// checkProcess says why a process cannot be sampled.
func checkProcess(pid int) error {
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		return bad("pid", "this system has no /proc to sample a process")
	}
	if processRSS(pid) == 0 {
		return bad("pid", fmt.Sprintf("there is no process %d", pid))
	}
	return nil
}

package report_test

import (
	"strings"
	"testing"

	"github.com/gannet-io/gannet/bench/report"
)

func TestTable(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*report.Result{"table_passed.txt": sample(), "table_failed.txt": failed(), "table_empty.txt": {}} {
		var b strings.Builder
		if err := report.Table(&b, r); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

// TestTableHostile has the server answer with what would drive a terminal.
func TestTableHostile(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[2J\x07\r\nFAKED: passed\u202e\x9b\xff"
	r := failed()
	r.Scenario, r.Target, r.ClientBound = evil, evil, evil
	r.Failures = []string{evil, evil}
	r.Connections.Errors = map[string]int64{evil + strings.Repeat("x", 5_000): 1}
	r.Checks.First = []string{evil}
	r.Latencies[evil] = report.Latency{Count: 1}
	var b strings.Builder
	if err := report.Table(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\x1b", "\x07", "\r", "\nFAKED", "\u202e", "\u009b", "\xff", strings.Repeat("x", 301)} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("the table has %q:\n%q", bad, b.String())
		}
	}
}

// TestInterrupted has nothing say of a run that was ended early that it has
// passed.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{false, true} {
		r := sample()
		if fails {
			r = failed()
		}
		r.Interrupt()
		var table strings.Builder
		if err := report.Table(&table, r); err != nil {
			t.Fatal(err)
		}
		_, page, _ := page(t, r)
		_, compared := compare(t, []*report.Result{sample()}, []*report.Result{r}, nil)
		for where, text := range map[string]string{"table": table.String(), "page": page, "comparison": compared} {
			if !strings.Contains(text, "interrupted") || strings.Contains(text, "\npassed") {
				t.Errorf("fails %v: the %s does not say that the run was interrupted", fails, where)
			}
			if fails && !strings.Contains(text, "3 messages were lost") {
				t.Errorf("the %s does not say what failed", where)
			}
		}
	}
}

// Package report is what a load test has measured, and the forms in which
// people read it: JSON, terminal tables, HTML pages, plots and comparisons.
//
// What it is not: the load test. It opens no connection and measures nothing.
//
//	load test ─ Sample each second ─▶ Live ──────▶ terminal, while it runs
//	          └ Result ─┬─ Check(thresholds) ────▶ Result.Failures
//	                    ├─ Table ────────────────▶ terminal, at the end
//	                    ├─ Write ─▶ JSON ─▶ Read ─▶ Compare ─▶ Table, JSON
//	                    └─ WriteHTML ────────────▶ one page with plots
//	benchmark harness ─── Bars ──────────────────▶ SVG
//
// Times are microseconds wherever a number has no unit of its own, as in the
// Result; sizes are bytes, and kB and MB are powers of ten. Text that comes from
// elsewhere (errors, URLs, settings) is escaped for where it goes: control
// characters do not reach the terminal, nor markup the page.
//
// A Live may be used from any goroutine. Everything else has no state.
package report

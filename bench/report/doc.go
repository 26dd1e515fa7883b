// Package report is what a load test has measured, and the forms in which
// people read it: JSON, terminal tables, HTML pages, plots and comparisons.
//
// What it is not: the load test. It opens no connection and measures nothing.
package report

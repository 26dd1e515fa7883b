// Package config reads what gannet serve is told: flags, GANNET_* variables of
// the environment, and a YAML file, in that precedence.
//
// What it is not: a general configuration library. Every setting has one name,
// which is its flag, its key in the file, and with underscores its variable;
// all three are parsed by the flag's own code.
//
//	--ping-interval 10s ──────────┐
//	GANNET_PING_INTERVAL=10s ─────┤ the first that is there
//	ping-interval: 10s (file) ────┘        │
//	                                       ▼
//	                     Settings.Load ──▶ Config ──▶ Validate ──▶ Options
//
// What is not known is an error, wherever it stands.
//
// Concurrency: a Settings belongs to one goroutine; a Config is a plain value.
package config

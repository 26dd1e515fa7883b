// Package mount holds one program for each router that Gannet is shown under:
// net/http's own, chi, gin and echo. Each is a module of its own, so that
// Gannet does not depend on the routers. The test here builds and uses them.
package mount

// Package packet parses and writes Socket.IO packets of protocol revision 5.
package packet

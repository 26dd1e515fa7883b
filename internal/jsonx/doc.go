// Package jsonx reads and writes JSON the way JavaScript does, by the byte.
package jsonx

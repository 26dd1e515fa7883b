module github.com/gannet-io/gannet/examples/mount/nethttp

go 1.26

require github.com/gannet-io/gannet v0.0.0

require (
	github.com/andybalholm/brotli v1.2.1 // indirect
	github.com/klauspost/compress v1.18.0 // indirect
	github.com/panjf2000/gnet/v2 v2.10.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
	golang.org/x/sys v0.30.0 // indirect
	gopkg.in/natefinch/lumberjack.v2 v2.2.1 // indirect
)

replace github.com/gannet-io/gannet => ../../..

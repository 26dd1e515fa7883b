package report

import "time"

// Format is the version of the JSON form of a Result.
const Format = 1

// A Result is what one run of a load test has measured. Its JSON form is what
// `gannet bench --json` writes and `gannet bench compare` reads.
type Result struct {
	Format   int               `json:"format"`
	Tool     string            `json:"tool"` // name and version of the program
	Started  time.Time         `json:"started"`
	Seconds  float64           `json:"seconds"` // measured time, without ramp-up and warm-up
	Scenario string            `json:"scenario"`
	Target   string            `json:"target"` // URL of the server
	Settings map[string]string `json:"settings,omitempty"`
	Machine  Machine           `json:"machine"`

	Connections Connections `json:"connections"`
	Messages    Messages    `json:"messages"`
	// Latencies by what was timed: "connect", "upgrade", "ack" (emit to
	// acknowledgement), "echo" and "broadcast" (emit to delivery).
	Latencies map[string]Latency `json:"latencies,omitempty"`
	Checks    Checks             `json:"checks"`
	Client    Process            `json:"client"`
	// Server is nil when the server's process was not sampled.
	Server *Process `json:"server,omitempty"`
	// Series has one Sample for each second of the whole run, ramp-up included.
	Series []Sample `json:"series,omitempty"`

	// ClientBound says that the client was the bottleneck, and why; empty means
	// that it was not.
	ClientBound string `json:"clientBound,omitempty"`
	// Failures say why the run has failed: checks and thresholds. Empty means
	// that it has passed, or was interrupted.
	Failures []string `json:"failures,omitempty"`
}

// interruptedSetting is there, as "true", where a run was ended early.
const interruptedSetting = "interrupted"

// Interrupt notes that the run was ended early.
func (r *Result) Interrupt() {
	if r.Settings == nil {
		r.Settings = map[string]string{}
	}
	r.Settings[interruptedSetting] = "true"
}

// Interrupted tells whether the run was ended early: the figures are of what was
// measured until then, and what was to be measured in full did not pass.
func (r *Result) Interrupted() bool { return r.Settings[interruptedSetting] == "true" }

// Machine says where a Result was measured.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
}

// Connections counts what became of connections.
type Connections struct {
	Wanted int64 `json:"wanted"`
	Opened int64 `json:"opened"`
	Failed int64 `json:"failed"` // could not be opened
	Lost   int64 `json:"lost"`   // ended although the run wanted them
	// Errors has the first few different errors, and how often each occurred.
	Errors map[string]int64 `json:"errors,omitempty"`
}

// Messages counts packets of events and acknowledgements within the measured
// time.
type Messages struct {
	Sent          int64   `json:"sent"`
	Received      int64   `json:"received"`
	BytesSent     int64   `json:"bytesSent"`
	BytesReceived int64   `json:"bytesReceived"`
	SentRate      float64 `json:"sentRate"`     // per second
	ReceivedRate  float64 `json:"receivedRate"` // per second
	// Unsent counts what an open-loop schedule wanted and the client could not
	// send in time.
	Unsent int64 `json:"unsent,omitempty"`
}

// Latency summarises a histogram. Times are microseconds.
type Latency struct {
	Count int64   `json:"count"`
	Min   float64 `json:"min"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
	// Histogram is the whole histogram in the compressed form of HdrHistogram
	// (V2, base64). Its values may be of any unit: the greatest stands for Max.
	Histogram string `json:"histogram,omitempty"`
}

// Checks counts deliveries that were not as they should be.
type Checks struct {
	Lost       int64 `json:"lost"`
	Duplicated int64 `json:"duplicated"`
	Reordered  int64 `json:"reordered"`
	Corrupted  int64 `json:"corrupted"`
	Misrouted  int64 `json:"misrouted"`
	// First describes the first few of them.
	First []string `json:"first,omitempty"`
}

// A Process is what the operating system says about a process.
type Process struct {
	CPUSeconds float64 `json:"cpuSeconds"` // in the measured time, all threads
	CPUShare   float64 `json:"cpuShare"`   // of one core
	RSSBefore  int64   `json:"rssBefore"`  // bytes, before the connections
	RSSPeak    int64   `json:"rssPeak"`    // bytes
	// CPUPerMessage is microseconds for each message received by the client.
	CPUPerMessage float64 `json:"cpuPerMessage,omitempty"`
	// BytesPerConnection is the growth of RSS for each open connection.
	BytesPerConnection float64 `json:"bytesPerConnection,omitempty"`
}

// A Sample is one second of a run, or less where a phase has ended.
type Sample struct {
	At        float64 `json:"at"` // seconds since the start
	Open      int64   `json:"open"`
	Sent      int64   `json:"sent"`     // since the sample before
	Received  int64   `json:"received"` // since the sample before
	InFlight  int64   `json:"inFlight"`
	Errors    int64   `json:"errors"`              // since the sample before
	P50       float64 `json:"p50,omitempty"`       // µs, of the main latency since the sample before
	P99       float64 `json:"p99,omitempty"`       // µs
	Max       float64 `json:"max,omitempty"`       // µs
	ServerCPU float64 `json:"serverCPU,omitempty"` // share of one core
	ServerRSS int64   `json:"serverRSS,omitempty"` // bytes
	Measuring bool    `json:"measuring"`           // not ramp-up or warm-up
}

package report

import "math"

// shortest is how long, in seconds, a sample must be to be shown by itself. A
// run cuts seconds short where its phases change, and a rate or a CPU share of a
// few milliseconds says nothing.
const shortest = 0.5

// A joiner turns samples into rates: it joins short ones with what follows, and
// divides what was counted by the time that it took. Its zero value is usable.
type joiner struct {
	joined Sample
	span   float64 // of joined
	at     float64 // where the sample before ended
}

// add takes the next sample and returns one of at least shortest, if it is
// complete.
func (j *joiner) add(s *Sample) (rates Sample, complete bool) {
	span := s.At - j.at
	if !(span > 0) { // time that stands still, or is NaN
		span = 0
	}
	sum := *s
	sum.Sent += j.joined.Sent
	sum.Received += j.joined.Received
	sum.Errors += j.joined.Errors
	if sum.P50 == 0 {
		sum.P50 = j.joined.P50
	}
	sum.P99, sum.Max = max(s.P99, j.joined.P99), max(s.Max, j.joined.Max)
	if j.span > 0 {
		sum.ServerCPU = (s.ServerCPU*span + j.joined.ServerCPU*j.span) / (span + j.span)
	}
	j.joined, j.span, j.at = sum, j.span+span, s.At
	if j.span < shortest {
		return Sample{}, false
	}
	rates = j.joined
	rates.Sent, rates.Received, rates.Errors = j.rate(rates.Sent), j.rate(rates.Received), j.rate(rates.Errors)
	j.joined, j.span = Sample{}, 0
	return rates, true
}

// rate returns what n in the time of the joined samples is in a second.
func (j *joiner) rate(n int64) int64 { return int64(math.Round(float64(n) / j.span)) }

// rates returns the samples for charts. What is left at the end, less than
// shortest, is left out.
func rates(samples []Sample) []Sample {
	var j joiner
	var all []Sample
	for i := range samples {
		if s, ok := j.add(&samples[i]); ok {
			all = append(all, s)
		}
	}
	return all
}

package scenario

import (
	"time"

	"github.com/gannet-io/gannet/bench/report"
)

// SetTick makes samples come at another pace than once a second.
func (c *Config) SetTick(d time.Duration) { c.tick = d }

// Until makes the measuring end when f, which is called for every sample, says
// so.
func (c *Config) Until(f func(report.Phase, report.Sample) bool) { c.enough = f }

package report

// SetWidth makes l believe that it writes to a terminal.
func (l *Live) SetWidth(width func() int) { l.width = width }

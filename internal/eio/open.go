package eio

import "strconv"

// AppendOpen appends the handshake packet of a session that starts on t:
// `0{"sid":…,"upgrades":[…],"pingInterval":…,"pingTimeout":…,"maxPayload":…}`.
func AppendOpen(dst []byte, cfg *Config, sid string, t Transport) []byte {
	dst = append(dst, byte(Open))
	dst = append(dst, `{"sid":"`...)
	dst = appendEscaped(dst, sid)
	dst = append(dst, `","upgrades":[`...)
	if t == Polling && !cfg.DisableUpgrades && cfg.Enabled(WebSocket) {
		dst = append(dst, `"websocket"`...)
	}
	dst = append(dst, `],"pingInterval":`...)
	dst = strconv.AppendInt(dst, cfg.PingInterval, 10)
	dst = append(dst, `,"pingTimeout":`...)
	dst = strconv.AppendInt(dst, cfg.PingTimeout, 10)
	dst = append(dst, `,"maxPayload":`...)
	dst = strconv.AppendInt(dst, int64(cfg.MaxPayload), 10)
	return append(dst, '}')
}

// appendEscaped appends s as the inside of a JSON string. Ids of our own need
// no escape; a user's generator may return anything that is UTF-8.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

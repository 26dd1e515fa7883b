package polling_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/polling"
)

func TestCheckPayload(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, payload string
		want          error
	}{
		{"one message", "4a", nil},
		{"text and binary", "4a\x1ebAQID\x1e3", nil},
		{"URL-safe and unpadded", "bAQ-_\x1ebAQ", nil},
		{"line breaks of the Java client", "bAQID\nBAUG\n\x1ebAQID\r\n", nil},
		{"empty", "", polling.ErrEmptyPacket},
		{"empty at the end", "4a\x1e", polling.ErrEmptyPacket},
		{"unknown type behind a good packet", "4a\x1eabc", polling.ErrUnknownPacket},
		{"malformed base64 behind a good packet", "4a\x1ebA", polling.ErrBase64},
		{"foreign byte in base64", "bAQ!D", polling.ErrBase64},
		{"anything behind a close", "1\x1eabc", nil},
		{"as many as allowed", strings.TrimSuffix(strings.Repeat("4\x1e", polling.MaxPackets), "\x1e"), nil},
		{"one too many", strings.Repeat("4\x1e", polling.MaxPackets) + "4", polling.ErrTooManyPackets},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := polling.CheckPayload([]byte(tc.payload)); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

package wsconform_test

import (
	"testing"

	"github.com/gannet-io/gannet/internal/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

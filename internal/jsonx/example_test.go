package jsonx_test

import (
	"fmt"

	"github.com/gannet-io/gannet/internal/jsonx"
)

func Example() {
	var atts [][]byte
	out, _ := jsonx.AppendValue(nil, map[string]any{"name": "<a>", "icon": []byte("png"), "size": 1e21}, nil, &atts)
	fmt.Printf("%s\n%s\n", out, atts)

	var v struct{ Icon []byte }
	_ = jsonx.Decode(out, atts, nil, &v)
	fmt.Printf("%s\n", v.Icon)

	// Output:
	// {"icon":{"_placeholder":true,"num":0},"name":"<a>","size":1e+21}
	// [png]
	// png
}

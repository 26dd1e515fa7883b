package jsonx_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/gannet-io/gannet/internal/jsonx"
)

type (
	// Left and Right name the same things, in every way that can clash.
	Left struct {
		Same   []byte
		Tag    []byte `json:"Tagged"`
		One    []byte
		Deep   []byte
		LeftOK []byte
	}
	Right struct {
		Same    []byte
		Tagged  []byte
		Two     []byte `json:"One"`
		RightOK []byte
	}
	// Ring embeds itself.
	Ring struct {
		*Ring
		Inner []byte
	}
	// Twice is met at two places of one depth.
	Twice  struct{ Double []byte }
	First  struct{ Twice }
	Third  struct{ Twice }
	number []byte
	Bytes  []byte
)

// TestFieldsLikeEncodingJSON sends an attachment to every key that a struct
// could have and compares with encoding/json sending the same as base64.
func TestFieldsLikeEncodingJSON(t *testing.T) {
	t.Parallel()
	keys := strings.Fields(`Same tagged Tagged Tag One Two Deep LeftOK RightOK rightok Inner Ring Double Twice First A a B b c C Bytes number
		x-y x1 9 a,b - é É K k \u212a s S ſ " F a"b fo FO Fo`)
	for _, target := range []any{
		Left{},
		struct {
			Left
			Right
		}{},
		struct {
			Left
			*Right
			Deep []byte `json:"Same"`
		}{},
		struct {
			Left  `json:"Left"`
			Right `json:"Tagged"`
		}{},
		Ring{},
		struct {
			First
			Third
		}{},
		struct {
			Bytes
			number
			*Ring `json:"-"`
		}{},
		struct {
			A []byte `json:"a"`
			B []byte `json:"A"`
			C []byte `json:"x-y"`
			D []byte `json:"x1"`
			E []byte `json:"9"`
			F []byte `json:"a\"b"` //nolint:staticcheck // encoding/json ignores such a name
			G []byte `json:",omitempty"`
			H []byte `json:"é"`
		}{},
		struct{ K, S []byte }{},
		struct {
			A []byte `json:"fo"`
			B []byte `json:"FO"`
		}{},
		struct{ A, a []byte }{},
	} {
		for _, key := range keys {
			key = strings.ReplaceAll(key, `"`, `\"`)
			got := reflect.New(reflect.TypeOf(target))
			want := reflect.New(reflect.TypeOf(target))
			err := jsonx.Decode([]byte(ph(`{"`+key+`":%0}`)), attachments(), nil, got.Interface())
			wantErr := json.Unmarshal([]byte(`{"`+key+`":"emVybw=="}`), want.Interface())
			if wantErr != nil {
				continue // base64 into a struct: an object may go there
			}
			if err != nil || !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Errorf("%T, key %s: %v\n got %s\nwant %s", target, key, err, show(got.Interface()), show(want.Interface()))
			}
		}
	}
}

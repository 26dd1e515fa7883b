package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/gannet-io/gannet/sio"
)

// A corsSetting is the option cors in the shape of the npm package of that
// name.
type corsSetting struct {
	Origin               json.RawMessage `json:"origin"` // a string, a list, true, or false for no CORS
	Methods              textList        `json:"methods"`
	AllowedHeaders       textList        `json:"allowedHeaders"`
	ExposedHeaders       textList        `json:"exposedHeaders"`
	Credentials          bool            `json:"credentials"`
	MaxAge               *int            `json:"maxAge"`
	PreflightContinue    bool            `json:"preflightContinue"`
	OptionsSuccessStatus int             `json:"optionsSuccessStatus"`
}

// A textList is a list, or one string with commas.
type textList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *textList) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*l = strings.Split(text, ",")
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// setCORS sets the option cors; true is any origin, and false is none.
func setCORS(o *sio.Options, raw json.RawMessage) error {
	switch string(raw) {
	case "false":
		o.CORS = nil
		return nil
	case "true":
		raw = json.RawMessage("{}")
	}
	var v corsSetting
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return err
	}
	c := &sio.CORS{
		Methods:              v.Methods,
		AllowedHeaders:       v.AllowedHeaders,
		ExposedHeaders:       v.ExposedHeaders,
		Credentials:          v.Credentials,
		PreflightContinue:    v.PreflightContinue,
		OptionsSuccessStatus: v.OptionsSuccessStatus,
	}
	if v.MaxAge != nil {
		if c.MaxAge = *v.MaxAge; c.MaxAge == 0 {
			c.MaxAge = -1 // says 0, where 0 says nothing
		}
	}
	if o.CORS = c; string(v.Origin) == "false" {
		o.CORS = nil
		return nil
	}
	return setOrigin(c, v.Origin)
}

func setOrigin(c *sio.CORS, raw json.RawMessage) error {
	switch {
	case len(raw) == 0:
		return nil
	case string(raw) == "true":
		c.ReflectOrigin = true
		return nil
	case raw[0] == '"':
		return json.Unmarshal(raw, &c.Origin)
	case raw[0] == '[':
		return json.Unmarshal(raw, &c.Origins)
	}
	return errors.New("origin is neither a string nor a list nor true")
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/gannet-io/gannet/sio"
)

// A cookieSetting is the option cookie in the shape of the npm package of that
// name.
type cookieSetting struct {
	Name        string          `json:"name"`
	Path        json.RawMessage `json:"path"` // a string, or false for none
	Domain      string          `json:"domain"`
	MaxAge      *int            `json:"maxAge"`
	HTTPOnly    *bool           `json:"httpOnly"`
	Secure      bool            `json:"secure"`
	Partitioned bool            `json:"partitioned"`
	Priority    string          `json:"priority"`
	SameSite    json.RawMessage `json:"sameSite"` // a string, true for Strict, or false for none
}

// setCookie sets the option cookie; true is one with the usual attributes and
// false is none.
func setCookie(o *sio.Options, raw json.RawMessage) error {
	switch string(raw) {
	case "false":
		o.Cookie = nil
		return nil
	case "true":
		o.Cookie = &sio.Cookie{}
		return nil
	}
	var v cookieSetting
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return err
	}
	c := &sio.Cookie{
		Name: v.Name, Domain: v.Domain, Secure: v.Secure, Partitioned: v.Partitioned, Priority: v.Priority,
		DisableHTTPOnly: v.HTTPOnly != nil && !*v.HTTPOnly,
	}
	if v.MaxAge != nil {
		if c.MaxAge = *v.MaxAge; c.MaxAge == 0 {
			c.MaxAge = -1 // says 0, where 0 says nothing
		}
	}
	if err := textOrNone(v.Path, &c.Path, &c.OmitPath); err != nil {
		return err
	}
	if string(v.SameSite) == "true" {
		c.SameSite = "Strict"
		v.SameSite = nil
	}
	if err := textOrNone(v.SameSite, &c.SameSite, &c.OmitSameSite); err != nil {
		return err
	}
	o.Cookie = c
	return nil
}

// textOrNone reads an attribute that is a string, or false where it is left out.
func textOrNone(raw json.RawMessage, text *string, omit *bool) error {
	switch {
	case len(raw) == 0:
		return nil
	case string(raw) == "false":
		*omit = true
		return nil
	case raw[0] == '"':
		return json.Unmarshal(raw, text)
	}
	return errors.New("an attribute is neither a string nor false")
}

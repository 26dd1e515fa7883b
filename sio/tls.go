package sio

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gannet-io/gannet/loop"
)

// A certificate is a pair of files and what they last held.
type certificate struct {
	// Immutable.
	certFile, keyFile string

	// Atomic: written by load, read by handshakes.
	pair atomic.Pointer[tls.Certificate]
}

// load reads the files. If that fails, what they held before stays.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("sio: certificate %s: %w", c.certFile, err)
	}
	c.pair.Store(&pair)
	return nil
}

// ReloadCertificates reads the files again that ListenTLS, ListenAndServeTLS
// and ServeTLS were given. Handshakes from now on get what they hold;
// connections that are open go on. A pair that cannot be used changes nothing,
// and is in the error.
func (s *Server) ReloadCertificates() error {
	s.mu.Lock()
	certs := s.certs
	s.mu.Unlock()
	var errs []error
	for _, c := range certs {
		errs = append(errs, c.load())
	}
	return errors.Join(errs...)
}

// tlsConfig returns the configuration of a listener.
func (s *Server) tlsConfig(certFile, keyFile string) (*tls.Config, error) {
	cfg := s.opts.TLSConfig.Clone()
	if cfg == nil {
		cfg = &tls.Config{}
	}
	if certFile == "" && keyFile == "" {
		return cfg, nil
	}
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if err := c.load(); err != nil {
		return nil, err
	}
	get := cfg.GetCertificate
	cfg.Certificates = nil
	cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if get != nil {
			if pair, err := get(hello); pair != nil || err != nil {
				return pair, err
			}
		}
		return c.pair.Load(), nil
	}
	s.mu.Lock()
	s.certs = append(s.certs, c)
	s.mu.Unlock()
	return cfg, nil
}

// tlsError turns the loop's complaint about a configuration into one of this
// package.
func tlsError(err error) error {
	if oe, ok := errors.AsType[*loop.OptionError](err); ok {
		return &OptionError{oe.Field, oe.Reason}
	}
	return err
}

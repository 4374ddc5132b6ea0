package main

import (
	"errors"

	"kioskd/internal/config"
	"kioskd/internal/wire"
)

// errSimulated says why simulated hardware is not let near a real hub: whoever
// reached its dock could lay any card and move the clock.
var errSimulated = errors.New("simulated hardware must not talk to a real hub: enrol at a hub with a sandbox, or set simulate = false")

// refuseRealHub is what an enrolment must not be.
func refuseRealHub(cfg config.Config) func(*wire.Enrolment) error {
	return func(e *wire.Enrolment) error {
		if cfg.Simulate && !e.Sandbox {
			return errSimulated
		}
		return nil
	}
}

// checkHub refuses to start where that is clear already. An enrolment that cannot
// be read, or is not there yet, is for later.
func checkHub(cfg config.Config) error {
	e, err := wire.LoadEnrolment(cfg.Enrolment)
	if err != nil {
		return nil //nolint:nilerr // the uplink tells it, and again when it changes
	}
	return refuseRealHub(cfg)(e)
}

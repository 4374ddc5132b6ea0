package hub

import (
	"context"
	"time"
)

// LinkStore lets all hubs see which kiosks are connected, and where, and lets
// them hint to each other that something has changed. A hub writes only about its
// own links.
type LinkStore interface {
	// BeatHub says that a hub lives for so long from now on, by the store's clock,
	// and forgets hubs whose time has passed, with their links.
	BeatHub(ctx context.Context, hub string, life time.Duration) error
	// EndHub forgets a hub and its links.
	EndHub(ctx context.Context, hub string) error
	// MoveLinks adds and removes links of a hub, in one transaction. What is there
	// is not added again, what is not there is not removed. It gives the links
	// that the kiosks of the added ones have now, as Links does.
	MoveLinks(ctx context.Context, hub string, add []Link, remove []string) ([]Link, error)
	// Links lists links of hubs that live, by kiosk, and of one kiosk in the order in
	// which they were added. An empty filter matches everything.
	Links(ctx context.Context, f LinkFilter) ([]Link, error)

	// Tell hints all hubs that there is something new about a kiosk. A hint may be
	// lost: the rows are the truth.
	Tell(ctx context.Context, kiosk string) error
	// Listen calls hear for each hint, one after the other, until ctx ends; "" says
	// that hints may have been lost, about any kiosk. hear must not take long.
	Listen(ctx context.Context, hear func(kiosk string))
}

// Link is one open link of a kiosk to a hub.
type Link struct {
	ID     string
	Kiosk  string
	Run    string // the start of the kiosk's daemon
	Hub    string // the start of the hub
	Remote string // address that the hub sees
	Since  time.Time
}

// LinkFilter chooses links.
type LinkFilter struct {
	Kiosk   string
	Hub     string
	Several bool // only of kiosks that have several links
}

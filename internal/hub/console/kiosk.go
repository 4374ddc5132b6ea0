package console

import (
	"errors"
	"net/http"

	"kioskd/internal/hub"
)

// alarmsOfKiosk is how many of a kiosk's alarms its page shows: the same kind and
// subject is one.
const alarmsOfKiosk = 100

type kioskPage struct {
	Kiosk  hub.Kiosk
	State  state
	Links  []hub.Link
	Alarms []hub.Alarm
}

// kiosk shows one kiosk: who it is, and from where it is connected. A kiosk that
// was cloned shows all its machines here.
func (c *Console) kiosk(w http.ResponseWriter, r *http.Request) {
	k, err := c.Store.Kiosk(r.Context(), r.PathValue("id"))
	if errors.Is(err, hub.ErrNotFound) {
		c.message(w, r, http.StatusNotFound, "There is no such kiosk", "The overview lists all that are enrolled.")
		return
	}
	links, err2 := c.Store.Links(r.Context(), hub.LinkFilter{Kiosk: k.ID})
	alarms, err3 := c.Store.AlarmsOf(r.Context(), k.ID, alarmsOfKiosk)
	if err := errors.Join(err, err2, err3); err != nil {
		c.failed(w, r, err)
		return
	}
	p := kioskPage{Kiosk: k, State: stateOf(k, c.Now()), Links: links, Alarms: alarms}
	title := k.Name
	if title == "" {
		title = k.ID
	}
	c.show(w, r, http.StatusOK, "kiosk", page{Title: title, Tab: "overview", Refresh: 10, Data: p})
}

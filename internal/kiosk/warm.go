package kiosk

import (
	"encoding/json"
	"fmt"

	"kioskd/internal/flow"
	"kioskd/internal/wire"
)

// warm has encoding/json learn the types of a visit before the first one comes.
// See [wire.Warm].
func warm() error {
	for _, screen := range flow.Screens() {
		if _, err := json.Marshal(flow.Snapshot{Screen: screen}); err != nil {
			return fmt.Errorf("cannot encode a screen: %w", err)
		}
	}
	wire.Warm()
	wire.Learn[flow.Start]()
	wire.Learn[flow.Key]()
	wire.Learn[flow.Pick]()
	wire.Learn[flow.Turn]()
	wire.Learn[flow.Box]()
	wire.Learn[flow.SetEra]()
	wire.Learn[flow.Open]()
	wire.Learn[flow.SetLang]()
	wire.Learn[flow.SetSize]()
	wire.Learn[flow.SetContrast]()
	wire.Learn[flow.SetVolume]()
	wire.Learn[flow.CallStaff]()
	return nil
}

package hub

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrWorthless says that a kiosk has handed over too much that is worth nothing:
// nothing was stored, and it may come again later.
var ErrWorthless = errors.New("cannot take submission: too many of this kiosk were not genuine")

// worthlessDaily is how many submissions a kiosk may have stored in a day that raise an
// alarm. Each is kept for a year or longer, so one kiosk in wrong hands could fill the
// hub's disk. An honest one whose documents are all spoilt, by a clock or a card reader,
// loses nothing: what is over the budget waits at the kiosk until there is room again.
const worthlessDaily = 200

const budgetWorthless = "worthless"

// mayKeep takes one from the kiosk's budget of submissions that raise an alarm, or says
// in the log of alarms that there is none left.
func (in *Ingest) mayKeep(ctx context.Context, kiosk string, now time.Time) error {
	const day = 24 * time.Hour
	wait, err := spend(ctx, in.Store, kiosk, budgetWorthless, day/worthlessDaily, day, now)
	if err != nil {
		return fmt.Errorf("cannot ask for the budget of worthless submissions: %w", err)
	}
	if wait <= 0 {
		return nil
	}
	in.Log.Error("Submissions of this kiosk are not kept any more", "kiosk", kiosk, "daily", worthlessDaily, "alarm", true)
	err = in.Store.Raise(ctx, Alarm{Kind: AlarmWorthless, Kiosk: kiosk, Last: now,
		Text: fmt.Sprintf("more than %d submissions in a day that are not genuine: the rest waits at the kiosk", worthlessDaily)})
	if err != nil {
		return fmt.Errorf("cannot raise alarm: %w", err)
	}
	return ErrWorthless
}

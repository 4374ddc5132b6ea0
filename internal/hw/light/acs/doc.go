// Package acs drives the LEDs and the buzzer of card readers by ACS (ACR122U,
// ACR1252U), with commands to the reader itself. The commands are from the maker's
// manuals; none has been tried on a reader.
//
// A reader bears few commands: each is a connection through pcscd, and while a card
// is being talked to there must be none. So this is no lamp of an engine's. It shows
// a signal coarsely (steady, or changing at 1 Hz), sends at most two commands a second,
// and skips what the reader has no time for: what is still to be shown is tried again.
// A dialogue with a card therefore keeps the look that it began with. A reader that
// gives no answer at all is left alone for minutes; one that is no longer preferred is
// made dark, once.
//
// The buzzer sounds once for a visit's good end and twice when the shopper is to look
// at the screen. A beep that is late is dropped.
package acs

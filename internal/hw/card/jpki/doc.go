// Package jpki is the dialogue with a My Number card (or a phone that stands in
// for one): it identifies the card, reads the tries left and the
// user-authentication certificate, and has the card sign a message.
//
// # Use
//
//	conn, err := reader.Connect(ctx, number)
//	session, err := jpki.Open(ctx, conn)          // identified, or a fault
//	info, err := session.Inspect(ctx, judge)      // costs no PIN try
//	result, err := session.Sign(ctx, jpki.Order{PIN: pin, MinTries: 2, Message: document, Judge: judge})
//	session.End(ctx)
//	conn.Close()
//
// When the session stays open while the shopper types, only four exchanges with
// the card are left after the last digit: counter, VERIFY, select key, sign. The
// counter is read again although nobody else could have used a try: it also shows,
// at no cost, that the card still stands where it stood before the PIN is sent.
// [Inspect] and [Sign] do the same on a connection of their own each; Sign then
// reads the certificate again unless Order.Certificate brings along what Inspect
// read from the card of the same insertion.
//
// A Session is used by one goroutine. It starts no goroutine and waits for
// nothing but the card and ctx.
//
// # Promises
//
//   - The PIN is sent at most once for each call of Sign, and only right after
//     the counter was read and showed at least Order.MinTries. A PIN that is not
//     four digits is never sent. An answer that got lost is never answered with
//     another VERIFY: the fault is pin_uncertain, and the counter is read again
//     where the card still answers.
//   - The PIN is never sent to a card that has not been identified.
//   - The certificate is judged (time, authority, holder) before the PIN is sent.
//     Only a phone, which shows its certificate after the PIN, is judged after it.
//   - A signature is checked on the host before it is called done.
//   - Once VERIFY was sent, [Session.End] selects the issuer security domain, so
//     that no verified PIN stays behind. Closing the connection powers the card
//     down besides.
//   - The individual number cannot be read: package apdu's guard lets no such
//     command pass.
//
// "Judged" is not "valid": whether a certificate has been revoked is for the
// hub's accredited partner to say.
//
// Every error is a *fault.Error.
package jpki

// Package cardtest holds virtual cards and a virtual reader that obey the rules
// of the real ones down to the APDU: selection, PIN counters that survive
// removal, blocking, access conditions, status words, file ends, FeliCa systems.
//
// # Cards
//
// A [Card] answers command bytes with answer bytes and knows nothing of readers,
// so that the same card serves tests in process, the dock, and a driver for the
// virtual reader of vsmartcard below a real pcscd. [NewJPKI] makes a My Number
// card (or a phone, or an old resident card) from a [Profile], [NewWAON] a FeliCa
// card, [NewUnknown] an ISO card without a single application.
//
// # Reader
//
// [NewReader] makes a reader onto which the cards of [Personas] can be put. It
// implements card.Reader; its handles (Put, Lift, Power, TearAt, …) may be called
// from any goroutine at any time and take effect at once. Cards keep their
// counters until ResetCounters. The reader starts no goroutine of its own.
//
//	r := cardtest.NewReader()
//	go r.Run(ctx)
//	r.Put("taro")                  // PIN 1234
//	state := <-r.Watch()
//	conn, err := r.Connect(ctx, state.Card)
//
// # Fixtures
//
// Certificates and keys lie in testdata and come from the generator in gen. The
// keys are public knowledge; nothing outside tests and demos may trust their
// root, which [RootPEM] returns.
package cardtest

//go:generate go run ./gen

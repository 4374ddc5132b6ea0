// Package cardtest holds virtual cards and a virtual reader that obey the rules
// of the real ones down to the APDU: selection, PIN counters that survive
// removal, blocking, access conditions, status words, file ends, FeliCa systems.
//
// # Cards
//
// A [Card] answers command bytes with answer bytes and knows nothing of readers,
// so that the same card serves tests in process, the dock, and the virtual reader
// of vsmartcard below a real pcscd. [NewJPKI] makes a My Number
// card (or a phone, or an old resident card) from a [Profile], [NewWAON] a FeliCa
// card, [NewUnknown] an ISO card without a single application.
//
// # Slot and devices
//
// A [Slot] is where the cards of [Personas] are laid and how they are played
// with: put, lift, tear away at APDU n, mute, slow, unplug. A device serves it:
// [NewReader] is a card.Driver in process, [NewVPCD] carries the same slot to the
// virtual reader of vsmartcard below a real pcscd. Neither starts a goroutine
// before Run.
//
//	r := cardtest.NewReader()
//	go r.Run(ctx)
//	r.Put("taro")                  // PIN 1234
//	state := <-r.Watch()
//	conn, err := r.Connect(ctx, state.Cards[0].Number)
//
// # Fixtures
//
// Certificates and keys lie in testdata and come from the generator in gen. The
// keys are public knowledge; nothing outside tests and demos may trust their
// root, which [RootPEM] returns.
package cardtest

//go:generate go run ./gen

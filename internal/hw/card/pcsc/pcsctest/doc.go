// Package pcsctest runs tests below a real pcscd that is theirs alone.
//
// [Main] starts the test binary once more in mount and network namespaces of its
// own: /run is empty there, the network is a loopback that nobody else hears. A
// pcscd on the machine is neither used nor disturbed, and nothing is open to the
// outside, although vpcd listens on every address it finds.
//
//	func TestMain(m *testing.M) { pcsctest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		service := pcsctest.Start(t)           // pcscd with two virtual readers
//		slot := cardtest.NewSlot()
//		pcsctest.Attach(t, slot)               // what is laid there, pcscd sees
//		…
//		service.Kill()                         // as a power cut of pcscd
//		service.Start()
//	}
//
// Debian's packages pcscd and vsmartcard-vpcd must be installed; `make deps` sees
// to that. Where a machine forbids namespaces the tests fail and say so.
package pcsctest

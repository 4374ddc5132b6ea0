package pcsc_test

import (
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card/pcsc"
)

// A real pcscd lets a command to the reader pass beside a card without touching
// it. The virtual reader takes none and says so.
func TestControlDisturbsNoCard(t *testing.T) {
	r := newRig(t, pcsc.Options{})
	reader := r.drv.Preferred()
	if reader == "" {
		t.Fatal("no reader")
	}
	command := []byte{0xE0, 0x00, 0x00, 0x29, 0x01, 0x02}
	control := func(about string, want fault.Code) {
		t.Helper()
		if _, err := r.drv.Control(t.Context(), reader, command); fault.CodeOf(err) != want {
			t.Errorf("%s: %v, want %s", about, err, want)
		}
	}
	control("without a card", fault.CardRefused)
	number := r.put("taro")
	for range 5 {
		control("beside a card", fault.CardRefused)
	}
	conn := r.connect(number) // another number, were it powered up anew
	if _, err := conn.Transmit(t.Context(), selectJPKI); err != nil {
		t.Fatal(err)
	}
	control("during a dialogue", fault.ReaderBusy)
	if answer, err := conn.Transmit(t.Context(), []byte{0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x18}); err != nil || len(answer) != 2 || answer[0] != 0x90 {
		t.Errorf("what was selected is lost: %x, %v", answer, err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	control("afterwards", fault.CardRefused)
	r.lift()
}

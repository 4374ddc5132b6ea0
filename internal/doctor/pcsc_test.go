package doctor_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"kioskd/internal/doctor"
	"kioskd/internal/fault"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/pcsc"
	"kioskd/internal/hw/card/pcsc/pcsctest"
)

func TestMain(m *testing.M) { pcsctest.Main(m) }

// examined is the doctor's whole way below a real pcscd.
func examined(t *testing.T, opt pcsc.Options) doctor.Report {
	t.Helper()
	setup := doctor.CardSetup{MyNumber: opt.MyNumber, WAON: opt.WAON}
	sights, err := doctor.Await(t.Context(), 20*time.Second, func() ([]pcsc.Sight, error) { return pcsc.Look(opt) })
	if err != nil {
		return doctor.NoService(err, pcsc.Version()).Report(setup)
	}
	opt.Log = slog.New(slog.DiscardHandler)
	driver, err := pcsc.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- driver.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	return doctor.ExamineCards(t.Context(), doctor.CardOptions{
		Driver: driver, Sights: sights, Libpcsclite: pcsc.Version(), Roots: cardtest.Roots(), Now: today,
	}).Report(setup)
}

func TestBelowPCSCD(t *testing.T) {
	service := pcsctest.Start(t)
	slot := cardtest.NewSlot()
	pcsctest.Attach(t, slot)
	if err := slot.Put("taro"); err != nil {
		t.Fatal(err)
	}
	r := examined(t, pcsc.Options{MyNumber: []string{"00 00$"}})
	if !r.OK || len(r.Findings) != 0 {
		t.Fatalf("%+v", r.Findings)
	}
	f := *r.Card
	if len(f.Readers) != 2 || f.Readers[1].NotServed != doctor.NoPattern || f.Readers[0].Lies != doctor.LiesISO {
		t.Errorf("readers %+v", f.Readers)
	}
	if len(f.Cards) != 1 || f.Cards[0].Kind != "my_number" || *f.Cards[0].TriesLeft != 3 || f.Cards[0].Certificate.Issuer != doctor.IssuerConfigured {
		t.Errorf("cards %+v", f.Cards)
	}

	release := hold(t, pcsctest.First)
	r = examined(t, pcsc.Options{MyNumber: []string{"00 00$"}})
	if got := codesOf(r); r.OK || !slices.Equal(got, []fault.Code{fault.ReaderBusy}) || r.Card.Readers[0].Lies != doctor.LiesTaken {
		t.Errorf("held by another program: %+v %+v", r.Findings, r.Card.Readers)
	}
	release()

	service.Kill()
	r = examined(t, pcsc.Options{})
	if got := codesOf(r); r.OK || r.Card.Service.Running || !slices.Equal(got, []fault.Code{fault.ReaderGone}) {
		t.Errorf("without pcscd: %+v", r.Findings)
	}
}

// hold has the card for itself, as another program would.
func hold(t *testing.T, reader string) (release func()) {
	t.Helper()
	ctx, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	c, err := ctx.Connect(reader, scard.ShareExclusive, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := c.Disconnect(scard.LeaveCard); err != nil {
			t.Error(err)
		}
		_ = ctx.Release()
	}
}

// A pcscd that is there and does not answer is told from none.
func TestPCSCDHangs(t *testing.T) {
	service := pcsctest.Start(t)
	service.Freeze()
	defer service.Thaw()
	r := examined(t, pcsc.Options{})
	if got := codesOf(r); r.OK || !slices.Equal(got, []fault.Code{fault.ReaderGone}) || r.Findings[0].Cause == "" {
		t.Errorf("%+v", r.Findings)
	}
}

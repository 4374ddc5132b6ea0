package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/felica"
	"kioskd/internal/hw/card/jpki"
	"kioskd/internal/hw/card/pcsc"
)

// The one table of time limits.
const (
	// noticed is how long pcscd and the driver may take to see what lies there.
	noticed = 1500 * time.Millisecond
	// pace is how often is looked for a card.
	pace = 200 * time.Millisecond
	// lookLimit is when a pcscd that does not answer is given up.
	lookLimit = 5 * time.Second
	// connectLimit and talkLimit are for one card.
	connectLimit = 8 * time.Second
	talkLimit    = 10 * time.Second
)

// CardOptions say what is examined and by what it is judged.
type CardOptions struct {
	Driver card.Driver  // it runs, and nobody else watches it
	Sights []pcsc.Sight // what Await has seen before the driver ran
	// Libpcsclite is the version of the library.
	Libpcsclite string
	WAON        felica.Config
	Roots       []*x509.Certificate // authorities; none: the issuer is not checked
	Now         func() time.Time    // the clock by which certificates are judged
}

// NoService is the facts when pcscd could not be asked, and why.
func NoService(err error, libpcsclite string) CardFacts {
	return CardFacts{Service: Service{Libpcsclite: libpcsclite, Err: err}, Readers: []Reader{}, Cards: []Card{}}
}

// ExamineCards talks to each card that lies on a reader that is served, one
// after the other. It ends early with ctx.
func ExamineCards(ctx context.Context, opt CardOptions) CardFacts {
	f := CardFacts{Service: Service{Running: true, Libpcsclite: opt.Libpcsclite}, Readers: []Reader{}, Cards: []Card{}}
	for _, s := range opt.Sights {
		f.Readers = append(f.Readers, readerOf(s))
	}
	for _, l := range settle(ctx, opt.Driver, opt.Sights).Cards {
		f.Cards = append(f.Cards, opt.examine(ctx, l))
	}
	return f
}

func readerOf(s pcsc.Sight) Reader {
	r := Reader{Name: s.Name, MyNumber: s.Served.MyNumber, WAON: s.Served.WAON, Lies: LiesISO}
	switch {
	case !s.Card:
		r.Lies = LiesNothing
	case s.Taken:
		r.Lies = LiesTaken
	case s.Mute:
		r.Lies = LiesSilent
	case card.TechOf(s.ATR) == card.TechFeliCa:
		r.Lies = LiesFeliCa
	}
	return r
}

// settle waits until the driver shows what was seen before it ran.
func settle(ctx context.Context, d card.Driver, sights []pcsc.Sight) card.State {
	timer := time.NewTimer(noticed)
	defer timer.Stop()
	var s card.State
	for !shows(s, sights) {
		select {
		case s = <-d.Watch():
		case <-timer.C:
			return s
		case <-ctx.Done():
			return card.State{}
		}
	}
	return s
}

func shows(state card.State, sights []pcsc.Sight) bool {
	for _, s := range sights {
		if !served(s) {
			continue
		}
		_, there := state.On(s.Name)
		lies := slices.ContainsFunc(state.Cards, func(l card.Lying) bool { return l.Reader == s.Name })
		if !there || s.Card && !lies {
			return false
		}
	}
	return true
}

func served(s pcsc.Sight) bool { return s.Served.MyNumber || s.Served.WAON }

// examine connects to one card and talks to it in its tongue.
func (o CardOptions) examine(ctx context.Context, l card.Lying) Card {
	c := Card{Reader: l.Reader, Tech: techName(l.Tech)}
	m := &meter{}
	if conn, ok := o.connect(ctx, m, l.Number); ok {
		ctx, cancel := context.WithTimeout(ctx, talkLimit)
		defer cancel()
		if l.Tech == card.TechFeliCa {
			o.waon(ctx, m, m.wrap(conn), &c)
		} else {
			o.myNumber(ctx, m, m.wrap(conn), &c)
		}
		m.end()
		if err := conn.Close(); err != nil && m.current().Err == nil {
			m.fail("", err)
		}
	}
	m.end()
	c.Steps = m.steps
	c.Readable = !slices.ContainsFunc(c.Steps, func(s Step) bool { return !s.OK })
	return c
}

func techName(t card.Tech) string {
	switch t {
	case card.TechFeliCa:
		return TechFeliCa
	case card.TechISO:
		return TechISO
	default:
		return TechUnknown
	}
}

func (o CardOptions) connect(ctx context.Context, m *meter, number uint64) (card.Conn, bool) {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	m.begin(stepConnect)
	conn, err := o.Driver.Connect(ctx, number)
	if err != nil {
		m.fail("", err)
		return nil, false
	}
	return conn, true
}

// myNumber is the dialogue of a visit up to where it would need the PIN.
func (o CardOptions) myNumber(ctx context.Context, m *meter, conn card.Conn, c *Card) {
	m.begin(stepIdentify)
	session, err := jpki.Open(ctx, conn)
	if err != nil {
		m.fail("", err)
		return
	}
	m.begin(stepCertificate)
	info, err := session.Inspect(ctx, jpki.Judge{At: o.Now(), Roots: o.Roots})
	m.end()
	c.Kind = info.Kind
	c.Certificate = o.certificate(info)
	if info.TriesLeft != jpki.TriesUnknown {
		c.TriesLeft = &info.TriesLeft
	}
	switch code := fault.CodeOf(err); code {
	case "":
	case fault.CertExpired, fault.CertForeign: // found out last, when the counter has been read
		m.fail(stepCertificate, err)
	default:
		m.fail("", err)
	}
}

// certificate keeps what may be told.
func (o CardOptions) certificate(info jpki.Info) *Certificate {
	cert, err := x509.ParseCertificate(info.Certificate)
	if err != nil {
		return nil // behind the PIN; what does not parse, Inspect has refused
	}
	c := &Certificate{
		Size: len(info.Certificate), Key: keyName(cert), Issuer: IssuerNotChecked,
		NotBefore: info.NotBefore.UTC(), NotAfter: info.NotAfter.UTC(),
	}
	if len(o.Roots) == 0 {
		return c
	}
	c.Issuer = IssuerUnknown
	for _, root := range o.Roots {
		if root.IsCA && cert.CheckSignatureFrom(root) == nil {
			c.Issuer = IssuerConfigured
		}
	}
	return c
}

func keyName(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Params().Name
	default:
		return fmt.Sprintf("%T", key)
	}
}

// waon reads the number one way after the other, as the daemon does, and notes
// which one led there.
func (o CardOptions) waon(ctx context.Context, m *meter, conn card.Conn, c *Card) {
	m.begin(stepNumber)
	strategies, err := felica.Choose(conn.Reader(), o.WAON.Strategies)
	if err != nil {
		m.fail("", err)
		return
	}
	services := o.WAON.Services
	if len(services) == 0 {
		services = []uint16{felica.Service684F, felica.Service67CF}
	}
	c.WAON = &WAON{}
	for _, s := range strategies {
		for _, service := range services {
			number, err := felica.ReadWAON(ctx, conn, felica.Config{Services: []uint16{service}, Strategies: []string{s.Name()}})
			switch {
			case err == nil:
				c.WAON.Strategy, c.WAON.Service, c.WAON.Number = s.Name(), fmt.Sprintf("%04X", service), masked(number)
				return
			case fault.CodeOf(err) != fault.WAONUnreadable:
				m.fail("", err)
				return
			}
			c.WAON.note(s.Name(), err)
		}
	}
	m.fail("", &fault.Error{Device: "card", Op: "read the WAON number", Code: fault.WAONUnreadable, Cause: errors.New(c.WAON.said())})
}

// note keeps what a way has led to; the same is not said for each service.
func (w *WAON) note(strategy string, err error) {
	said := err.Error()
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Cause != nil {
		said = strings.TrimPrefix(f.Cause.Error(), strategy+": ")
	}
	if a := (Attempt{strategy, said}); !slices.Contains(w.Tried, a) {
		w.Tried = append(w.Tried, a)
	}
}

func (w *WAON) said() string {
	said := make([]string, len(w.Tried))
	for i, a := range w.Tried {
		said[i] = a.Strategy + ": " + a.Said
	}
	return strings.Join(said, "; ")
}

// masked hides all but the last four digits.
func masked(number string) string {
	const shown = 4
	return "****-****-****-" + number[max(len(number)-shown, 0):]
}

package cardtest

import (
	"crypto"
	"crypto/x509"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"

	"kioskd/internal/hw/card/apdu"
)

//go:embed testdata/*.pem
var testdata embed.FS

// rootFiles are the generations of the authority for user authentication. As in
// reality all have the same name.
func rootFiles() []string { return []string{"root", "root-2", "root-3"} }

// RootPEM is the certificates of the test authority that issued the personas'
// certificates, one behind the other. Only demos and tests trust it.
func RootPEM() []byte {
	var out []byte
	for _, root := range Roots() {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})...)
	}
	return out
}

// Roots is RootPEM, parsed.
func Roots() []*x509.Certificate {
	var out []*x509.Certificate
	for _, name := range rootFiles() {
		der, _, err := pemOf(name)
		if err != nil {
			panic(err) // embedded: cannot happen
		}
		root, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		out = append(out, root)
	}
	return out
}

// Kinds of persona, as the dock shows them.
const (
	KindMyNumber = "mynumber"
	KindWAON     = "waon"
	KindOther    = "other"
)

// Persona is a simulated card and its holder.
type Persona struct {
	ID       string
	Name     string
	Kind     string
	About    string
	PIN      string // empty where the card has none
	Password string // of the key for signing; empty where the card has none
	card     func() (Card, error)
}

// NewCard makes a fresh card of this persona, with counters of its own.
func (p Persona) NewCard() (Card, error) { return p.card() }

// Labels of the token information.
const (
	labelMyNumber = "JPKIAPICCTOKEN2"
	labelOld      = "JPKIAPICCTOKEN"
	labelAndroid  = "JPKIAPGPSETOKEN"
	labelIPhone   = "JPKIAPIOSTOKEN"
)

// password is of every key for signing.
const password = "TEST1234"

// loadPersons is how many ordinary holders the fixtures have for load tests.
const loadPersons = 20

// Personas lists every persona in the order of the dock. IDs are stable.
func Personas() []Persona {
	const pin = "1234"
	jpki := func(id, name, about string, change func(*Profile)) Persona {
		return Persona{ID: id, Name: name, Kind: KindMyNumber, About: about, PIN: pin, card: func() (Card, error) {
			p, err := profile(id, pin)
			if err != nil {
				return nil, err
			}
			if change != nil {
				change(&p)
			}
			return NewJPKI(p), nil
		}}
	}
	signing := func(p Persona) Persona {
		p.Password = password
		return p
	}
	other := func(id, name, kind, about string, build func() Card) Persona {
		return Persona{ID: id, Name: name, Kind: kind, About: about, card: func() (Card, error) { return build(), nil }}
	}
	ps := []Persona{
		signing(jpki("taro", "山田 太郎", "adult, everything in order", nil)),
		signing(jpki("hanako", "佐藤 花子", "adult, everything in order", nil)),
		jpki("child", "鈴木 みらい", "child under 15; the card itself does not tell", nil),
		jpki("two-tries", "高橋 二郎", "two PIN tries left", func(p *Profile) { p.Tries = 2 }),
		jpki("one-try", "田中 一子", "one PIN try left", func(p *Profile) { p.Tries = 1 }),
		jpki("blocked", "伊藤 実", "PIN blocked", func(p *Profile) { p.Tries = 0 }),
		jpki("expired", "渡辺 久", "certificate expired in 2021", nil),
		{ID: "nocert", Name: "中村 新", Kind: KindMyNumber, About: "no user-authentication certificate on the card", PIN: pin,
			card: func() (Card, error) { return NewJPKI(plastic(pin)), nil }},
		jpki("foreign", "小林 海", "certificate of another authority", nil),
		jpki("phone", "加藤 電", "Android phone: PIN before the certificate", func(p *Profile) {
			p.Label, p.Phone = labelAndroid, true
		}),
		jpki("iphone", "斎藤 林檎", "iPhone: PIN before the certificate", func(p *Profile) {
			p.Label, p.Phone = labelIPhone, true
		}),
		jpki("ecc", "山本 次世", "next generation: P-384 key", nil),
		jpki("long", "松本 長", "longest certificate that was seen: 1583 bytes", nil),
		jpki("oldcard", "吉田 昭", "old basic resident card (住基カード)", func(p *Profile) {
			p.Label = labelOld
			p.ATR = []byte{0x3B, 0x88, 0x80, 0x01, 0x00, 0x00, 0x14, 0xE0, 0xB3, 0x81, 0x91, 0x00, 0x5E}
		}),
		other("waon-1", "WAON 1", KindWAON, "WAON card 6900 0000 0000 0016", func() Card {
			return NewWAON([8]byte{0x01, 0x14, 0xC4, 0x11, 0x22, 0x33, 0x44, 0x01}, 0x684F, "6900000000000016")
		}),
		other("waon-2", "WAON 2", KindWAON, "WAON card 6900 1234 5678 9013", func() Card {
			return NewWAON([8]byte{0x01, 0x14, 0xC4, 0x11, 0x22, 0x33, 0x44, 0x02}, 0x684F, "6900123456789013")
		}),
		other("suica-like", "交通系IC", KindOther, "FeliCa transit card without WAON", func() Card {
			return NewFeliCa([8]byte{0x01, 0x01, 0x03, 0x12, 0x34, 0x56, 0x78, 0x9A}, WayPassthrough, System{Code: 0x0003})
		}),
		other("unknown", "社員証", KindOther, "ISO card that is not a My Number card", func() Card {
			return NewUnknown([]byte{0x3B, 0x80, 0x80, 0x01, 0x01})
		}),
	}
	for i := range loadPersons {
		id := fmt.Sprintf("person-%02d", i+1)
		ps = append(ps, jpki(id, fmt.Sprintf("試験 %02d", i+1), "adult, everything in order (load tests)", nil))
	}
	return ps
}

func atrContactless() []byte {
	return []byte{0x3B, 0x88, 0x80, 0x01, 0x00, 0x00, 0x05, 0xE0, 0xB3, 0x81, 0xA1, 0x00, 0x7F}
}

// ContactATR is the ATR of a My Number card that lies on contacts. Profiles have
// one of a contactless reader.
func ContactATR() []byte { return []byte{0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14} }

// plastic is the common card before anything was issued to it.
func plastic(pin string) Profile {
	return Profile{
		ATR: atrContactless(), Label: labelMyNumber, Authority: root("root"), SignAuthority: root("root-sign"),
		PIN: pin, Tries: pinTries, Filler: 64, BlockedSW: apdu.Blocked,
	}
}

func root(name string) []byte {
	der, _, err := fixture(name)
	if err != nil {
		panic(err) // embedded: cannot happen
	}
	return der
}

// issuer is the file of the authority that issued the certificate of id.
func issuer(id string) string {
	switch id {
	case "foreign":
		return "root-foreign"
	case "iphone", "long":
		return "root-2"
	case "ecc":
		return "root-3"
	default:
		return "root"
	}
}

// profile is the common plastic card with the fixtures of id. Where there are
// some for signing, they are on the card too.
func profile(id, pin string) (Profile, error) {
	p := plastic(pin)
	var err error
	if p.Certificate, p.Key, err = fixture(id); err != nil {
		return Profile{}, err
	}
	p.Authority = root(issuer(id))
	switch certificate, key, err := fixture(id + "-sign"); {
	case err == nil:
		p.SignCertificate, p.SignKey, p.SignPassword = certificate, key, password
	case !errors.Is(err, fs.ErrNotExist):
		return Profile{}, err
	}
	return p, nil
}

// ProfileOf is the plastic card with the fixtures of a persona, to be changed by
// tests that need a card with one odd habit. The persona must have fixtures.
func ProfileOf(id string) Profile {
	p, err := profile(id, "1234")
	if err != nil {
		panic(err)
	}
	return p
}

// TaroProfile is ProfileOf taro, in whose card everything is in order.
func TaroProfile() Profile { return ProfileOf("taro") }

// fixture gives a certificate and its key, which is nil where it was not kept.
func fixture(id string) ([]byte, crypto.Signer, error) {
	certificate, rest, err := pemOf(id)
	if err != nil {
		return nil, nil, err
	}
	private, _ := pem.Decode(rest)
	if private == nil {
		return certificate, nil, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(private.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the key of %s: %w", id, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("cannot sign with the key of %s", id)
	}
	return certificate, signer, nil
}

// pemOf gives a certificate, and what follows it in its file.
func pemOf(id string) (certificate, rest []byte, err error) {
	b, err := testdata.ReadFile("testdata/" + id + ".pem")
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the fixture of %s: %w", id, err)
	}
	block, rest := pem.Decode(b)
	if block == nil {
		return nil, nil, fmt.Errorf("cannot read the fixture of %s: not PEM", id)
	}
	return block.Bytes, rest, nil
}

// find looks a persona up.
func find(id string) (Persona, bool) {
	for _, p := range Personas() {
		if p.ID == id {
			return p, true
		}
	}
	return Persona{}, false
}

// Package catalogue holds what the programme's payment services look like:
// names, labels, formats, terms. It is data, read once, immutable and shared.
package catalogue

// Text is a text by language ("ja", "en"). Japanese is always there.
type Text map[string]string

// In gives the text in lang, else in Japanese.
func (t Text) In(lang string) string {
	if s, ok := t[lang]; ok {
		return s
	}
	return t["ja"]
}

// Grants says when points come.
type Grants string

// The ways of granting.
const (
	OnTopUp    Grants = "topup"
	OnPurchase Grants = "purchase"
)

// Charset is what a field takes.
type Charset string

// The character sets.
const (
	Digits  Charset = "digits"
	Letters Charset = "letters" // A-Z, a-z, 0-9
)

// Field is the ID or a code of a service, as the service names and shapes it.
type Field struct {
	Label   Text    `json:"label"`
	Hint    Text    `json:"hint"`    // where to find it
	Picture string  `json:"picture"` // name of an illustration, e.g. "waon-number"
	Charset Charset `json:"charset"`
	Min     int     `json:"min"` // characters
	Max     int     `json:"max"`
	Groups  []int   `json:"groups"` // how it is set in print: 4-4-4-4
	Check   string  `json:"check"`  // "" or "luhn"
	// Tap says that laying a card on the reader fills the field: "" or "waon".
	Tap string `json:"tap"`
}

// Service is one payment service.
type Service struct {
	ID       string   `json:"id"`
	Name     Text     `json:"name"`
	Operator Text     `json:"operator"`
	Kind     string   `json:"kind"` // "card", "emoney", "qr"
	Mark     string   `json:"mark"` // 1-3 letters of its own mark, drawn by us
	Colour   string   `json:"colour"`
	Search   []string `json:"search"`  // further words that find it
	Popular  int      `json:"popular"` // larger comes first
	Grants   Grants   `json:"grants"`
	About    Text     `json:"about"` // one or two sentences
	Reward   Text     `json:"reward"`
	// IDField and CodeFields are asked for in apply when not carried from issue.
	IDField    Field   `json:"id_field"`
	CodeFields []Field `json:"code_fields"`
	// PhoneLast4 says whether apply asks for the last four digits of the phone.
	PhoneLast4 bool `json:"phone_last4"`
	// Issue is set when the kiosk can issue ID and code for this service.
	Issue *Issue `json:"issue,omitempty"`
	Terms Terms  `json:"terms"` // accepted in apply
	Ask   Text   `json:"ask"`   // where to ask: name and phone of the help desk
}

// Issue is how ID and code are issued.
type Issue struct {
	Card  Field `json:"card"`  // the number of the payment card that is registered
	Terms Terms `json:"terms"` // notes and special terms
}

// Terms are pages that must be read to the end.
type Terms struct {
	Version string `json:"version"`
	Title   Text   `json:"title"`
	Pages   []Page `json:"pages"`
	Tick    Text   `json:"tick"` // the sentence beside the box
}

// Page is what fits one screen.
type Page struct {
	Heading Text   `json:"heading"`
	Paras   []Text `json:"paras"`
}

// Catalogue is all services of one programme year.
type Catalogue struct {
	Version  string    `json:"version"`
	Services []Service `json:"services"`

	index [][]word // what finds Services[i]; see Search
}

// Find gives the service with this ID.
func (c *Catalogue) Find(id string) (*Service, bool) {
	for i := range c.Services {
		if c.Services[i].ID == id {
			return &c.Services[i], true
		}
	}
	return nil, false
}

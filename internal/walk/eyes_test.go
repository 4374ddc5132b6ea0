package walk

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
)

// snapshot is what the walk needs of one.
type snapshot struct {
	Seq    uint64 `json:"seq"`
	Since  uint64 `json:"since"`
	Screen struct {
		Kind     string `json:"kind"`
		Step     string `json:"step"`
		Number   string `json:"number"`
		MyKeyID  string `json:"mykey_id"`
		Delivery string `json:"delivery"`
		Because  any    `json:"because"`
		Slip     any    `json:"slip"` // an outcome, or on goodbye whether there is one
		Reason   string `json:"reason"`
		Code     string `json:"code"`
		Problem  any    `json:"problem"` // beside a field, or a code of the card
		Retry    bool   `json:"retry"`
		Other    string `json:"other"`
		Wait     int    `json:"wait"`
		Status   string `json:"status"`
		Count    int    `json:"count"`
		Page     int    `json:"page"`
		Pages    int    `json:"pages"`
		Again    bool   `json:"again"`
		Fix      string `json:"fix"`
		Items    []struct {
			Kind   string `json:"kind"`
			Number string `json:"number"`
		} `json:"items"`
		Choices []struct {
			Plan      string `json:"plan"`
			Available bool   `json:"available"`
		} `json:"choices"`
		Results []struct {
			ID string `json:"id"`
		} `json:"results"`
		Service any `json:"service"`
		Fields  []struct {
			Value string `json:"value"`
		} `json:"fields"`
		Rows []struct {
			Key    string `json:"key"`
			Value  string `json:"value"`
			Masked int    `json:"masked"`
			Edit   bool   `json:"edit"`
		} `json:"rows"`
		Resend *struct {
			Left int `json:"left"`
		} `json:"resend"`
	} `json:"screen"`
	Overlay *struct {
		Kind string `json:"kind"`
	} `json:"overlay"`
	Busy *struct {
		With string `json:"with"`
		Slow bool   `json:"slow"`
	} `json:"busy"`
	Nav struct {
		Next bool `json:"next"`
		Back bool `json:"back"`
		Home bool `json:"home"`
	} `json:"nav"`
	Kiosk struct {
		Line   bool     `json:"line"`
		Reader bool     `json:"reader"`
		Card   bool     `json:"card"`
		Faults []string `json:"faults"`
	} `json:"kiosk"`
}

// slip is the outcome that a result screen names, "" = none yet.
func (s snapshot) slip() string {
	outcome, _ := s.Screen.Slip.(string)
	return outcome
}

// serviceID is the chosen service's, where the screen names one.
func (s snapshot) serviceID() string {
	row, _ := s.Screen.Service.(map[string]any)
	id, _ := row["id"].(string)
	return id
}

// eyes look at every snapshot of one rig.
type eyes struct {
	services *catalogue.Catalogue

	mu      sync.Mutex
	secrets []string          // typed in this visit: no screen may hold them
	wrong   []string          // what no snapshot may be, and was
	slips   map[string]string // result → what was said last of its slip
	said    map[string]string // kind of result screen → delivery said last
	issued  string            // the ID that was shown last
}

func newEyes(t testing.TB) *eyes {
	t.Helper()
	services, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	e := &eyes{services: services}
	e.forget()
	return e
}

// forget begins a new visit. It counts the slips of the visit before that were still
// being printed when it was looked at last.
func (e *eyes) forget() (unfinished int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, said := range e.slips {
		if said == "" || said == "printing" {
			unfinished++
		}
	}
	e.secrets, e.wrong, e.slips, e.said, e.issued = nil, nil, map[string]string{}, map[string]string{}, ""
	return unfinished
}

// keepOff names a secret that is about to be typed.
func (e *eyes) keepOff(secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.secrets, secret) {
		e.secrets = append(e.secrets, secret)
	}
}

// complaints gives what was wrong so far.
func (e *eyes) complaints() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.wrong)
}

// delivery gives what was said last on a kind of result screen; "" = never shown.
func (e *eyes) delivery(kind string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.said[kind]
}

// issuedID gives the ID that was shown; "" = none was.
func (e *eyes) issuedID() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.issued
}

// slipsSaid counts the results that were shown, and what was said of their slips.
func (e *eyes) slipsSaid() (results, printed, not int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, said := range e.slips {
		switch said {
		case "printed":
			printed++
		case "not_printed":
			not++
		}
	}
	return len(e.slips), printed, not
}

func (e *eyes) see(msg []byte) (snapshot, bool) {
	var s snapshot
	if err := json.Unmarshal(msg, &s); err != nil || s.Screen.Kind == "" {
		return s, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch s.Screen.Kind {
	case "issued":
		e.said["issued"] = "accepted"
		if len(s.Screen.Fields) > 0 {
			e.issued = s.Screen.Fields[0].Value
			e.slips[e.issued] = s.slip()
		}
	case "manage":
		e.said["manage"] = "accepted"
	case "reserved", "applied":
		e.said[s.Screen.Kind] = s.Screen.Delivery
		// A refusal has no slip. One that comes late has had one, of a submission that
		// waited.
		if s.Screen.Delivery != "refused" {
			e.slips[s.Screen.Number] = s.slip()
		} else if e.slips[s.Screen.Number] == "" {
			delete(e.slips, s.Screen.Number)
		}
	}
	if why := e.invariants(s); why != "" {
		e.wrong = append(e.wrong, s.Screen.Step+": "+why)
	}
	if what := e.leak(msg); what != "" {
		e.wrong = append(e.wrong, s.Screen.Step+": the snapshot holds what was typed secretly: "+what)
	}
	return s, true
}

// invariants says what is wrong with a snapshot, whatever came before it.
func (e *eyes) invariants(s snapshot) string {
	sc := s.Screen
	switch {
	case sc.Step == "reading" && s.Busy == nil:
		return "the card is said to be read and nothing is awaited"
	case sc.Kind != "menu" && !s.Nav.Home:
		return "there is no way out"
	}
	switch sc.Kind {
	case "menu":
		return menuStands(s)
	case "services":
		if len(sc.Results) == 0 && !s.Nav.Back {
			return "nothing to choose and no way back"
		}
	case "reserved", "applied":
		switch {
		case sc.Number == "" || sc.Delivery == "":
			return fmt.Sprintf("number %q, delivery %q", sc.Number, sc.Delivery)
		case sc.Delivery == "refused" && (sc.Because == nil || sc.Because == ""):
			return "refused without a reason"
		case !s.Nav.Next && s.Busy == nil && s.Overlay == nil:
			return "no way on"
		}
	case "check":
		return e.checkStands(s)
	case "trouble":
		if !slices.Contains(fault.All(), fault.Code(sc.Code)) {
			return "trouble without a known code: " + sc.Code
		}
		if sc.Retry && sc.Wait == 0 && !s.Nav.Next && s.Overlay == nil {
			return "the retry that is offered cannot be pressed"
		}
	case "recovered":
		if len(sc.Items) == 0 {
			return "nothing was recovered"
		}
		return nextIsLit(s)
	case "goodbye":
		if !slices.Contains([]string{"finished", "idle", "left", "staff"}, sc.Reason) {
			return "an unknown reason: " + sc.Reason
		}
		return nextIsLit(s)
	case "last_try", "issued", "service", "manage":
		if s.Overlay == nil && s.Busy == nil {
			return nextIsLit(s)
		}
	}
	return ""
}

func nextIsLit(s snapshot) string {
	if !s.Nav.Next {
		return "no way on"
	}
	return ""
}

func menuStands(s snapshot) string {
	for _, c := range s.Screen.Choices {
		if c.Available {
			return ""
		}
	}
	if len(s.Kiosk.Faults) == 0 {
		return "nothing can be chosen and no reason is given"
	}
	return ""
}

// checkStands: what can be signed must be well formed.
func (e *eyes) checkStands(s snapshot) string {
	svc, ok := e.services.Find(s.serviceID())
	if !ok {
		return "a service that is not in the catalogue"
	}
	if !s.Nav.Next {
		if s.Busy == nil && s.Overlay == nil {
			return "something is missing for the application, and nothing says what"
		}
		return ""
	}
	code := 0
	for _, row := range s.Screen.Rows {
		switch row.Key {
		case "service_id":
			if p := svc.IDField.Problem(row.Value); p != "" {
				return fmt.Sprintf("an ID that is %s can be signed", p)
			}
		case "code":
			if code >= len(svc.CodeFields) || row.Masked < svc.CodeFields[code].Min {
				return "a code that is too short can be signed"
			}
			code++
		}
	}
	return ""
}

var run = regexp.MustCompile(`[0-9A-Za-z]+`)

// leak looks for typed secrets in every text of the message. Numbers that count
// something are no texts.
func (e *eyes) leak(msg []byte) string {
	var all any
	if json.Unmarshal(msg, &all) != nil {
		return ""
	}
	found := ""
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case string:
			for _, r := range run.FindAllString(v, -1) {
				if slices.Contains(e.secrets, r) {
					found = strings.Repeat("*", len(r))
				}
			}
		case []any:
			for _, x := range v {
				look(x)
			}
		case map[string]any:
			for _, x := range v {
				look(x)
			}
		}
	}
	look(all)
	return found
}

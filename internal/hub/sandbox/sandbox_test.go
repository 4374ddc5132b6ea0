package sandbox

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

const (
	kiosk    = "demo"
	service  = "aeon-card-waon"
	goodCard = "4980000000000014"
	phone    = "09012345678"
	password = "abcd1234"
)

type rig struct {
	*Sandbox
	t      *testing.T
	waited []time.Duration
}

func open(t *testing.T) *rig {
	t.Helper()
	v, err := vault.New(bytes.Repeat([]byte{7}, vault.KeySize))
	must(t, err)
	cat, err := catalogue.Load()
	must(t, err)
	r := &rig{t: t}
	start := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	r.Sandbox, err = Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), v, Options{
		Catalogue: cat, Now: func() time.Time { return start },
		Wait: func(_ context.Context, d time.Duration) error { r.waited = append(r.waited, d); return nil },
	})
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func details(card, phone string) wire.IssueStart {
	return wire.IssueStart{
		RequestID: wire.NewNonce(), Service: service, CardNumber: card, NameKana: "ヤマダ　タロウ", Birth: "1950-04-01", Phone: wire.Private(phone),
	}
}

func (r *rig) begin(card, phone string) wire.IssueStarted {
	r.t.Helper()
	st, err := r.Start(r.t.Context(), kiosk, details(card, phone))
	must(r.t, err)
	return st
}

func (r *rig) code(phone string) string {
	r.t.Helper()
	list, err := r.Messages(r.t.Context(), phone, 1)
	must(r.t, err)
	if len(list) == 0 {
		r.t.Fatal("no message")
	}
	return string(list[0].Code)
}

func (r *rig) verify(session, code string) error {
	_, err := r.Verify(r.t.Context(), kiosk, wire.IssueVerify{RequestID: wire.NewNonce(), Session: session, Code: wire.Private(code)})
	return err
}

func (r *rig) resend(session string) (wire.IssueStarted, error) {
	return r.Resend(r.t.Context(), kiosk, wire.IssueResend{RequestID: wire.NewNonce(), Session: session})
}

func (r *rig) finish(session, password string) (wire.Issued, error) {
	return r.Complete(r.t.Context(), kiosk, wire.IssueComplete{RequestID: wire.NewNonce(), Session: session, Password: wire.Private(password)})
}

func refused(t *testing.T, err error, code fault.Code) *hub.Refusal {
	t.Helper()
	var no *hub.Refusal
	if !errors.As(err, &no) || no.Code != code {
		t.Fatalf("got %v, not %s", err, code)
	}
	return no
}

func TestDetailsAreChecked(t *testing.T) {
	r := open(t)
	for field, change := range map[string]func(*wire.IssueStart){
		"service":     func(s *wire.IssueStart) { s.Service = "nobody" },
		"card_number": func(s *wire.IssueStart) { s.CardNumber = "4980000000000015" },
		"name_kana":   func(s *wire.IssueStart) { s.NameKana = "Yamada Taro" },
		"birth":       func(s *wire.IssueStart) { s.Birth = "2026-04-31" },
		"phone":       func(s *wire.IssueStart) { s.Phone = "0312345678" },
	} {
		d := details(goodCard, phone)
		change(&d)
		_, err := r.Start(t.Context(), kiosk, d)
		if no := refused(t, err, fault.BadMessage); no.Field != field {
			t.Errorf("%s: refused for %s", field, no.Field)
		}
	}
	d := details(goodCard, phone)
	d.Service = "waon" // in the catalogue, but issues nothing
	_, err := r.Start(t.Context(), kiosk, d)
	refused(t, err, fault.BadMessage)
}

func TestSpecialNumbers(t *testing.T) {
	for _, c := range append(TestCards(), TestPhones()...) {
		t.Run(c.Number, func(t *testing.T) {
			r := open(t)
			d := details(goodCard, phone)
			if len(c.Number) == 16 {
				d.CardNumber = c.Number
			} else {
				d.Phone = wire.Private(c.Number)
			}
			st, err := r.Start(t.Context(), kiosk, d)
			switch c.act {
			case actDecline:
				refused(t, err, fault.CardDeclined)
			case actRegistered:
				refused(t, err, fault.AlreadyRegistered)
			case actCannotSend:
				refused(t, err, fault.SMSNotSent)
			case actDown:
				if !errors.Is(err, errAway) {
					t.Errorf("got %v", err)
				}
			case actNeverArrives:
				must(t, err)
				if list, err := r.Messages(t.Context(), "", 9); err != nil || len(list) != 0 {
					t.Errorf("messages %v (%v)", list, err)
				}
			case actWrongCode:
				must(t, err)
				refused(t, r.verify(st.Session, r.code(c.Number)), fault.OTPWrong)
			case actSlow, actVerySlow:
				must(t, err)
				if len(r.waited) != 1 || r.waited[0] < slow {
					t.Errorf("waited %v", r.waited)
				}
			case actSucceed:
				must(t, err)
				must(t, r.verify(st.Session, r.code(string(d.Phone))))
			}
		})
	}
}

func TestCodeLocksExpiresAndIsResent(t *testing.T) {
	r := open(t)
	st := r.begin(goodCard, phone)
	if st.ExpiresInSec != 300 || st.ResendInSec != 30 || st.ResendsLeft != 3 || st.TriesLeft != 3 {
		t.Errorf("started %+v", st)
	}
	first := r.code(phone)
	for left := 2; left > 0; left-- {
		if no := refused(t, r.verify(st.Session, otherCode(first)), fault.OTPWrong); no.TriesLeft != left {
			t.Errorf("%d tries left, not %d", no.TriesLeft, left)
		}
	}
	refused(t, r.verify(st.Session, otherCode(first)), fault.OTPExhausted)
	refused(t, r.verify(st.Session, first), fault.OTPExhausted) // the right one comes too late

	_, err := r.resend(st.Session)
	if no := refused(t, err, fault.OTPNoResend); no.RetryAfter != resendAfter {
		t.Errorf("retry after %v", no.RetryAfter)
	}
	for left := 2; left >= 0; left-- {
		r.Forward(resendAfter)
		st, err = r.resend(st.Session)
		must(t, err)
		if st.ResendsLeft != left || st.TriesLeft != 3 {
			t.Errorf("resent %+v", st)
		}
	}
	r.Forward(resendAfter)
	_, err = r.resend(st.Session)
	refused(t, err, fault.OTPNoResend)
	r.Forward(codeLife)
	refused(t, r.verify(st.Session, r.code(phone)), fault.OTPExpired)
	r.Forward(sessionLife)
	refused(t, r.verify(st.Session, r.code(phone)), fault.SessionLost)
}

func TestResendVoidsTheEarlierCode(t *testing.T) {
	r := open(t)
	st := r.begin(goodCard, phone)
	first := r.code(phone)
	r.Forward(resendAfter)
	_, err := r.resend(st.Session)
	must(t, err)
	if second := r.code(phone); second != first { // one in a million they are equal
		refused(t, r.verify(st.Session, first), fault.OTPWrong)
	}
}

func TestIssue(t *testing.T) {
	r := open(t)
	st := r.begin(goodCard, phone)
	_, err := r.finish(st.Session, password)
	refused(t, err, fault.SessionLost) // not before the code is verified
	must(t, r.verify(st.Session, r.code(phone)))
	for _, p := range []string{"", "abc1234", "abcdefgh", "12345678", "ａｂｃｄ1234", "abcd 1234"} {
		_, err := r.finish(st.Session, p)
		refused(t, err, fault.BadMessage)
	}
	one, err := r.finish(st.Session, password)
	must(t, err)
	if len(one.ServiceID) != 16 || !catalogue.Luhn(one.ServiceID) || len(one.Codes) != 1 || len(one.Codes[0]) != 6 {
		t.Errorf("issued %+v", one)
	}
	two, err := r.finish(st.Session, password)
	must(t, err)
	if one.ServiceID != two.ServiceID || one.IssueRef != two.IssueRef {
		t.Error("the same session issued twice")
	}
	_, err = r.Start(t.Context(), kiosk, details(goodCard, "08012345678"))
	refused(t, err, fault.AlreadyRegistered)
	if _, err := r.Verify(t.Context(), "other", wire.IssueVerify{Session: st.Session}); err == nil {
		t.Error("another kiosk uses the session")
	}
}

// The answer was lost and the shopper chose another password: that one counts.
func TestLastPasswordCounts(t *testing.T) {
	r := open(t)
	st := r.begin(goodCard, phone)
	must(t, r.verify(st.Session, r.code(phone)))
	one, err := r.finish(st.Session, "First1234")
	must(t, err)
	two, err := r.finish(st.Session, "Second5678")
	must(t, err)
	if one.ServiceID != two.ServiceID || one.IssueRef != two.IssueRef || one.Codes[0] != two.Codes[0] {
		t.Error("issued anew")
	}
	_, err = r.Lookup(t.Context(), wire.Lookup{Phone: phone, Password: "Second5678"})
	must(t, err)
	_, err = r.Lookup(t.Context(), wire.Lookup{Phone: phone, Password: "First1234"})
	refused(t, err, fault.LoginWrong)

	_, err = r.Reserve(t.Context(), hub.ReserveOrder{Submission: "s0", Person: "p"})
	must(t, err)
	_, err = r.Apply(t.Context(), hub.ApplyOrder{Submission: "s1", Person: "p", Content: wire.Application{
		Service: service, ServiceID: one.ServiceID, Codes: one.Codes, PhoneLast4: wire.Private(phone[len(phone)-4:]),
	}})
	must(t, err)
	_, err = r.finish(st.Session, "Third9012")
	refused(t, err, fault.SessionLost)
	_, err = r.Lookup(t.Context(), wire.Lookup{Phone: phone, Password: "Second5678"})
	must(t, err)
}

// Two requests with two passwords are under way, and the first arrives last.
func TestPasswordsThatOvertake(t *testing.T) {
	r := open(t)
	st := r.begin(goodCard, phone)
	must(t, r.verify(st.Session, r.code(phone)))
	chosen := func(try uint32, password string) error {
		_, err := r.Complete(t.Context(), kiosk, wire.IssueComplete{RequestID: wire.NewNonce(), Session: st.Session, Password: wire.Private(password), Try: try})
		return err
	}
	must(t, chosen(2, "Second5678"))
	refused(t, chosen(1, "First1234"), fault.SessionLost)
	_, err := r.Lookup(t.Context(), wire.Lookup{Phone: phone, Password: "Second5678"})
	must(t, err)
	must(t, chosen(2, "Second5678")) // sent again
	must(t, chosen(3, "Third9012"))
	_, err = r.Lookup(t.Context(), wire.Lookup{Phone: phone, Password: "Third9012"})
	must(t, err)
}

// Ever new sessions do not help to flood a phone, nor a new phone for one card.
// Who has no verified session gets an answer also while others hash, so it costs none.
func TestCompletingWithoutASessionHashesNothing(t *testing.T) {
	r := open(t)
	started := r.begin(goodCard, phone)
	for range cap(r.hashing) {
		r.hashing <- struct{}{}
	}
	for name, session := range map[string]string{"none": "gone", "not verified": started.Session} {
		_, err := r.finish(session, password)
		if no := refused(t, err, fault.SessionLost); no.Field != "session" {
			t.Errorf("%s: refused for %s", name, no.Field)
		}
	}
	must(t, r.verify(started.Session, r.code(phone)))
	for range cap(r.hashing) {
		<-r.hashing
	}
	_, err := r.finish(started.Session, password)
	must(t, err)
}

func TestMessagesAreLimitedOverSessions(t *testing.T) {
	cards := func(i int) string { return []string{"4980000000000014", "4111111111111111", "5555555555554444"}[i%3] }
	for name, number := range map[string]func(i int) (card, phone string){
		"one phone": func(i int) (string, string) { return cards(i), phone },
		"one card": func(i int) (string, string) {
			return goodCard, phone[:9] + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t)
			start := func(i int) error {
				_, err := r.Start(t.Context(), kiosk, details(number(i)))
				return err
			}
			sent := 0
			for ; sent < quick; sent++ { // a mistake in the name is mended at once
				must(t, start(sent))
			}
			no := refused(t, start(sent), fault.OTPNoResend)
			if no.RetryAfter != quickWindow {
				t.Errorf("wait %v, want %v", no.RetryAfter, quickWindow)
			}
			r.Forward(no.RetryAfter)
			for ; sent < hourly; sent++ {
				must(t, start(sent))
				r.Forward(resendAfter)
			}
			no = refused(t, start(sent), fault.OTPNoResend)
			if no.RetryAfter < 30*time.Minute || no.RetryAfter > time.Hour {
				t.Errorf("wait %v for the rest of the hour", no.RetryAfter)
			}
			if list, err := r.Messages(t.Context(), "", 100); err != nil || len(list) != hourly {
				t.Errorf("%d messages (%v), want %d", len(list), err, hourly)
			}
			r.Forward(no.RetryAfter)
			must(t, start(sent))
			must(t, r.Reset(t.Context()))
			for i := range quick {
				must(t, start(i))
			}
		})
	}
}

func TestResendingCountsOverSessions(t *testing.T) {
	r := open(t)
	for range quick {
		r.begin(goodCard, phone)
	}
	st := func() wire.IssueStarted { r.Forward(quickWindow); return r.begin(goodCard, phone) }()
	r.begin(goodCard, phone)
	r.begin(goodCard, phone)
	r.Forward(resendAfter) // the session itself would allow it
	_, err := r.resend(st.Session)
	if no := refused(t, err, fault.OTPNoResend); no.RetryAfter != quickWindow-resendAfter {
		t.Errorf("wait %v", no.RetryAfter)
	}
}

func TestGuessesAreLimitedOverSessions(t *testing.T) {
	r := open(t)
	wrong := 0
	for wrong < hourlyWrong {
		st := r.begin(goodCard, phone)
		for range codeTries {
			if err := r.verify(st.Session, otherCode(r.code(phone))); err == nil {
				t.Fatal("a wrong code was taken")
			}
			wrong++
		}
		r.Forward(resendAfter)
	}
	_, err := r.Start(t.Context(), kiosk, details(goodCard, phone))
	if no := refused(t, err, fault.OTPNoResend); no.RetryAfter < 50*time.Minute {
		t.Errorf("wait %v", no.RetryAfter)
	}
	r.begin("4111111111111111", "08011112222") // others are not held up
}

func TestLoginLocks(t *testing.T) {
	r := open(t)
	st := r.begin(goodCard, phone)
	must(t, r.verify(st.Session, r.code(phone)))
	_, err := r.finish(st.Session, password)
	must(t, err)
	login := func(phone, password string) error {
		_, err := r.Lookup(t.Context(), wire.Lookup{Phone: wire.Private(phone), Password: wire.Private(password)})
		return err
	}
	must(t, login(phone, password))
	for range loginTries - 1 {
		refused(t, login(phone, "wrong000"), fault.LoginWrong)
	}
	must(t, login(phone, password)) // a right one wipes the count
	for range loginTries - 1 {
		refused(t, login(phone, "wrong000"), fault.LoginWrong)
	}
	refused(t, login(phone, "wrong000"), fault.LoginLocked)
	refused(t, login(phone, password), fault.LoginLocked)
	r.Forward(loginLock)
	must(t, login(phone, password))
	for range loginTries - 1 { // a phone that nobody registered behaves alike
		refused(t, login("07099998888", password), fault.LoginWrong)
	}
	refused(t, login("07099998888", password), fault.LoginLocked)
}

func TestApplyIsIdempotentBySubmission(t *testing.T) {
	r := open(t)
	order := hub.ApplyOrder{Submission: "s1", Person: "p", Content: wire.Application{
		Service: "waon", ServiceID: "6900000000000016", Codes: []wire.Private{"123456"}, PhoneLast4: "5678",
	}}
	_, err := r.Apply(t.Context(), order)
	refused(t, err, fault.NotReserved)
	id, err := r.Reserve(t.Context(), hub.ReserveOrder{Submission: "s0", Person: "p"})
	must(t, err)
	by, err := r.Apply(t.Context(), order)
	must(t, err)
	r.Forward(time.Hour)
	again, err := r.Apply(t.Context(), order)
	must(t, err)
	if !by.Equal(again) {
		t.Errorf("complete by %v, then %v", by, again)
	}
	order.Submission = "s2"
	_, err = r.Apply(t.Context(), order)
	refused(t, err, fault.AlreadyApplied)
	_, err = r.Reserve(t.Context(), hub.ReserveOrder{Submission: "s3", Person: "q"})
	must(t, err)
	order.Submission, order.Person = "s4", "q" // one ID, one person
	_, err = r.Apply(t.Context(), order)
	if no := refused(t, err, fault.ServiceIDWrong); no.Field != "service_id" {
		t.Errorf("refused for %q", no.Field)
	}
	st, err := r.Standing(t.Context(), "p")
	must(t, err)
	if st != (wire.Standing{Reserved: true, MyKeyID: id, Applied: true, Service: "waon"}) {
		t.Errorf("standing %+v", st)
	}
	must(t, r.Reset(t.Context()))
	if st, err := r.Standing(t.Context(), "p"); err != nil || st.Reserved {
		t.Errorf("after reset %+v (%v)", st, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// SQLite takes any value into any column of a table that is not strict.
func TestEveryTableIsStrict(t *testing.T) {
	r := open(t)
	rows, err := r.db.Read().QueryContext(t.Context(),
		"SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'")
	must(t, err)
	defer func() { must(t, rows.Close()) }()
	n := 0
	for ; rows.Next(); n++ {
		var name string
		var strict bool
		must(t, rows.Scan(&name, &strict))
		if !strict {
			t.Errorf("%s is not strict", name)
		}
	}
	must(t, rows.Err())
	if n < 7 {
		t.Fatalf("%d tables", n)
	}
}

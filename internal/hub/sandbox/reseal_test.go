package sandbox_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"kioskd/internal/catalogue"
	"kioskd/internal/hub"
	"kioskd/internal/hub/sandbox"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// A file of the first versions is sealed when it is opened, and follows when the
// vault's key changes; nothing personal is in any byte of it.
func TestNothingInClear(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.db")
	db, err := sql.Open("sqlite3", "file:"+path)
	must(t, err)
	for _, name := range []string{"001_sandbox.sql", "002_limits.sql"} {
		text, err := os.ReadFile(filepath.Join("migrations", name))
		must(t, err)
		_, err = db.ExecContext(t.Context(), string(text))
		must(t, err)
	}
	_, err = db.ExecContext(t.Context(), `PRAGMA user_version = 2;
		INSERT INTO person VALUES ('somebody', 'ZEBRAMYKEY', 0, 1);
		INSERT INTO sms VALUES (1, '09077777777', 'ZEBRATEXT', '123456', 1)`)
	must(t, err)
	must(t, db.Close())
	key := func(b byte) []byte { return bytes.Repeat([]byte{b}, vault.KeySize) }
	v, err := vault.New(key(7))
	must(t, err)
	cat, err := catalogue.Load()
	must(t, err)
	var issued wire.Issued
	const phone, card = "09012345678", "4980000000000014"
	look := func(box *sandbox.Sandbox, when string) {
		t.Helper()
		st, err := box.Standing(t.Context(), "somebody")
		must(t, err)
		again, err := box.Reserve(t.Context(), hub.ReserveOrder{Person: "somebody"})
		must(t, err)
		if st.MyKeyID != "ZEBRAMYKEY" || again != st.MyKeyID {
			t.Errorf("%s: somebody is %q and %q", when, st.MyKeyID, again)
		}
		if issued.IssueRef == "" {
			return
		}
		a, err := box.Lookup(t.Context(), wire.Lookup{Phone: phone, Password: "abcd1234"})
		must(t, err)
		sms, err := box.Messages(t.Context(), phone, 9)
		must(t, err)
		if a.ServiceID != issued.ServiceID || len(sms) != 1 || sms[0].Phone != phone {
			t.Errorf("%s: account %+v, messages %+v", when, a, sms)
		}
	}
	open := func() *sandbox.Sandbox {
		t.Helper()
		box, err := sandbox.Open(t.Context(), path, v, sandbox.Options{Catalogue: cat})
		must(t, err)
		return box
	}
	box := open()
	look(box, "upgraded")
	st, err := box.Start(t.Context(), "demo", wire.IssueStart{
		RequestID: wire.NewNonce(), Service: "aeon-card-waon", CardNumber: card, NameKana: "ヤマダ　タロウ", Birth: "1950-04-01", Phone: phone,
	})
	must(t, err)
	sms, err := box.Messages(t.Context(), phone, 1)
	must(t, err)
	_, err = box.Verify(t.Context(), "demo", wire.IssueVerify{RequestID: wire.NewNonce(), Session: st.Session, Code: sms[0].Code})
	must(t, err)
	issued, err = box.Complete(t.Context(), "demo", wire.IssueComplete{RequestID: wire.NewNonce(), Session: st.Session, Password: "abcd1234"})
	must(t, err)
	tag, err := vault.TagKey(key(7))
	must(t, err)
	must(t, v.Replace(vault.Ring{Present: key(8), Others: [][]byte{key(7)}, Tag: tag}))
	look(box, "with both keys")
	for want, i := 5, 0; i < 2; want, i = 0, i+1 { // phone, code, message, account, person
		if n, err := box.Reseal(t.Context()); err != nil || n != want {
			t.Errorf("%d sealed anew, not %d (%v)", n, want, err)
		}
	}
	must(t, v.Replace(vault.Ring{Present: key(8), Tag: tag}))
	look(box, "with the new key alone")
	must(t, box.Close())
	b, err := os.ReadFile(path)
	must(t, err)
	for _, secret := range []string{"ZEBRA", phone, card, issued.ServiceID, string(sms[0].Code) + " です", "09077777777"} {
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("the file holds %q", secret)
		}
	}
	if !bytes.Contains(b, []byte(issued.IssueRef)) {
		t.Error("the file does not hold what it should: " + fmt.Sprint(len(b)))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

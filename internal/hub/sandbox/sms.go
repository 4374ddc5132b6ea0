package sandbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

// Message is one short message in the outbox.
type Message struct {
	Phone wire.Private `json:"phone"`
	Text  string       `json:"text"`
	Code  wire.Private `json:"code"`
	At    time.Time    `json:"at"`
}

// Messages lists messages, newest first. An empty phone means all.
func (s *Sandbox) Messages(ctx context.Context, phone string, limit int) (list []Message, err error) {
	tag := ""
	if phone != "" {
		tag = s.tag("phone", phone)
	}
	rows, err := s.db.Read().QueryContext(ctx, `SELECT content, at FROM sms WHERE ?1 = '' OR phone_tag = ?1
		ORDER BY n DESC LIMIT ?2`, tag, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot list messages: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	list = []Message{}
	for rows.Next() {
		var sealed []byte
		var at int64
		if err := rows.Scan(&sealed, &at); err != nil {
			return nil, fmt.Errorf("cannot read message: %w", err)
		}
		var m Message
		b, err := s.vault.Open("sms", sealed)
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read message: %w", err)
		}
		m.At = time.UnixMilli(at).UTC()
		list = append(list, m)
	}
	return list, rows.Err()
}

// send puts a message into the outbox, as the special number has it.
func (s *Sandbox) send(ctx context.Context, tx *sql.Tx, se session, now time.Time) error {
	if err := tally(ctx, tx, tallyMessage, now, s.tag("phone", se.phone), se.cardTag); err != nil {
		return err
	}
	code := se.code
	switch actOf(TestPhones(), se.phone) {
	case actNeverArrives:
		return nil
	case actWrongCode:
		code = otherCode(code)
	case actSucceed, actDecline, actRegistered, actDown, actCannotSend, actSlow, actVerySlow:
	}
	text := fmt.Sprintf("認証コードは %s です。%d分以内に端末の画面に入力してください。", code, int(codeLife.Minutes()))
	b, err := json.Marshal(Message{Phone: wire.Private(se.phone), Text: text, Code: wire.Private(code)})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sms (phone_tag, content, at) VALUES (?, ?, ?)`,
		s.tag("phone", se.phone), s.vault.Seal("sms", b), now.UnixMilli())
	return err
}

// otherCode changes the last digit.
func otherCode(code string) string {
	last := (code[len(code)-1]-'0'+1)%10 + '0'
	other := []byte(code)
	other[len(code)-1] = last
	defer clear(other)
	return secret.Apart(other)
}

package sandbox

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// sealedColumn is where the vault's work stands, and for what purpose.
type sealedColumn struct {
	table, key, column string
	purpose            func(key string) string
}

func sealedColumns() []sealedColumn {
	always := func(s string) func(string) string { return func(string) string { return s } }
	return []sealedColumn{
		{"session", "id", "phone", always("phone")},
		{"session", "id", "code", always("otp")},
		{"sms", "n", "content", always("sms")},
		{"account", "issue_ref", "content", func(ref string) string { return "account " + ref }},
		{"person", "person", "mykey", func(p string) string { return "mykey " + p }},
	}
}

// Reseal seals with the vault's present key what another one sealed. It can be cut
// short and begun again at any time.
func (s *Sandbox) Reseal(ctx context.Context) (n int, err error) {
	for _, c := range sealedColumns() {
		done, err := s.resealColumn(ctx, c)
		n += done
		if err != nil {
			return n, fmt.Errorf("cannot seal anew the sandbox's %s.%s: %w", c.table, c.column, err)
		}
	}
	return n, nil
}

func (s *Sandbox) resealColumn(ctx context.Context, c sealedColumn) (n int, err error) {
	const batch = 200
	prefix := s.vault.Prefix()
	for {
		changed := 0
		err := s.db.Write(ctx, func(tx *sql.Tx) error {
			found, err := rowsOf(ctx, tx, `SELECT CAST(`+c.key+` AS TEXT), `+c.column+` FROM `+c.table+`
				WHERE substr(`+c.column+`, 1, ?) <> ? LIMIT ?`, len(prefix), prefix, batch)
			if err != nil {
				return err
			}
			for _, r := range found {
				plain, err := s.vault.Open(c.purpose(r.key), r.value)
				if err != nil {
					return err
				}
				//nolint:gosec // the names are those of sealedColumns
				_, err = tx.ExecContext(ctx, `UPDATE `+c.table+` SET `+c.column+` = ? WHERE CAST(`+c.key+` AS TEXT) = ?`,
					s.vault.Seal(c.purpose(r.key), plain), r.key)
				if err != nil {
					return err
				}
			}
			changed = len(found)
			return nil
		})
		if err != nil {
			return n, err
		}
		if n += changed; changed < batch || !bytes.Equal(prefix, s.vault.Prefix()) {
			return n, nil
		}
	}
}

// sealOld seals the MyKey IDs that the first version kept in clear.
func (s *Sandbox) sealOld(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		found, err := rowsOf(ctx, tx, `SELECT person, CAST(mykey_tag AS BLOB) FROM person WHERE mykey IS NULL`)
		if err != nil {
			return err
		}
		for _, r := range found {
			_, err := tx.ExecContext(ctx, `UPDATE person SET mykey_tag = ?, mykey = ? WHERE person = ?`,
				s.vault.Tag("mykey", r.value), s.vault.Seal("mykey "+r.key, r.value), r.key)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot seal the sandbox: %w", err)
	}
	return nil
}

type keyed struct {
	key   string
	value []byte
}

func rowsOf(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []keyed, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r keyed
		if err := rows.Scan(&r.key, &r.value); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

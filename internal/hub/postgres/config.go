package postgres

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What a URL need not say. The time limits are those of one statement; the
// callers' contexts are longer, so that a second try fits in.
const (
	defaultConns    = 16
	connectLimit    = 5 * time.Second
	pingLimit       = 2 * time.Second
	lifetimeJitter  = 10 * time.Minute
	statementLimit  = "10s"
	lockLimit       = "5s"
	idleInTxLimit   = "10s"
	applicationName = "hubd"
)

// IsURL says whether s names a PostgreSQL database.
func IsURL(s string) bool {
	return strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://")
}

// CheckURL says what is wrong with a URL, without what is secret in it.
func CheckURL(s string) error {
	_, err := configure(s)
	return err
}

func configure(s string) (*pgxpool.Config, error) {
	if !IsURL(s) {
		return nil, errors.New("cannot use the store's URL: it does not begin with postgres://")
	}
	u, err := url.Parse(s)
	if err != nil { // its text may hold a part of the password
		return nil, errors.New("cannot read the store's URL: not postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full " +
			"(the characters / ? # % @ : in a password must be written as %XX)")
	}
	cfg, err := pgxpool.ParseConfig(s)
	if err != nil {
		return nil, fmt.Errorf("cannot read the store's URL: %s", masked(err.Error(), u)) // the cause holds secrets
	}
	if err := private(cfg); err != nil {
		return nil, err
	}
	if !u.Query().Has("pool_max_conns") {
		cfg.MaxConns = defaultConns
	}
	cfg.MaxConnLifetimeJitter = lifetimeJitter
	cfg.PingTimeout = pingLimit
	c := cfg.ConnConfig
	if c.ConnectTimeout == 0 || c.ConnectTimeout > time.Minute { // the driver's own default is 2 minutes
		c.ConnectTimeout = connectLimit
	}
	if c.ValidateConnect == nil { // of several hosts the one that accepts writes
		c.ValidateConnect = acceptsWrites
	}
	for name, value := range map[string]string{
		"application_name": applicationName, "statement_timeout": statementLimit, "lock_timeout": lockLimit,
		"idle_in_transaction_session_timeout": idleInTxLimit,
	} {
		if _, set := c.RuntimeParams[name]; !set {
			c.RuntimeParams[name] = value
		}
	}
	c.RuntimeParams["client_encoding"] = "UTF8"
	c.RuntimeParams["default_transaction_isolation"] = "read committed"
	cfg.AfterConnect = prepareSession
	return cfg, nil
}

// masked takes every secret of u out of text.
func masked(text string, u *url.URL) string {
	secrets := []string{u.Query().Get("password"), u.Query().Get("sslpassword")}
	if pw, ok := u.User.Password(); ok {
		_, raw, _ := strings.Cut(u.User.String(), ":")
		secrets = append(secrets, pw, raw)
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// private refuses a way to the server on which others could read or play it.
func private(cfg *pgxpool.Config) error {
	verified := func(t *tls.Config) bool {
		return t != nil && (!t.InsecureSkipVerify || t.VerifyPeerCertificate != nil)
	}
	c := cfg.ConnConfig
	ways := append([]*pgconn.FallbackConfig{{Host: c.Host, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	for _, w := range ways {
		if !local(w.Host) && !verified(w.TLSConfig) {
			return fmt.Errorf("cannot use the store's URL: %s is another machine: add sslmode=verify-full (and sslrootcert=FILE)", w.Host)
		}
	}
	return nil
}

func local(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true // a socket, or loopback by name
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

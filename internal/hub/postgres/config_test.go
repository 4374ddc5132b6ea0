package postgres_test

import (
	"strings"
	"testing"

	"kioskd/internal/hub/postgres"
)

func TestURLs(t *testing.T) {
	for _, good := range []string{
		"postgres://hubd@/hub?host=/run/postgresql",
		"postgres://hubd:pw@127.0.0.1:5432/hub",
		"postgresql://hubd:pw@localhost/hub?pool_max_conns=4&statement_timeout=3s",
		"postgres://hubd:pw@db.example/hub?sslmode=verify-full",
		"postgres://hubd:pw@a.example,b.example/hub?sslmode=verify-full",
	} {
		if err := postgres.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	const secret = "zebra/quux"
	for url, word := range map[string]string{
		"mysql://hubd:zebra%2Fquux@localhost/hub":                                                    "postgres://",
		"postgres://hubd:zebra/quux@localhost/hub":                                                   "%XX",
		"postgres://hubd:zebra%2Fquux@localhost:port/hub":                                            "%XX",
		"postgres://hubd:zebra%2Fquux@localhost/hub?sslmode=zebra/quux":                              "sslmode",
		"postgres://hubd@localhost/hub?sslmode=verify-full&password=zebra/quux&sslrootcert=/nowhere": "CA",
		"postgres://hubd:zebra%2Fquux@localhost/hub?pool_max_conns=zebra%2Fquux":                     "pool_max_conns",
		"postgres://hubd:zebra%2Fquux@db.example/hub":                                                "verify-full",
		"postgres://hubd:zebra%2Fquux@db.example/hub?sslmode=require":                                "verify-full",
		"postgres://hubd:zebra%2Fquux@192.0.2.1/hub?sslmode=disable":                                 "verify-full",
		"postgres://hubd:zebra%2Fquux@localhost,db.example/hub":                                      "db.example",
	} {
		err := postgres.CheckURL(url)
		if err == nil {
			t.Errorf("%s is taken", url)
			continue
		}
		text := err.Error()
		if !strings.HasPrefix(text, "cannot ") || !strings.Contains(text, word) {
			t.Errorf("%s: %s", url, text)
		}
		if strings.Contains(text, secret) || strings.Contains(text, "zebra%2Fquux") || strings.Contains(text, "zebra") {
			t.Errorf("the password is in %q", text)
		}
	}
}

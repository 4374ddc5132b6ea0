// Command gen makes the certificates and keys of the virtual cards. Run it
// through go generate in the parent directory: it makes what is missing in
// testdata. With -all it makes everything anew, which gives every card another
// key.
//
// The certificates have the shape of real ones (RSA-2048, sha256WithRSA; opaque
// subject in those for user authentication) under hierarchies of their own,
// O=JPKI-TEST, that nothing but a demo trusts. As in reality the authority for
// user authentication has generations of the same name; the third is a guess at
// the coming cards (ECDSA P-384).
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// loadPersons is how many ordinary holders there are for load tests.
const loadPersons = 20

// longest is the size of the longest certificate that was seen on a card.
const longest = 1583

func main() {
	if err := run("testdata", os.Args[1:], os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
}

func run(dir string, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	all := flags.Bool("all", false, "make everything anew, not only what is missing")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("cannot read the command line: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make %s: %w", dir, err)
	}
	m := maker{dir: dir, all: *all}
	from, to := first(2025, 1), first(2045, 1)
	const authentication, signature = "JPKI for user authentication", "JPKI for digital signature"

	today := []order{{file: "expired", from: first(2016, 4), to: first(2021, 4)}}
	for _, n := range []string{"taro", "hanako", "child", "one-try", "two-tries", "blocked", "phone", "oldcard"} {
		today = append(today, order{file: n, from: from, to: to})
	}
	for i := range loadPersons {
		today = append(today, order{file: fmt.Sprintf("person-%02d", i+1), from: from, to: to})
	}
	for _, h := range []struct {
		ca      ca
		holders []order
	}{
		{ca{"root", "JPKI-TEST", authentication, newRSA}, today},
		// Same names but for the organisation: only the signature tells it apart.
		{ca{"root-foreign", "JPKI-OTHER", authentication, newRSA}, []order{{file: "foreign", from: from, to: to}}},
		{ca{"root-2", "JPKI-TEST", authentication, newRSA}, []order{
			{file: "iphone", from: from, to: to},
			{file: "long", from: from, to: to, size: longest},
		}},
		{ca{"root-3", "JPKI-TEST", authentication, newP384}, []order{{file: "ecc", from: from, to: to}}},
		{ca{"root-sign", "JPKI-TEST", signature, newRSA}, []order{
			{file: "taro-sign", from: from, to: to, basic: &basic{"山田　太郎", "東京都千代田区霞が関１丁目２番地", "119500401"}},
			{file: "hanako-sign", from: from, to: to, basic: &basic{"佐藤　花子", "大阪府大阪市北区中之島１丁目３番地", "219850315"}},
		}},
	} {
		if err := m.hierarchy(h.ca, h.holders); err != nil {
			return err
		}
	}
	return nil
}

func newRSA() (signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	return key, nil
}

func newP384() (signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	return key, nil
}

func first(y int, m time.Month) time.Time {
	jst := time.FixedZone("JST", 9*60*60)
	return time.Date(y, m, 1, 0, 0, 0, 0, jst)
}

package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"kioskd/internal/hub/pki"
	"kioskd/internal/wire"
)

// leastRounds is how often the cryptography is timed; the middle one counts.
const leastRounds = 5

// cryptography is how many submissions a second this machine could take in if it did
// nothing for each of them but the cryptography that the design asks of hub and kiosk: the seal
// opened, the card's certificate and signature verified, the acknowledgement signed, and
// verified at the kiosk's end.
func cryptography(ctx context.Context, keys *pki.PKI, people *people, queue []wire.Submission) (float64, error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return 0, err
	}
	seal := keys.Keys().Seal
	one := func(ctx context.Context, s wire.Submission) error {
		payload, err := wire.Open(seal[s.KeyID], s)
		if err != nil {
			return errors.Join(err, ctx.Err())
		}
		cert, err := x509.ParseCertificate(payload.Signed.Certificate)
		if err != nil {
			return err
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: people.roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			return err
		}
		sum := sha256.Sum256(payload.Signed.Document)
		key, ok := cert.PublicKey.(*rsa.PublicKey)
		if !ok {
			return fmt.Errorf("cannot verify with a %T", cert.PublicKey)
		}
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], payload.Signed.Signature); err != nil {
			return err
		}
		if !ed25519.Verify(pub, s.Hash(), ed25519.Sign(priv, s.Hash())) {
			return errors.New("cannot verify what was signed just now")
		}
		return nil
	}
	rates := make([]float64, leastRounds)
	for i := range rates {
		workers := runtime.GOMAXPROCS(0)
		next := make([]int, workers)
		took, err := crowdOf(ctx, workers, len(queue), func(ctx context.Context, worker int) error {
			n := next[worker]*workers + worker
			next[worker]++
			return one(ctx, queue[n])
		})
		if err != nil {
			return 0, err
		}
		rates[i] = float64(len(queue)) / took.Seconds()
	}
	slices.Sort(rates)
	return rates[leastRounds/2], nil
}

// afterAnother is the rate of doing two things for each, when a machine is full with either.
func afterAnother(a, b float64) float64 { return 1 / (1/a + 1/b) }

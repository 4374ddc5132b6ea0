package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"kioskd/internal/catalogue"
	"kioskd/internal/hub"
	"kioskd/internal/hub/console"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sandbox"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/wire"
)

const (
	demoKiosk = "demo"
	// The dock moves a kiosk's clock; the demo's hub bears with it.
	demoMaxAhead = 400 * 24 * time.Hour

	drainLimit  = 25 * time.Second // longer than the longest interactive call
	headerLimit = 5 * time.Second
	readLimit   = 15 * time.Second
	writeLimit  = 30 * time.Second
	idleLimit   = 2 * time.Minute
	maxHeader   = 16 << 10
)

// serve runs the hub until ctx ends, then drains.
func serve(ctx context.Context, o options, stdout io.Writer, log *slog.Logger) (err error) {
	now := time.Now()
	if o.storeOnLine {
		log.Warn("Store's URL stands among the arguments, where all users of this machine can read it: --store-file or HUBD_STORE hide it")
	}
	keys, err := pki.Open(filepath.Join(o.data, "keys"), now)
	if err != nil {
		return err
	}
	v, err := keys.Vault()
	if err != nil {
		return err
	}
	cat, err := catalogue.Load()
	if err != nil {
		return err
	}
	store, err := openStore(ctx, o, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	file := o.sandbox
	if file == "" {
		file = filepath.Join(o.data, "sandbox.db")
	}
	box, err := sandbox.Open(ctx, file, v,
		sandbox.Options{Catalogue: cat, CompleteAfter: o.completeAfter})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.Close()) }()

	if err := store.Note(ctx, hub.NoteHubStarted, "", wire.AuditVersion(version), now); err != nil {
		return err
	}
	defer func() {
		if err := store.Note(context.WithoutCancel(ctx), hub.NoteHubStopped, "", "", time.Now()); err != nil {
			log.Warn("Stop not noted in the audit log", "error", err)
		}
	}()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(cardtest.RootPEM()) {
		return errors.New("cannot read the test CA's root")
	}
	api := &hub.API{
		Ingest: &hub.Ingest{
			Store: store, Platform: box, Keys: keys.Keys, Vault: v, Now: time.Now, Log: log,
			Verifier: &hub.Verifier{Roots: roots, MaxAge: hub.DefaultMaxAge, MaxAhead: demoMaxAhead},
		},
		Issuer: box, Store: store, Vault: v, Now: time.Now, Log: log,
		Authority: keys, Sandbox: true,
		Links: &hub.Links{Store: store, Now: time.Now, Log: log, Max: o.maxLinks},
	}
	con := &console.Console{
		Store: store, Sandbox: box, Now: time.Now, Log: log,
		Ready: func(ctx context.Context) error { return errors.Join(store.Check(ctx), box.Check(ctx)) },
	}
	pages, err := con.Handler()
	if err != nil {
		return err
	}
	return listen(ctx, o, stdout, log, keys, store, api, pages)
}

func listen(
	ctx context.Context, o options, stdout io.Writer, log *slog.Logger, keys *pki.PKI, store hub.Store, api *hub.API, pages http.Handler,
) error {
	now := time.Now()
	var lc net.ListenConfig
	apiL, err := lc.Listen(ctx, "tcp", o.api)
	if err != nil {
		return fmt.Errorf("cannot listen for kiosks: %w", err)
	}
	conL, err := lc.Listen(ctx, "tcp", o.console)
	if err != nil {
		return errors.Join(fmt.Errorf("cannot listen for the console: %w", err), apiL.Close())
	}
	if err := enrolDemo(ctx, o, keys, store, apiL.Addr().String(), now); err != nil {
		return errors.Join(err, apiL.Close(), conL.Close())
	}
	cert, err := keys.Serving(time.Now, log, o.hosts(apiL.Addr().String())...)
	if err != nil {
		return errors.Join(err, apiL.Close(), conL.Close())
	}
	if err := writeAddresses(o.data, addresses{apiL.Addr().String(), conL.Addr().String(), o.names}); err != nil {
		return errors.Join(err, apiL.Close(), conL.Close())
	}
	_, _ = fmt.Fprintf(stdout, "hubd: kiosks https://%s  console http://%s\n", apiL.Addr(), conL.Addr())
	log.Info("Hub ready", "api", "https://"+apiL.Addr().String(), "console", "http://"+conL.Addr().String())

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return api.Links.Run(ctx) })
	g.Go(func() error {
		kiosks := server(api.Handler(), log)
		kiosks.TLSNextProto = api.Protocols()
		return drain(ctx, kiosks, tls.NewListener(apiL, hub.ServerTLSOf(cert.Get, keys.Pool())))
	})
	g.Go(func() error { return drain(ctx, server(pages, log), conL) })
	err = g.Wait()
	log.Info("Hub drained")
	return err
}

func server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit,
		IdleTimeout: idleLimit, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// drain serves until ctx ends, then lets running requests come to their end.
func drain(ctx context.Context, s *http.Server, l net.Listener) error {
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("cannot serve: %w", err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	if err := s.Shutdown(limit); err != nil {
		return fmt.Errorf("cannot drain: %w", err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve: %w", err)
	}
	return nil
}

// enrolDemo writes the demo kiosk's enrolment; its URL is right after every start.
func enrolDemo(ctx context.Context, o options, keys *pki.PKI, store hub.Store, addr string, now time.Time) error {
	if err := store.EnsureKiosk(ctx, demoKiosk, now); err != nil {
		return err
	}
	e, err := keys.Enrol(demoKiosk, "https://"+addr, now)
	if err != nil {
		return err
	}
	e.Sandbox = true
	return wire.StoreEnrolment(filepath.Join(o.data, "enrolment", demoKiosk+".json"), e)
}

// addresses are where the hub listens, and by which names kiosks reach it.
type addresses struct {
	API     string   `json:"api"`
	Console string   `json:"console"`
	Names   []string `json:"names,omitempty"`
}

// writeAddresses tells other programs. It is replaced whole, so a reader never
// sees half of it.
func writeAddresses(dir string, a addresses) error {
	b, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("cannot encode addresses: %w", err)
	}
	t, err := os.CreateTemp(dir, ".addr-*")
	if err != nil {
		return fmt.Errorf("cannot write addresses: %w", err)
	}
	_, err = t.Write(append(b, '\n'))
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), filepath.Join(dir, "addr.json"))
	}
	if err != nil {
		return fmt.Errorf("cannot write addresses: %w", errors.Join(err, os.Remove(t.Name())))
	}
	return nil
}

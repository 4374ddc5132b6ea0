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
	"net/http"
	"os"
	"path/filepath"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/hub"
	"kioskd/internal/hub/console"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sandbox"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/lockdown"
	"kioskd/internal/metrics"
	"kioskd/internal/wire"
)

const (
	demoKiosk = "demo"
	// The dock moves a kiosk's clock; the demo's hub bears with it.
	demoMaxAhead = 400 * 24 * time.Hour

	headerLimit = 5 * time.Second
	readLimit   = 15 * time.Second
	writeLimit  = 30 * time.Second
	idleLimit   = 2 * time.Minute
	maxHeader   = 16 << 10
)

// serve runs the hub until ctx ends, then drains.
func serve(ctx context.Context, o options, stdout io.Writer, log *slog.Logger) (err error) {
	hub.Warm()
	now := time.Now()
	if o.storeOnLine {
		log.Warn("Store's URL stands among the arguments, where all users of this machine can read it: --store-file or HUBD_STORE hide it")
	}
	release, err := claim(o.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := keysBeforeData(o.data); err != nil {
		return err
	}
	keys, err := pki.OpenWith(filepath.Join(o.data, "keys"), o.vaultKey, now)
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
	box, err := sandbox.Open(ctx, o.sandboxFile(), v,
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
	files := maxFiles()
	o.checkFiles(files, log)
	api := &hub.API{
		Ingest: &hub.Ingest{
			Store: store, Platform: box, Keys: keys.Keys, Vault: v, Now: time.Now, Log: log,
			Verifier: &hub.Verifier{Roots: roots, MaxAge: hub.DefaultMaxAge, MaxAhead: demoMaxAhead},
		},
		Issuer: box, Store: store, Vault: v, Now: time.Now, Log: log, Messages: o.messages,
		Authority: keys, Sandbox: true,
		Links: &hub.Links{Store: store, Now: time.Now, Log: log, Max: o.maxLinks},
		Door:  &hub.Door{Log: log, Strangers: o.strangersOf(files)},
	}
	space := &room{dir: o.data, least: roomLeast, log: log}
	forget := hub.NewForgetter(lockdown.Forget, log)
	api.Door.Left = forget.Ring
	stop := tend(ctx, o, keys, store, box, space, api.Links.Look, forget, log)
	defer stop() // before store and sandbox are closed
	con := &console.Console{
		Store: store, Sandbox: box, Now: time.Now, Log: log,
		Ready: func(ctx context.Context) error { return errors.Join(space.check(), store.Check(ctx), box.Check(ctx)) },
	}
	pages, err := con.Handler()
	if err != nil {
		return err
	}
	return listen(ctx, o, stdout, log, keys, store, api, pages, con.Ready)
}

func listen(
	ctx context.Context, o options, stdout io.Writer, log *slog.Logger, keys *pki.PKI, store hub.Store, api *hub.API, pages http.Handler,
	ready func(context.Context) error,
) error {
	at, err := o.listeners(ctx)
	if err != nil {
		return err
	}
	apiAddr := at.api.Addr().String()
	if err := enrolDemo(ctx, o, keys, store, apiAddr, time.Now()); err != nil {
		return errors.Join(err, at.close())
	}
	cert, err := keys.Serving(time.Now, log, o.hosts(apiAddr)...)
	if err != nil {
		return errors.Join(err, at.close())
	}
	if err := writeAddresses(o.data, at.addresses(o.names)); err != nil {
		return errors.Join(err, at.close())
	}
	g := &gate{}
	requests := metrics.NewRequests()
	kiosks := server(g.api(requests.Of(api.Handler())), log)
	kiosks.TLSNextProto = api.Protocols()
	api.Door.Watch(kiosks)
	no := &complaint{log: log}
	// Links end when [ending] says so, not with ctx.
	linked, endLinks := context.WithCancel(context.WithoutCancel(ctx))
	defer endLinks()
	end := &ending{
		gate: g, wait: o.drainWait, log: log, links: endLinks,
		api:  served{kiosks, tls.NewListener(api.Door.Listen(no.over(at.api)), hub.ServerTLSOf(cert.Get, keys.Pool()))},
		rest: []served{{server(pages, log), no.over(at.console)}},
	}
	if at.health != nil {
		end.rest = append(end.rest, served{server(g.health(ready), log), no.over(at.health)})
	}
	if at.metrics != nil {
		mux := http.NewServeMux()
		mux.Handle("GET "+metrics.Path, metrics.Handler(metrics.New("hubd", version, requests, metrics.OfHub(api.Links.Count, ready)), log))
		end.rest = append(end.rest, served{server(mux, log), no.over(at.metrics)})
	}
	_, _ = fmt.Fprintf(stdout, "hubd: kiosks https://%s  console http://%s\n", apiAddr, at.console.Addr())
	log.Info("Hub ready", "api", "https://"+apiAddr, "console", "http://"+at.console.Addr().String())
	links := make(chan error, 1)
	go func() { links <- api.Links.Run(linked) }()
	err = errors.Join(end.run(ctx), <-links)
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
	Metrics string   `json:"metrics,omitempty"`
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

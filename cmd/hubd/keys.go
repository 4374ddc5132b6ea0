package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sandbox"
)

const keysUsage = `hubd keys changes the hub's keys, step by step, while hubs run.

  hubd keys list                 what there is and where each stands
  hubd keys rotate KIND          makes a next key known: to hubs, and of ack to kiosks
  hubd keys use KIND [--now]     makes the next key the present one, once all have it
  hubd keys retire KIND ID       deletes a key that nothing needs any more; list shows its ID
  hubd keys reseal               encrypts with the vault's present key what another one did

KIND is ack (signs acknowledgements), seal (what kiosks seal to) or vault (encrypts the
database). A seal key opens what kiosks may still hold, so only --delete retires it.
All take --data DIR and, where hubs have them, --vault-key, --store or --store-file, --sandbox.

`

// keysCall is one hubd keys.
type keysCall struct {
	options
	verb   string
	kind   pki.Kind
	id     string
	atOnce bool
	lose   bool
}

// arguments are the words behind each verb.
func arguments() map[string][]string {
	return map[string][]string{"list": nil, "rotate": {"KIND"}, "use": {"KIND"}, "retire": {"KIND", "ID"}, "reseal": nil}
}

// wrongArguments names what a verb takes.
func wrongArguments(verb string) error {
	takes := strings.Join(arguments()[verb], " ")
	if takes == "" {
		takes = "none"
	}
	help := ""
	if strings.Contains(takes, "KIND") {
		help = ": KIND is ack, seal or vault"
	}
	if strings.Contains(takes, "ID") {
		help += ", and hubd keys list shows each ID"
	}
	return fmt.Errorf("cannot use these arguments: hubd keys %s takes %s%s", verb, takes, help)
}

// runKeys is hubd keys, and gives the exit code.
func runKeys(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	c, err := parseKeys(args, env, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "hubd: %v\n", err)
		return exitUsage
	}
	if err := c.run(ctx, time.Now(), stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "hubd: %v\n", err)
		return exitRun
	}
	return exitOK
}

func parseKeys(args []string, env func(string) string, stderr io.Writer) (c keysCall, err error) {
	fs := newFlags("hubd keys", keysUsage, stderr)
	fs.BoolVar(&c.atOnce, "now", false, "use and retire: do not wait until all hubs and kiosks have heard")
	fs.BoolVar(&c.lose, "delete", false, "retire seal: delete it, although a kiosk may hold what only it opens")
	finish := storeFlags(fs, &c.options, env)
	var words []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") { // words first, then flags
		words, args = append(words, args[0]), args[1:]
	}
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if len(words) == 0 {
		fs.Usage()
		return c, errors.New("cannot tell what to do with the keys: name one of list, rotate, use, retire, reseal")
	}
	c.verb = words[0]
	want, ok := arguments()[c.verb]
	switch {
	case !ok:
		return c, fmt.Errorf("cannot do %q with keys", c.verb)
	case len(words)-1 != len(want) || fs.NArg() > 0:
		return c, wrongArguments(c.verb)
	case c.data == "":
		return c, errors.New("cannot find the keys without --data")
	}
	if len(want) > 0 {
		c.kind = pki.Kind(words[1])
		if !slices.Contains(pki.Kinds(), c.kind) {
			return c, fmt.Errorf("cannot change keys of kind %q: name ack, seal or vault", words[1])
		}
	}
	if len(want) > 1 {
		c.id = words[2]
	}
	return c, finish()
}

func (c keysCall) run(ctx context.Context, now time.Time, out io.Writer) error {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	if c.verb == "list" {
		keys, err := madeKeys(c.options)
		if err != nil {
			return err
		}
		return c.list(keys, out)
	}
	return withStore(ctx, c.options, func(s *store, keys *pki.PKI) error {
		if c.verb == "retire" {
			if err := c.retirable(keys, now); err != nil {
				return err
			}
		}
		return c.noted(ctx, s, now, func() error { return c.change(ctx, s, keys, now, say) })
	})
}

// noted does what is noted before: keys are files, so no transaction holds both, and
// what cannot be noted is not done. A process that is killed in between leaves a note
// that is true: it was begun.
func (c keysCall) noted(ctx context.Context, s hub.AuditStore, now time.Time, do func() error) error {
	what := c.verb
	if c.kind != "" {
		what += "_" + string(c.kind)
	}
	if err := s.Note(ctx, hub.NoteKeysBegun, "", what, now); err != nil {
		return err
	}
	err := do()
	if err == nil {
		return nil
	}
	return errors.Join(err, s.Note(context.WithoutCancel(ctx), hub.NoteKeysFailed, "", what, time.Now()))
}

// change does what changes keys, or what is encrypted with them.
func (c keysCall) change(ctx context.Context, s *store, keys *pki.PKI, now time.Time, say func(string, ...any)) error {
	switch c.verb {
	case "rotate":
		k, err := keys.Rotate(c.kind, now)
		if err != nil {
			return err
		}
		say("%s is next. Copy %s to the other hubs, if there are any; then: hubd keys use %s", k.ID, c.file(), c.kind)
	case "use":
		k, err := keys.Use(c.kind, now, c.atOnce)
		if err != nil {
			return err
		}
		say("%s is in use. Copy %s to the other hubs, if there are any.", k.ID, c.file())
	case "retire":
		if err := c.retire(ctx, s, keys, say); err != nil {
			return err
		}
		say("%s is gone. Copy %s to the other hubs, if there are any.", c.id, c.file())
	case "reseal":
		return c.reseal(ctx, s, keys, say)
	}
	return nil
}

func (c keysCall) file() string {
	if c.kind == pki.Vault && c.vaultKey != "" {
		return c.vaultKey
	}
	return filepath.Join(c.data, "keys", string(c.kind)+".key")
}

func (c keysCall) list(keys *pki.PKI, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KIND\tID\tSTATE\tSINCE")
	for _, kind := range pki.Kinds() {
		for _, k := range keys.List(kind) {
			at := "first start"
			if !k.Since.IsZero() {
				at = k.Since.UTC().Format(time.RFC3339)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", kind, k.ID, k.State, at)
		}
	}
	return w.Flush()
}

// untilAllChanged is how long other hubs may encrypt with the vault's earlier key.
const untilAllChanged = 10 * time.Minute

// key finds the key that is to be retired.
func (c keysCall) key(keys *pki.PKI) (pki.Key, bool) {
	list := keys.List(c.kind)
	i := slices.IndexFunc(list, func(k pki.Key) bool { return k.ID == c.id })
	if i < 0 {
		return pki.Key{}, false
	}
	return list[i], true
}

// retirable says why a key must stay.
func (c keysCall) retirable(keys *pki.PKI, now time.Time) error {
	key, ok := c.key(keys)
	switch {
	case !ok:
		return fmt.Errorf("cannot retire: there is no %s key %s: hubd keys list shows the IDs", c.kind, c.id)
	case key.State != pki.Earlier: // the next one has done nothing; the present one is refused
	case c.kind == pki.Seal && !c.lose:
		return errors.New("cannot retire this seal key: a kiosk that was off the line may hold applications that only it opens, " +
			"and they would be lost. An earlier key costs nothing. --delete deletes it all the same")
	case c.kind == pki.Vault && !c.atOnce && now.Before(key.Since.Add(untilAllChanged)):
		return fmt.Errorf("cannot retire this vault key before %s: another hub may still encrypt with it; --now does not wait",
			key.Since.Add(untilAllChanged).UTC().Format(time.RFC3339))
	}
	return nil
}

// retire deletes a key. One of the vault is first put out of use.
func (c keysCall) retire(ctx context.Context, s *store, keys *pki.PKI, say func(string, ...any)) error {
	if key, ok := c.key(keys); ok && c.kind == pki.Vault && key.State == pki.Earlier {
		if err := c.reseal(ctx, s, keys, say); err != nil {
			return err
		}
		if err := c.disprove(ctx, s); err != nil {
			return err
		}
	}
	return keys.Retire(c.kind, c.id)
}

// reseal goes over the database and the sandbox.
func (c keysCall) reseal(ctx context.Context, s *store, keys *pki.PKI, say func(string, ...any)) error {
	n, err := s.ResealAll(ctx, vaultKeys(keys), func(int) error { return ctx.Err() })
	if err != nil {
		return err
	}
	more, err := c.resealSandbox(ctx, keys)
	if err != nil {
		return err
	}
	say("%d rows were encrypted anew.", n+more)
	return nil
}

// disprove forgets the key that is to be retired, unless something is sealed with it
// again.
func (c keysCall) disprove(ctx context.Context, s *store) error {
	used, err := s.Uses(ctx, c.id)
	switch {
	case err != nil:
		return err
	case used:
		return fmt.Errorf("%w: a hub still encrypts with it: copy the keys to every hub first", pki.ErrInUse)
	}
	return s.Disprove(ctx, c.id)
}

func (c keysCall) resealSandbox(ctx context.Context, keys *pki.PKI) (n int, err error) {
	cat, err := catalogue.Load()
	if err != nil {
		return 0, err
	}
	v, err := keys.Vault()
	if err != nil {
		return 0, err
	}
	box, err := sandbox.Open(ctx, c.sandboxFile(), v, sandbox.Options{Catalogue: cat})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	return box.Reseal(ctx)
}

// Privatepcscd runs a pcscd that no other program sees, in mount and network
// namespaces of its own, until it is ended:
//
//	privatepcscd FOLDER
//
// FOLDER/socket/pcscd.comm is its socket (for libpcsclite: PCSCLITE_CSOCK_NAME). At
// FOLDER/cards, a Unix socket, its first virtual reader takes a card
// ([cardtest.NewVPCD]); that stands last, when pcscd serves. There is no port: none
// can be taken by another program, and nobody on the network can lay a card.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/pcsc/pcsctest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: privatepcscd FOLDER")
		os.Exit(2)
	}
	// Outside it ends with the program inside, and takes it along when it is ended.
	code, err := pcsctest.Isolate()
	if err == nil && code < 0 {
		err = run(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "privatepcscd:", err)
		code = 1
	}
	os.Exit(code)
}

// run serves from within the namespaces. It returns only when something fails.
func run(folder string) error {
	readers, sockets, cards := filepath.Join(folder, "readers"), filepath.Join(folder, "socket"), filepath.Join(folder, "cards")
	for _, dir := range []string{readers, sockets, pcsctest.Run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("cannot make a folder: %w", err)
		}
	}
	if err := os.Remove(cards); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot clean up after an earlier run: %w", err)
	}
	// pcscd knows one place for its socket; from outside that is our folder.
	if err := unix.Mount(sockets, pcsctest.Run, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot show pcscd's socket outside: %w", err)
	}
	service, err := pcsctest.New(readers)
	if err != nil {
		return err
	}
	service.Log = os.Stderr
	ctx := context.Background()
	if err := service.Start(ctx); err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", cards)
	if err != nil {
		return fmt.Errorf("cannot take cards: %w", err)
	}
	bridged := make(chan error, 1)
	go func() { bridged <- cardtest.Bridge(ctx, l, pcsctest.Addr) }()
	select {
	case <-service.Ended():
		return errors.New("pcscd has ended")
	case err := <-bridged:
		return err
	}
}

// Package powertest cuts the power under SQLite, fills its disk and breaks it.
//
// A C library, compiled by the test and loaded into the process by LD_PRELOAD, writes
// down what SQLite does to the files of one folder: writes, truncations, syncs,
// creations and removals. A [Disk] works out from that what a disk would hold if the
// power failed: a kill -9 alone cannot show it, because the kernel keeps what a process
// has written.
//
// # What a cut does
//
// Only what was synced is sure to be there. Of the writes since a file's last sync, a
// random part reaches the disk: none, all, the first ones, or any of them in any
// order; a write can be torn between sectors of 512 bytes. Files that were created or
// removed since the last sync of their folder may not have been, the later ones first.
// That is harsher than ext4 with data=ordered, where a sync of a file saves its name
// too, and truncations and growth come in order. The WAL's index (-shm) does not
// survive, or is rubbish.
//
// A sync that fails has lost what it was to save: a random part of it may be on the
// disk, and a later sync does not try it again, as on Linux.
//
// # What is not seen
//
// Go's own files go to the kernel without the C library. Enrolment, keys, marks and
// addresses, and renames of databases by Go, stay as they are at a cut. Temporary files
// elsewhere, and free space as statfs tells it, are the machine's own.
//
// # Use
//
//	disk := powertest.New(t, folder)
//	cmd.Env = append(os.Environ(), disk.Env()...) // for each process anew
//	disk.DieIn(20)                                // or kill it
//	cmd.Wait()
//	disk.Cut(rnd)                                 // the folder is now what is left
//
// Or, without a kill, [Disk.Moments] goes through all moments of a run at which the
// power could have failed.
package powertest

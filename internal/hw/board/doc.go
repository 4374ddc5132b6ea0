// Package board reaches the machine's GPIO lines and LEDs through periph.io: the
// lines of /dev/gpiochip* by name, and the LEDs of /sys/class/leds.
//
// # Words
//
// A line is one pin of a GPIO chip, known by the name that the machine's
// firmware gives it (gpioinfo lists them). An LED is one that the kernel drives,
// with a brightness and perhaps a trigger. Both are either ready, absent or
// failed; see [State]. A machine without any is no error.
//
// # One board a process
//
// periph keeps what it has found in tables of the process. A Board guards them,
// so a process makes one and hands it to whoever drives lines or LEDs. Nothing is
// touched before the first line or LED is asked for.
//
// # What is worked around
//
//   - periph looks for chips and LEDs once. A Board looks again when the devices
//     have changed, so that an adapter on USB can be plugged in later.
//   - Looking again, periph calls a line that it knows "gpiochip0-NAME". Both
//     names are found.
//   - periph closes a file twice, and descriptor 0 too, where one chip has two names
//     below /dev, as on some boards; in between, another part of the program may have
//     opened a file. There a Board never looks twice, and [Board.Prepare] makes the
//     first look before anything else runs. Around it a Board puts /dev/null where
//     descriptor 0 is closed: no chip, line or other file may be given that number.
//   - periph opens an LED to be read only where it may not write, and keeps it so. A
//     Board tries first whether it may.
//   - A line that could not be requested stays half open and would be driven
//     through file 0. It is closed after every error.
//   - The pins of /sys/class/gpio are never touched: looking at one exports it, and
//     the line is busy from then on.
package board

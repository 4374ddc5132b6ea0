// Package line holds the three ways to reach a slip printer: the USB printer
// class (/dev/usb/lp*), TCP port 9100 and a serial port. It moves bytes and says
// why it cannot; it knows no printer language.
//
// [Parse] turns the value of the configuration into a function that dials.
// [USB], [TCP] and [Serial] can also be dialled directly; [List] and [USB.DeviceID]
// serve a person who looks for the printer.
//
// # Concurrency
//
// One goroutine may read while another writes; two readers or two writers may
// not share a port. Close may be called from anywhere, more than once, and ends
// a waiting Read and a waiting Write at once. A Write that outlives its deadline
// returns an error that is [os.ErrDeadlineExceeded], with the number of bytes
// that may have gone out; the port must then be closed, for nobody knows where
// in a command the printer stands. No port keeps a goroutine of its own.
//
// # What a finished Write means
//
// USB: the host controller has handed every byte to the printer, which may hold
// them in its buffer. Serial: every byte has left the kernel's queue. TCP: the
// kernel has taken them; at most [sendBuffer] bytes (doubled by the kernel) wait
// in it. None of this means that anything was printed.
//
// # Errors
//
// Every error is an [*Error]. Its [Kind] is one of a closed set and can be asked
// for with errors.Is; its Hint says what a technician does about it.
package line

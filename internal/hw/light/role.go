package light

// Role says where a light is, and so what it is for.
type Role string

// The roles.
const (
	Tower  Role = "tower"  // seen from afar: everything
	Reader Role = "reader" // at the card reader: where the card goes
	Mouth  Role = "mouth"  // where the slip comes out
)

// Roles gives every role, in the order in which they are told.
func Roles() []Role { return []Role{Tower, Reader, Mouth} }

// Off is the signal of a light that has nothing to say.
const Off Signal = ""

// At is the table of what a light in this role shows while the kiosk says s. A
// light near a device speaks only of what is done there: somebody who sees it lit
// is to look at that place. Identify is for whoever looks for the kiosk, and for
// the technician: all lights show it.
func At(r Role, s Signal) Signal {
	shows := false
	switch r {
	case Tower:
		shows = true
	case Reader:
		shows = s == PutCard || s == Reading || s == Identify
	case Mouth:
		shows = s == Done || s == StaffWanted || s == Identify
	}
	if !shows {
		return Off
	}
	return s
}

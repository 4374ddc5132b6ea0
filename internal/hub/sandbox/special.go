package sandbox

import "time"

// Special is a number that behaves in its own way.
type Special struct {
	Number string
	What   string // for people
	act    act
}

type act int

const (
	actSucceed act = iota
	actDecline
	actRegistered
	actDown
	actNeverArrives
	actCannotSend
	actSlow
	actVerySlow
	actWrongCode
)

const (
	slow     = 6 * time.Second
	verySlow = 15 * time.Second
)

// TestCards lists the special card numbers.
func TestCards() []Special {
	return []Special{
		{"4980000000000014", "Succeeds. So does any other 16-digit number that passes the Luhn check.", actSucceed},
		{"4980000000000022", "Declined by the issuer.", actDecline},
		{"4980000000000030", "Already registered by somebody else.", actRegistered},
		{"4980000000000048", "The issuer is away.", actDown},
	}
}

// TestPhones lists the special phone numbers.
func TestPhones() []Special {
	return []Special{
		{"09012345678", "The message arrives at once. So it does at any other mobile number.", actSucceed},
		{"09000000001", "The message never arrives.", actNeverArrives},
		{"09000000002", "The message cannot be sent to this number.", actCannotSend},
		{"09000000003", "Slow: the issuer takes 6 seconds.", actSlow},
		{"09000000004", "Very slow: 15 seconds, longer than a shopper waits without a way out.", actVerySlow},
		{"09000000005", "The issuer is away.", actDown},
		{"09000000006", "The code in the message is wrong.", actWrongCode},
	}
}

func actOf(list []Special, number string) act {
	for _, s := range list {
		if s.Number == number {
			return s.act
		}
	}
	return actSucceed
}

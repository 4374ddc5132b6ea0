package wire

import "encoding/json"

// Warm has encoding/json learn the messages of this package before the first visit
// comes. What it learns it keeps for ever, and the runtime puts small things into one
// block of memory as they come: a security code that shares a block with the name of a
// member would stay as long as that.
func Warm() {
	Learn[IssueStart]()
	Learn[IssueStarted]()
	Learn[IssueResend]()
	Learn[IssueVerify]()
	Learn[IssueVerified]()
	Learn[IssueComplete]()
	Learn[Issued]()
	Learn[Lookup]()
	Learn[Account]()
	Learn[InquiryRequest]()
	Learn[Standing]()
	Learn[Problem]()
	Learn[Payload]()
	Learn[Document]()
	Learn[Submission]()
	Learn[SignedAck]()
	Learn[AckBody]()
	Learn[Report]()
	Learn[AuditBatch]()
	Learn[AuditAnswer]()
	Learn[Desired]()
	Learn[LinkMessage]()
	Learn[RenewRequest]()
	Learn[Renewed]()
}

// Learn encodes and decodes an empty value. Whether that is a valid one does not
// matter here.
func Learn[T any]() {
	var v T
	if raw, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(raw, &v)
	}
}

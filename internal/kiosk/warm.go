package kiosk

import (
	"encoding/json"
	"fmt"

	"kioskd/internal/flow"
	"kioskd/internal/wire"
)

// warm has encoding/json learn the types of a visit before the first one comes.
// What it learns it keeps for ever, and the runtime puts small things into one
// block of memory as they come: a security code that shares a block with the name
// of a member would stay as long as that.
func warm() error {
	for _, screen := range flow.Screens() {
		if _, err := json.Marshal(flow.Snapshot{Screen: screen}); err != nil {
			return fmt.Errorf("cannot encode a screen: %w", err)
		}
	}
	learn[wire.IssueStart]()
	learn[wire.IssueStarted]()
	learn[wire.IssueResend]()
	learn[wire.IssueVerify]()
	learn[wire.IssueVerified]()
	learn[wire.IssueComplete]()
	learn[wire.Issued]()
	learn[wire.Lookup]()
	learn[wire.Account]()
	learn[wire.InquiryRequest]()
	learn[wire.Standing]()
	learn[wire.Problem]()
	learn[wire.Payload]()
	learn[wire.Document]()
	learn[wire.Submission]()
	learn[wire.SignedAck]()
	learn[wire.AckBody]()
	learn[flow.Start]()
	learn[flow.Key]()
	learn[flow.Pick]()
	learn[flow.Turn]()
	learn[flow.Box]()
	learn[flow.SetEra]()
	learn[flow.Open]()
	learn[flow.SetLang]()
	learn[flow.SetSize]()
	learn[flow.SetContrast]()
	learn[flow.SetVolume]()
	learn[flow.CallStaff]()
	return nil
}

// learn encodes and decodes an empty value. Whether that is a valid one does not
// matter here.
func learn[T any]() {
	var v T
	if raw, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(raw, &v)
	}
}

package apdu

import "context"

// The operations of ISO 7816-4 that the dialogues are made of. Each is one
// command; what its status word means is for the dialogue to say.

// SelectApplication selects by full name, without asking for file control
// information. Cards may match prefixes, so the name is never shortened.
func (ch *Channel) SelectApplication(ctx context.Context, aid []byte) (SW, error) {
	a, err := ch.Do(ctx, Command{INS: InsSelect, P1: 0x04, P2: 0x0C, Data: aid})
	return a.SW, err
}

// SelectFile makes f the current file of the selected application.
func (ch *Channel) SelectFile(ctx context.Context, f File) (SW, error) {
	a, err := ch.Do(ctx, Command{INS: InsSelect, P1: 0x02, P2: 0x0C, Data: []byte{byte(f >> 8), byte(f)}})
	return a.SW, err
}

// File is the current file as far as the card's answers tell, or NoFile.
func (ch *Channel) File() File { return ch.guard.file }

// Selected reports whether the JPKI application is the current one.
func (ch *Channel) Selected() bool { return ch.guard.jpki }

// ReadBinary reads up to n bytes (1..256) of the current file.
func (ch *Channel) ReadBinary(ctx context.Context, offset, n int) (Answer, error) {
	return ch.Do(ctx, Command{INS: InsReadBinary, P1: byte(offset >> 8), P2: byte(offset), Le: n})
}

// QueryPIN asks how many tries are left. It costs none. The answer is 63Cx, or
// 9000 when the PIN stands verified, or one of the words for blocked.
func (ch *Channel) QueryPIN(ctx context.Context) (SW, error) {
	a, err := ch.Do(ctx, Command{INS: InsVerify, P2: 0x80})
	return a.SW, err
}

// VerifyPIN sends the PIN, once. The guard demands a QueryPIN right before it
// that showed tries left.
func (ch *Channel) VerifyPIN(ctx context.Context, pin []byte) (SW, error) {
	a, err := ch.Do(ctx, Command{INS: InsVerify, P2: 0x80, Data: pin})
	return a.SW, err
}

// ComputeSignature lets the current key sign exactly these bytes (the card adds
// the PKCS #1 v1.5 padding and nothing else).
func (ch *Channel) ComputeSignature(ctx context.Context, input []byte) (Answer, error) {
	return ch.Do(ctx, Command{CLA: 0x80, INS: InsCompute, P2: 0x80, Data: input, Le: MaxShort})
}

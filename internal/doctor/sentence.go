package doctor

import "kioskd/internal/fault"

// sentence says in plain words what a fault is and what a technician does.
type sentence struct{ wrong, remedy string }

// sentenceOf has one for each fault of the card and its reader.
func sentenceOf(code fault.Code) sentence {
	if s, ok := cardSentences()[code]; ok {
		return s
	}
	return sentence{"something went wrong that this program has no words for", "report it together with this output"}
}

func cardSentences() map[fault.Code]sentence {
	const office = "only a municipal office can help the holder; to test the reader, try another card"
	return map[fault.Code]sentence{
		fault.ReaderGone: {"the card reader cannot be reached",
			"plug it in again; systemctl status pcscd.socket says whether pcscd runs"},
		fault.ReaderBusy: {"another program holds the card",
			"during a visit that is kioskd: wait for its end; else lsof /run/pcscd/pcscd.comm names the program: remove it"},
		fault.CardUnknown: {"this is not a My Number card",
			"lay down a My Number card; if that looks the same, keep metal and other cards away from the reader"},
		fault.CardMute: {"the card does not answer",
			"take it out of its case and lay it flat in the middle; if every card is mute, change the reader"},
		fault.CardLifted: {"the card left while it was being read",
			"let it lie still and run this again"},
		fault.CardWrongKind: {"this card is neither a My Number card nor a WAON card",
			"lay down a card of one of these kinds"},
		fault.CardOld: {"this is an old basic resident card (住基カード), which has no certificate of today",
			"lay down a My Number card"},
		fault.CardPhone: {"this is a phone, where the card itself is needed",
			"lay down the plastic card"},
		fault.CardChanged: {"another card lies there than before",
			"use one card from the beginning to the end"},
		fault.CertMissing: {"the card has no certificate for user authentication",
			office},
		fault.CertExpired: {"the certificate on the card is not in its validity period",
			"compare the kiosk's clock; if that is right, " + office},
		fault.CertForeign: {"the certificate on the card is of an authority that is not configured",
			"if this is a real card, add its authority to the file of reader.roots; else keep test cards away from real kiosks"},
		fault.PINWrong: {"the PIN was wrong",
			"type it again; after three misses only a municipal office unblocks the card"},
		fault.PINBlocked: {"the PIN of the card is blocked",
			office},
		fault.PINTriesLow: {"the card has fewer PIN tries left than was agreed to",
			"read the counter again, and decide whether to use up another try"},
		fault.PINUncertain: {"nobody knows whether the card has seen the PIN",
			"lay it down again: the counter is read before anything else"},
		fault.CardRefused: {"the card or its reader gave an answer that nobody expects",
			"lay it down again; if it happens with several cards, report this output and the kind of reader"},
		fault.WAONUnreadable: {"the number of the WAON card cannot be read through this reader",
			"shoppers can type it; else set waon.strategies and waon.services, or use a reader that reads FeliCa"},
		fault.SignatureBroken: {"what the card signed does not verify",
			"try another card; if it happens with several, take the reader out of service"},
	}
}

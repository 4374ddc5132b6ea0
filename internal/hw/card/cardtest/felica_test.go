package cardtest_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/hw/card/cardtest"
)

var feliCaIDm = [8]byte{0x01, 0x14, 0xC4, 1, 2, 3, 4, 5}

func waonBehind(way cardtest.Way) *cardtest.FeliCa {
	return cardtest.NewWAON(feliCaIDm, 0x684F, "6900123456789013").Behind(way)
}

// ask sends commands in hex and gives the answers; ">" marks an escape command.
func ask(t *testing.T, c *cardtest.FeliCa, commands ...string) []string {
	t.Helper()
	var answers []string
	for _, command := range commands {
		plain, escape := strings.CutPrefix(command, ">")
		b, err := hex.DecodeString(strings.ReplaceAll(plain, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		answer := c.Answer
		if escape {
			answer = c.Escape
		}
		answers = append(answers, strings.ToUpper(hex.EncodeToString(answer(b))))
	}
	return answers
}

// Every reader tells the IDm, takes its own commands, and refuses the others'.
func TestFeliCaWays(t *testing.T) {
	const (
		polled = "12011114C40102030405" + "0120220427674EFF"
		block  = "69001234567890130000000000000000"
		idm1   = "1114C40102030405"
		read   = "1006" + idm1 + "014F68018000"
	)
	own := map[cardtest.Way][][2]string{
		cardtest.WayPassthrough: {
			{"FF000000 06 0600FE000000", polled + "9000"},
			{"FF000000 06 060000030000", "6401"},
			{"FF000000 0A 0A0C0114C40102030405", "0F0D0114C4010203040502852BFE009000"},
			{"FF000000 10" + read, "1D07" + idm1 + "000001" + block + "9000"},
			{"FF000000 10 10060114C40102030405014F68018000", "0C070114C4010203040501A69000"},
			{"FF000000 10 10062114C40102030405014F68018000", "6401"},
			{"FFC20000028100", "6A81"},
		},
		cardtest.WayPN532: {
			{"FF000000 09 D44A01010000030100", "D54B009000"},
			{"FF000000 09 D44A010100FE000100", "D54B0101" + "14" + polled[2:] + "FE009000"},
			{"FF000000 13 D44001" + read, "D54100" + "1D07" + idm1 + "000001" + block + "9000"},
			{"FF000000 13 D44001" + strings.Replace(read, "1114", "3114", 1), "D541019000"},
			{"FF000000 06 0600FE000000", "6300"},
		},
		cardtest.WayTransparent: {
			{"FFC20001 08 95060600FE000000 00", "6985"},
			{"FFC20002 04 8F020300", "6985"},
			{"FFC20000 02 8200", "6985"},
			{"FFC20000 02 8100", "C0030090009000"},
			{"FFC20000 02 8100", "6985"},
			{"FFC20001 08 95060600FE000000 00", "6985"},
			{"FFC20002 04 8F020000", "C003016A819000"},
			{"FFC20002 04 8F020300", "C0030090008F01039000"},
			{"FFC20001 08 95060600FE000000 00", "C003009000" + "920100" + "96020000" + "9712" + polled + "9000"},
			{"FFC20001 08 9506060000030000 00", "C0030164019000"},
			{"FFC20001 08 9406060000030000 00", "C003016A819000"},
			{"FFC20001 08 9507060000030000 00", "6700"},
			{"FF500000 02 8100", "6D00"},
			{"FFC20000 02 8200", "C0030090009000"},
		},
		cardtest.WaySony: {
			{"> FF500000 02 8100 00", "6D00"},
			{"FF500000 02 8100 00", "C0030090009000"},
			{"FF500000 02 8300 00", "C0030090009000"},
			{"FF500002 04 8F020300 00", "C0030090008F01039000"},
			{"FF500001 00000F 5F4604A0860100 95060600FE000000 000000", "C0030164019000"}, // the field is off
			{"FF500000 02 8400 00", "C0030090009000"},
			{"FF500001 000011 5F4604A0860100 958200060600FE000000 0000", "C003009000" + "920100" + "96020000" + "9712" + polled + "9000"},
			{"FF500001 000011 5F4604A0860100 958200060600FE000000 00", "6700"},
			{"FF500001 08 95060600FE000000 00", "C003009000" + "920100" + "96020000" + "9712" + polled + "9000"},
		},
		cardtest.WaySonyEscape: {
			{"FF500000 02 8100 00", "6D00"},
			{"> FF500000 02 8100 00", "C0030090009000"},
			{"> FF500002 04 8F020300 00", "C0030090008F01039000"},
			{"> FF500001 000011 5F4604A0860100 958200060600FE000000 000000", "C003009000" + "920100" + "96020000" + "9712" + polled + "9000"},
			{"> FF500001 0000", "6700"},
			{"> 00A40400", "6D00"},
		},
		cardtest.WaySonyWin: {
			{"FFB0000000", "6986"},
			{"FFA40001 02 CF67", "6A82"},
			{"FFB0000000", "6986"},
			{"FFA40001 02 4F68", "9000"},
			{"FFB0000000", block + "9000"},
			{"FFB0000100", "6A82"},
		},
		cardtest.WaySCM: {
			{"FF460101 04 4F688000", "0114C4010203040501A69000"}, // nothing was polled yet
			{"FF400000 04 00030000", "6401"},
			{"FF400000 04 FE000000", idm1 + "0120220427674EFF9000"},
			{"FF400000 04 FE000100", idm1 + "0120220427674EFFFE009000"},
			{"FF460101 04 4F688000", idm1 + "000001" + block + "9000"},
			{"FF460101 04 4F688001", idm1 + "01A89000"},
			{"FF460101 04 CF678000", idm1 + "01A69000"},
		},
		cardtest.WayIDmOnly: {{"FF000000 06 0600FE000000", "6D00"}, {"> FF500000 02 8100 00", "6D00"}},
	}
	for _, way := range cardtest.Ways() {
		t.Run(string(way), func(t *testing.T) {
			c := waonBehind(way)
			if got := ask(t, c, "FFCA000000", "00A4040000"); !slices.Equal(got, []string{"0114C401020304059000", "6E00"}) {
				t.Errorf("identifier, ISO command: got %v", got)
			}
			for i, step := range own[way] {
				if got := ask(t, c, step[0]); got[0] != step[1] {
					t.Errorf("%d: %s: got %s, want %s", i, step[0], got[0], step[1])
				}
			}
			for other, steps := range own {
				if other == way || strings.HasPrefix(string(way), "sony") && strings.HasPrefix(string(other), "sony") {
					continue
				}
				for _, step := range steps {
					answered := len(step[1]) > 4 // by the reader whose command it is
					if got := ask(t, waonBehind(way), step[0]); answered && len(got[0]) > 4 {
						t.Errorf("%s of %s: got %s", step[0], other, got[0])
					}
				}
			}
		})
	}
}

// A session outlives the card that lies there, and whoever comes next finds it.
func TestFeliCaSessionStaysOpen(t *testing.T) {
	c := waonBehind(cardtest.WayTransparent)
	ask(t, c, "FFC20000028100")
	c.Power(false)
	c.Power(true)
	if !c.InSession() || ask(t, c, "FFC20000028100")[0] != "6985" {
		t.Error("the session is gone")
	}
	ask(t, c, "FFC20000028200")
	if c.InSession() {
		t.Error("the session has not ended")
	}
}

// No command breaks a reader.
func FuzzFeliCaReader(f *testing.F) {
	for way := range cardtest.Ways() {
		for _, seed := range []string{
			"FF000000060600FE000000", "FF00000009D44A010100FE000100", "FFC20000028100", "FFC200010895060600FE000000",
			"FF50000100000F5F4604A086010095060600FE000000000000", "FFA40001024F68", "FFB0000000", "FF40000004FE000000", "FF460101044F688000",
		} {
			b, err := hex.DecodeString(seed)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(way), b)
		}
	}
	f.Fuzz(func(t *testing.T, way uint8, command []byte) {
		ways := cardtest.Ways()
		c := waonBehind(ways[int(way)%len(ways)])
		// Into a session first, so that every command is reached.
		for _, start := range []string{"FF500000028100", "FFC20000028100", "FF500002048F020300", "FFC20002048F020300"} {
			b, _ := hex.DecodeString(start)
			c.Answer(b)
			c.Escape(b)
		}
		before := bytes.Clone(command)
		for _, answer := range [][]byte{c.Answer(command), c.Escape(command)} {
			if len(answer) < 2 {
				t.Fatalf("no status word: %x", answer)
			}
		}
		if !bytes.Equal(before, command) {
			t.Fatal("the command was changed")
		}
	})
}

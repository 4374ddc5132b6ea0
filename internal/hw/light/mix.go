package light

// Element is one lamp of a light, in one colour.
type Element string

// The elements.
const (
	RedElement   Element = "red"
	GreenElement Element = "green"
	BlueElement  Element = "blue"
	AmberElement Element = "amber"
	WhiteElement Element = "white"
)

// Elements gives every element, in the order in which they are told.
func Elements() []Element {
	return []Element{RedElement, GreenElement, BlueElement, AmberElement, WhiteElement}
}

// Mix says how much each of the elements that a light has lights up for a colour,
// from 0 to 1. It is never nothing, so that no signal is dark for lack of a
// colour: the rhythm still tells it.
//
//  1. the element of that colour;
//  2. else red, green and blue mixed, where those that the colour needs are there;
//  3. else the first that is there of the colour's fallbacks. Green is the last
//     resort of amber and red, and the other way round: trouble does not look well.
func Mix(has []Element, c Colour) map[Element]float64 {
	there := map[Element]bool{}
	for _, e := range has {
		there[e] = true
	}
	own, fallbacks := elementOf(c)
	if there[own] {
		return map[Element]float64{own: 1}
	}
	if mixed := mix(there, c); mixed != nil {
		return mixed
	}
	for _, e := range fallbacks {
		if there[e] {
			return map[Element]float64{e: 1}
		}
	}
	return nil // it has no element at all
}

// elementOf names the element of a colour and those that stand in for it.
func elementOf(c Colour) (own Element, fallbacks []Element) {
	const red, green, blue, amber, white = RedElement, GreenElement, BlueElement, AmberElement, WhiteElement
	switch c {
	case Red:
		return red, []Element{amber, white, blue, green}
	case Amber:
		return amber, []Element{red, white, blue, green}
	case Green:
		return green, []Element{white, blue, amber, red}
	case Blue:
		return blue, []Element{white, green, amber, red}
	case White:
		return white, []Element{blue, green, amber, red}
	}
	return "", []Element{white, blue, green, amber, red}
}

// needed is the share of a channel from which a colour is another one without it.
const needed = 0.5

// mix makes a colour of the three channels. A channel that is not there may only
// be missing where the colour has little of it.
func mix(there map[Element]bool, c Colour) map[Element]float64 {
	mixed := map[Element]float64{}
	for e, share := range map[Element]uint8{RedElement: c.R, GreenElement: c.G, BlueElement: c.B} {
		level := float64(share) / 255
		switch {
		case there[e]:
			mixed[e] = level
		case level >= needed:
			return nil
		}
	}
	if len(mixed) == 0 {
		return nil
	}
	return mixed
}

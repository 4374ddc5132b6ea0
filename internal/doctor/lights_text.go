package doctor

import "kioskd/internal/hw/board"

// lights writes what is connected where.
func (p *page) lights(f LightsFacts) {
	var rows [][]string
	for _, l := range f.Lights {
		for _, part := range l.Parts {
			element, name := string(part.Element), part.Name
			if element == "" {
				element = "reader"
			}
			if name == "" {
				name = "none"
			}
			rows = append(rows, []string{string(l.Role), l.Driver, element, name, partText(part.State)})
		}
	}
	if b := f.Button; b != nil {
		rows = append(rows, []string{"button", "gpio", "staff", b.Line, partText(b.State)})
	}
	if len(rows) > 0 {
		p.line("")
		p.table(rows)
	}
}

func partText(s board.State) string {
	if s == board.Ready {
		return "ok"
	}
	return stateText(s)
}

package catalogue

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

//go:embed data/services.json
var services []byte

// Load gives the catalogue that is built in. Its error means a defective build.
func Load() (*Catalogue, error) { return Read(services) }

// Read decodes a catalogue strictly: unknown members are refused, and every
// mistake is listed at once.
func Read(data []byte) (*Catalogue, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	c := new(Catalogue)
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("cannot read catalogue: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("cannot read catalogue: there is something after its end")
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("cannot use catalogue:\n%w", err)
	}
	c.index = index(c.Services)
	return c, nil
}

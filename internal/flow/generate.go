package flow

//go:generate go run kioskd/internal/flow/flowgen
//go:generate go test . -run TestDiagramIsFresh -update

package flow

//go:generate go run kioskd/internal/flow/flowgen

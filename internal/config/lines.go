package config

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// lineMap tells where a key stands, by its dotted name. Tables are in it too.
type lineMap map[string]int

// of gives the line of a key, else that of the table around it, else 0.
func (m lineMap) of(key string) int {
	for key != "" {
		if line, ok := m[key]; ok {
			return line
		}
		key = key[:max(strings.LastIndex(key, "."), 0)]
	}
	return 0
}

// lineNumbers walks data, which is known to be TOML.
func lineNumbers(data []byte) lineMap {
	lines := lineMap{}
	var p unstable.Parser
	p.Reset(data)
	table := ""
	for p.NextExpression() {
		expr := p.Expression()
		name, line := "", 0
		for it := expr.Key(); it.Next(); {
			part := it.Node()
			if line == 0 {
				line = p.Shape(part.Raw).Start.Line
			}
			name = strings.TrimPrefix(name+"."+string(part.Data), ".")
		}
		switch expr.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = name
		case unstable.KeyValue:
			if table != "" {
				name = table + "." + name
			}
		default:
			continue
		}
		if _, ok := lines[name]; !ok {
			lines[name] = line
		}
	}
	return lines
}

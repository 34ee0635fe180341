package remote

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"firsthand/fault"
)

// Decode reads the configuration of a connector strictly into c, a pointer to its
// struct. An error is [fault.Invalid], and names the connector.
func Decode(connector string, raw json.RawMessage, c any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return fmt.Errorf("connector %s: %w: %w", connector, fault.Invalid, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("connector %s: %w: text after the configuration", connector, fault.Invalid)
	}
	return nil
}

// A Mapping says where in a system facts go, by their names.
type Mapping map[string]string

// UnmarshalJSON implements [json.Unmarshaler]. A mapping is an object, or a list of
// {"fact": …, "to": …}: a configuration has no members with dots.
func (m *Mapping) UnmarshalJSON(text []byte) error {
	*m = Mapping{}
	if !bytes.HasPrefix(text, []byte{'['}) {
		return json.Unmarshal(text, (*map[string]string)(m))
	}
	var list []struct{ Fact, To string }
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return err
	}
	for _, each := range list {
		if _, twice := (*m)[each.Fact]; twice || each.Fact == "" {
			return fmt.Errorf("the fact %q is missing or there twice", each.Fact)
		}
		(*m)[each.Fact] = each.To
	}
	return nil
}

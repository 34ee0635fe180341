package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"firsthand/fault"
)

// forwardVersion changes with the meaning of frames. Client and server are
// usually one binary, but a server may have been running since before an upgrade.
const forwardVersion = 1

// A request is a command line that is to be carried out in the server.
type request struct {
	Version  int      `json:"version"`
	Args     []string `json:"args"`     // from the command's name on
	Dir      string   `json:"dir"`      // the client's working directory
	Terminal bool     `json:"terminal"` // somebody is there to answer a prompt
}

// A faultFrame is an error on its way from the client to a command.
type faultFrame struct {
	Kind fault.Kind `json:"kind"`
	Text string     `json:"text"`
	Hint string     `json:"hint"`
}

func encodeFault(err error) []byte {
	return encodeJSON(faultFrame{fault.KindOf(err), err.Error(), fault.HintOf(err)})
}

func decodeFault(body []byte) error {
	var f faultFrame
	if err := decodeJSON(body, &f); err != nil {
		return err
	}
	return fault.Tell(f.Kind, f.Text, f.Hint)
}

func decodeRequest(f frame) (request, error) {
	var r request
	if f.kind != frameRequest {
		return r, fmt.Errorf("frame %q before a request", f.kind)
	}
	// The version first: another one's other members mean nothing to us.
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(f.body, &v); err != nil {
		return r, err
	}
	if v.Version != forwardVersion {
		return r, fault.Tell(fault.Conflict, "the running server is of another version than this program", "restart the server")
	}
	if err := decodeJSON(f.body, &r); err != nil {
		return r, err
	}
	if len(r.Args) == 0 {
		return r, errors.New("request without a command")
	}
	if !filepath.IsAbs(r.Dir) { // relative names would begin in the server's
		return r, fault.Tell(fault.Invalid, "the working directory doesn't exist any more", "change to one that does")
	}
	return r, nil
}

func encodeJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own plain structs come here
	}
	return b
}

func decodeJSON(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more behind the JSON")
	}
	return nil
}

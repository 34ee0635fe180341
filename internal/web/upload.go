package web

import (
	"errors"
	"io"
	"strings"

	"firsthand/fault"
)

// eachPart calls fn for each part of a form with a file, as it arrives: what is in
// it may be passwords, and is written to no temporary file.
func eachPart(v *visit, fn func(name, file string, r io.Reader) error) error {
	parts, err := v.MultipartReader()
	if err != nil {
		return fault.Refuse(fault.Invalid, "form", "%v", err)
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.Refuse(fault.Invalid, "form", "%v", err)
		}
		if err := fn(part.FormName(), part.FileName(), part); err != nil {
			return err
		}
	}
}

// isKit reports whether what was typed is meant as a recovery kit.
func isKit(s string) bool {
	return strings.Contains(strings.ToUpper(strings.ReplaceAll(s, " ", "")), "AGE-SECRET-KEY-1")
}

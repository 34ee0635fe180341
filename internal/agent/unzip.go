package agent

import (
	"archive/zip"
	"io"
	"time"

	"firsthand/fault"
)

// maxUnzipped bounds one file of an export, counted as it is decompressed: the
// size that its header claims is only a claim.
const maxUnzipped = 1 << 30

func readZip(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, fault.Tell(fault.Invalid, "the export lacks "+name, "make a new one: firsthand export FILE")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxUnzipped+1))
	if err == nil && len(text) > maxUnzipped {
		err = fault.Refuse(fault.Invalid, "import-size", "%s has more than %d bytes", name, maxUnzipped)
	}
	return text, err
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(timeFormat, s)
	if err != nil {
		return t, fault.Refuse(fault.Invalid, "json-form", "%q is no time like %s", s, timeFormat)
	}
	return t, nil
}

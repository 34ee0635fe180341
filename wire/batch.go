package wire

import (
	"bytes"

	"firsthand"
	"firsthand/fault"
)

var errBatchSize = fault.Refuse(fault.Invalid, "batch-size", "more than %d entries or %d bytes", MaxBatch, MaxBatchBytes)

// Fit returns how many of entries, from the first, fit into one call or answer.
// One always does.
func Fit(entries []firsthand.Entry) int {
	size := 0
	for i := range entries {
		if size += lineSize(&entries[i]); size > MaxBatchBytes || i == MaxBatch {
			return i
		}
	}
	return len(entries)
}

// lineSize is the length of what AppendLine appends.
func lineSize(e *firsthand.Entry) int {
	n := len(e.Signed) + 1
	if e.HasBody() {
		n += 1 + 43 + 1 + len(e.Body)
	}
	return n
}

func appendEntries(b []byte, entries []firsthand.Entry) []byte {
	for i := range entries {
		b = entries[i].AppendLine(b)
	}
	return b
}

// parseEntries reads the lines of a batch and checks what can be checked of them
// without either log.
func parseEntries(text []byte, rel ID) ([]firsthand.Entry, error) {
	if len(text) > MaxBatchBytes || bytes.Count(text, []byte{'\n'}) > MaxBatch {
		return nil, errBatchSize
	}
	entries, err := firsthand.ParseLines(text)
	if err != nil {
		return nil, err
	}
	return entries, checkBatch(rel, entries)
}

// checkBatch refuses entries of another relationship, and gaps. The client asks
// it too: a mixed batch would tell a company what it must not know.
func checkBatch(rel ID, entries []firsthand.Entry) error {
	var last [2]int64
	for i := range entries {
		e, n := &entries[i], 0
		if e.Side == firsthand.Second {
			n = 1
		}
		if e.Relationship() != rel {
			return fault.Refuse(fault.Invalid, "batch-rel", "entry %d of the batch belongs to another relationship", i+1)
		}
		if last[n] != 0 && e.Seq != last[n]+1 {
			return fault.Refuse(fault.Invalid, "batch-order", "%s entry %d after %d", e.Side, e.Seq, last[n])
		}
		last[n] = e.Seq
	}
	return nil
}

package wire

import (
	"io"
	"net/http"

	"firsthand/fault"
)

// Memory for bodies. It is taken as the bytes arrive, so that a caller who only
// announces a body costs nothing; and big bodies are few at a time, so that
// callers who do send them can't exhaust it. Everyday calls are never big.
const (
	bigBody = 64 << 10 // bytes from which a body is big
	maxBig  = 64       // big bodies at a time
)

// errBody has no detail from the connection, which knows the caller's address.
var errBody = fault.Refuse(fault.Invalid, "call-form", "the body ended before its announced length")

// readBody reads the body of a call whole. The caller calls release when it is
// no longer in memory.
func (h *Handler) readBody(r *http.Request) (body []byte, release func(), err error) {
	size := r.ContentLength
	switch {
	case size < 0:
		return nil, nil, fault.Refuse(fault.Invalid, "call-form", "the body's length is not announced")
	case size > maxBody:
		return nil, nil, errBatchSize
	case size <= bigBody:
		release = func() {}
	default:
		select {
		case h.big <- struct{}{}:
			release = func() { <-h.big }
		default:
			return nil, nil, fault.Refuse(fault.Unavailable, "call-busy", "%d big calls are being served", maxBig)
		}
	}
	body = make([]byte, min(int(size), 8<<10))
	for at := 0; ; {
		n, err := io.ReadFull(r.Body, body[at:])
		if at += n; err != nil {
			release()
			return nil, nil, errBody
		}
		if at == int(size) {
			return body, release, nil
		}
		body = append(body, make([]byte, min(len(body), int(size)-at))...)
	}
}

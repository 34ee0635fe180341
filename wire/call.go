package wire

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"firsthand"
	"firsthand/fault"
)

// discover serves the discovery document. It is public, and the only thing here
// that a person may look at in a browser.
func (h *Handler) discover(w http.ResponseWriter, r *http.Request) error {
	doc, err := h.server.Company(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jose")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(doc) // the caller may have gone; there is nothing to do about it
	return nil
}

// call serves open and sync.
func (h *Handler) call(w http.ResponseWriter, r *http.Request, route Route, rel *ID) error {
	source := h.source(r)
	if err := h.calls.admit(source, h.now()); err != nil {
		return err
	}
	if err := checkHeader(r.Header); err != nil {
		return err
	}
	if route.Access == Opener {
		if err := h.openings.admit(source, h.now()); err != nil {
			return err
		}
	}
	body, release, err := h.readBody(r)
	if err != nil {
		return err
	}
	defer release()
	req, err := parseRequest(body)
	if err != nil {
		return err
	}
	*rel = req.Rel
	serve := h.server.Sync
	if route.Access == Opener {
		if err := checkOpening(&req); err != nil {
			return err
		}
		serve = h.server.Open
	}
	c := firsthand.Call{Method: r.Method, Host: h.address.host, Path: r.URL.RequestURI(), Body: body}
	if err := h.authenticate(r.Context(), r.Header, &c, &req, route.Access == Opener); err != nil {
		h.calls.charge(source, h.now(), strangerCosts-1)
		return err
	}
	resp, err := h.serve(r.Context(), serve, req)
	if err != nil {
		return err
	}
	return writeResponse(w, &resp)
}

// strangerCosts is how many calls one counts for that nobody has signed. Customers
// make none of them but where a clock is wrong or a relationship was lost.
const strangerCosts = 10

// checkHeader refuses what no agent sends. A browser can't send the content type
// without asking first, and gets no permission; so no page that a customer or an
// operator looks at can call here.
func checkHeader(h http.Header) error {
	for name := range h {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return fault.Refuse(fault.Denied, "call-browser", "agents call here, browsers don't")
		}
	}
	if t := h["Content-Type"]; len(t) != 1 || t[0] != ContentType {
		return fault.Refuse(fault.Invalid, "call-type", "the content type is not %s", ContentType)
	}
	return nil
}

// serve lets f do what r asks, and wait if it may.
func (h *Handler) serve(ctx context.Context, f func(context.Context, Request) (Response, error), r Request) (Response, error) {
	if r.Wait == 0 {
		return f(ctx, r)
	}
	waiting, poll := h.polls.enter(ctx, r.Rel)
	if poll == nil {
		r.Wait = 0 // what it brings is taken all the same
		return f(ctx, r)
	}
	defer h.polls.leave(poll)
	resp, err := f(waiting, r)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		// The waiting was ended by Drain, and not the call: it may have been at work
		// still. Calls may be repeated.
		r.Wait = 0
		return f(ctx, r)
	}
	return resp, err
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// typeHeader is the same in every call and every answer, and never changed.
var typeHeader = []string{ContentType}

func writeResponse(w http.ResponseWriter, r *Response) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	b, err := appendResponse((*buf)[:0], r)
	if err != nil {
		return fmt.Errorf("answer: %w: %v", fault.Internal, err) // the Server's mistake, not the caller's
	}
	*buf = b
	header := w.Header()
	header["Content-Type"] = typeHeader
	header["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.Write(b) // the caller may have gone, and will ask again
	return nil
}

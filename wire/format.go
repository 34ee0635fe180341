package wire

import (
	"bytes"
	"time"

	"firsthand"
	"firsthand/fault"
)

// The format. All text is UTF-8; JSON is read by [firsthand.ParseJSON].
//
// A call is one of
//
//	POST {gateway}/v1/open
//	POST {gateway}/v1/sync
//
// where {gateway} is the base URL that the discovery document gives, in the one
// spelling of address.go. It has these headers, beside those of HTTP itself,
// the same for everybody but for time and signature:
//
//	Content-Type: application/firsthand
//	Authorization: Firsthand TIME SIGNATURE
//
// TIME is RFC 3339 in UTC to the second, ending in Z, and SIGNATURE that of a
// [firsthand.Call]; by whose key is said in auth.go. The body is a line of JSON,
// the head, of at most 4 KiB, and then entries, each a line as written by
// [firsthand.Entry.AppendLine]. Every line ends in a line feed.
//
//	{"rel":ID,"first":{"seq":N,"id":ID},"second":{"seq":N,"id":ID},"wait":SECONDS}
//
// The head of an empty log is {"seq":0,"id":""}. No member may be missing. In
// open, rel is the ID of the first line's entry, which opens the relationship.
// There are at most 256 entries, of at most 1 MiB as lines. They all belong to
// rel; those of each log have consecutive seqs.
//
// The answer has status 200, the same content type, and a body of the same shape:
//
//	{"first":{"seq":N,"id":ID},"second":{"seq":N,"id":ID},"receipt":JWS,"more":BOOL}
//
// Its entries of each log begin after the head that the call named and do not go
// past the one that the answer names. more is true only if there are entries.
//
// Any other status is a refusal, told in failure.go. Content codings and
// redirects are not used.
//
//	GET https://DOMAIN/.well-known/firsthand
//
// gives the discovery document of [firsthand.Company], a JWS and nothing else.
//
// The rules that a call or an answer can break here, beside those of entries:
//
//	call-type       the content type is application/firsthand
//	call-form       body and head are written as above
//	call-browser    no browser calls: no Origin, no Sec-Fetch-* header
//	call-signature  the call is signed by the relationship's key (see auth.go)
//	call-time       it was signed within five minutes of now
//	call-rate       calls are made, and relationships opened, no faster than the gateway allows
//	call-busy       there is room for one more big call
//	gateway-url     the base URL of a gateway is spelled as address.go says
//	batch-size      at most 256 entries and 1 MiB
//	batch-rel       all entries belong to the relationship
//	batch-order     the entries of each log are consecutive
//	batch-open      open brings the entry that opens the relationship first
//	answer-type, answer-form, answer-heads, answer-status   of the gateway's answer
const (
	ContentType   = "application/firsthand"
	DiscoveryPath = "/.well-known/firsthand"

	openPath = "/v1/open"
	syncPath = "/v1/sync"

	maxHead = 4 << 10 // bytes of the first line
	maxBody = maxHead + MaxBatchBytes
)

// callHead and answerHead have pointers to tell what is missing from what is
// zero.
type callHead struct {
	Rel    ID              `json:"rel"`
	First  *firsthand.Head `json:"first"`
	Second *firsthand.Head `json:"second"`
	Wait   *int64          `json:"wait"`
}

type answerHead struct {
	First   *firsthand.Head `json:"first"`
	Second  *firsthand.Head `json:"second"`
	Receipt *string         `json:"receipt"`
	More    *bool           `json:"more"`
}

// appendRequest appends r as the body of a call.
func appendRequest(b []byte, r *Request) ([]byte, error) {
	if r.Rel.IsZero() || !goodHead(&r.First) || !goodHead(&r.Second) {
		return nil, fault.Refuse(fault.Invalid, "call-form", "a call names rel and the heads of both logs")
	}
	if Fit(r.Entries) < len(r.Entries) {
		return nil, errBatchSize
	}
	if err := checkBatch(r.Rel, r.Entries); err != nil {
		return nil, err
	}
	seconds := int64((min(max(r.Wait, 0), MaxWait) + time.Second - 1) / time.Second)
	b = append(b, firsthand.EncodeJSON(callHead{r.Rel, &r.First, &r.Second, &seconds})...)
	return appendEntries(append(b, '\n'), r.Entries), nil
}

// appendResponse appends r as the body of an answer.
func appendResponse(b []byte, r *Response) ([]byte, error) {
	if Fit(r.Entries) < len(r.Entries) {
		return nil, errBatchSize
	}
	receipt := string(r.Receipt)
	b = append(b, firsthand.EncodeJSON(answerHead{&r.First, &r.Second, &receipt, &r.More})...)
	return appendEntries(append(b, '\n'), r.Entries), nil
}

// parseRequest reads the body of a call, whose memory the entries keep.
func parseRequest(body []byte) (r Request, err error) {
	line, rest, err := cutHead(body, "call-form")
	if err != nil {
		return r, err
	}
	var h callHead
	if err := firsthand.ParseJSON(line, &h); err != nil {
		return r, fault.Refuse(fault.Invalid, "call-form", "head: %v", err)
	}
	if h.Rel.IsZero() || !goodHead(h.First) || !goodHead(h.Second) || h.Wait == nil || *h.Wait < 0 {
		return r, fault.Refuse(fault.Invalid, "call-form", "a call names rel, the heads of both logs, and how long to wait")
	}
	r = Request{Rel: h.Rel, First: *h.First, Second: *h.Second,
		Wait: time.Duration(min(*h.Wait, int64(MaxWait/time.Second))) * time.Second}
	r.Entries, err = parseEntries(rest, r.Rel)
	return r, err
}

// parseResponse reads the body of an answer to asked.
func parseResponse(body []byte, asked *Request) (r Response, err error) {
	line, rest, err := cutHead(body, "answer-form")
	if err != nil {
		return r, err
	}
	var h answerHead
	if err := firsthand.ParseJSON(line, &h); err != nil {
		return r, fault.Refuse(fault.Invalid, "answer-form", "head: %v", err)
	}
	if !goodHead(h.First) || !goodHead(h.Second) || h.Receipt == nil || h.More == nil {
		return r, fault.Refuse(fault.Invalid, "answer-form", "an answer names the heads of both logs, a receipt, and whether there is more")
	}
	r = Response{First: *h.First, Second: *h.Second, Receipt: []byte(*h.Receipt), More: *h.More}
	if r.Entries, err = parseEntries(rest, asked.Rel); err != nil {
		return r, err
	}
	if r.More && len(r.Entries) == 0 {
		// Else a gateway could keep an agent calling for ever.
		return r, fault.Refuse(fault.Invalid, "answer-form", "more, but nothing yet")
	}
	return r, r.checkHeads(asked)
}

// checkHeads refuses entries that the agent did not ask for, or that the heads
// of the answer don't cover.
func (r *Response) checkHeads(asked *Request) error {
	last := [2]firsthand.Head{asked.First, asked.Second}
	for i := range r.Entries {
		e := &r.Entries[i]
		head, n := r.First, 0
		if e.Side == firsthand.Second {
			head, n = r.Second, 1
		}
		if e.Seq != last[n].Seq+1 || e.Seq > head.Seq || e.Seq == head.Seq && e.ID != head.ID {
			return fault.Refuse(fault.Invalid, "answer-heads", "%s entry %d after %d, with head %d", e.Side, e.Seq, last[n].Seq, head.Seq)
		}
		last[n] = e.Head()
	}
	return nil
}

// cutHead splits the first line from a body.
func cutHead(body []byte, rule string) (line, rest []byte, err error) {
	end := bytes.IndexByte(body[:min(len(body), maxHead)], '\n')
	if end < 0 {
		return nil, nil, fault.Refuse(fault.Invalid, rule, "no line of JSON of at most %d bytes", maxHead)
	}
	return body[:end], body[end+1:], nil
}

// goodHead reports whether h is there, and is that of an empty log or of one
// that isn't.
func goodHead(h *firsthand.Head) bool {
	return h != nil && h.Seq >= 0 && (h.Seq == 0) == h.ID.IsZero()
}

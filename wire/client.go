package wire

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/fetch"
)

// callTimeout limits a call, beside the time that it asks the gateway to wait.
const callTimeout = 30 * time.Second

// A Client calls gateways for an agent. It is safe for concurrent use.
type Client struct {
	fetch *fetch.Client // for discovery; calls have one each for a relationship
	now   func() time.Time
	peers peers
}

// NewClient returns a Client that reaches the network by means of f, which may
// be used for other things too. now is the agent's clock; time.Now if nil.
func NewClient(f *fetch.Client, now func() time.Time) *Client {
	if now == nil {
		now = time.Now
	}
	return &Client{fetch: f, now: now, peers: peers{connect: f.Isolated, all: make(map[ID]*peer)}}
}

// Close closes all connections that are idle. The Client may be used again.
func (c *Client) Close() { c.peers.close() }

// Open begins a relationship at the gateway with the given base URL: r.Entries
// starts with the entry that opens it, whose key is key, unless r also brings a
// rotate; see Sync. A gateway that has the relationship already treats the call
// as a Sync.
//
// Errors are a [*GatewayError] where the gateway refused. Otherwise they wrap
// fault.Unavailable if it could not be reached, and fault.Invalid if r or the
// answer breaks a rule of this package or of package fetch.
func (c *Client) Open(ctx context.Context, gateway string, key *firsthand.Signer, r Request) (Response, error) {
	if len(r.Entries) > 0 {
		r.Rel = r.Entries[0].Relationship()
	}
	if err := checkOpening(&r); err != nil {
		return Response{}, err
	}
	return c.call(ctx, gateway, openPath, key, &r)
}

// Sync tells the gateway what the agent has, brings it r.Entries and returns
// what the agent lacks. It is signed by key: the relationship's key in force, or
// if r brings first's rotate, the new one. Errors are those of Open.
//
// A Response was checked as far as that can be done without the logs: its
// entries are of the relationship, follow the heads in r without gaps, and end
// within the heads that it names. The rest is for [firsthand.State.Check] and
// [firsthand.ParseReceipt].
func (c *Client) Sync(ctx context.Context, gateway string, key *firsthand.Signer, r Request) (Response, error) {
	return c.call(ctx, gateway, syncPath, key, &r)
}

func (c *Client) call(ctx context.Context, gateway, path string, key *firsthand.Signer, r *Request) (Response, error) {
	a, err := parseAddress(gateway)
	if err != nil {
		return Response{}, err
	}
	size := 512 // for the head
	for i := range r.Entries {
		size += lineSize(&r.Entries[i])
	}
	body, err := appendRequest(make([]byte, 0, size), r)
	if err != nil {
		return Response{}, err
	}
	p, asked := c.peers.take(r.Rel), false
	defer func() { c.peers.give(p, asked) }()
	now := c.now()
	resp, err := p.client.Do(ctx, &fetch.Request{
		Method: http.MethodPost,
		URL:    gateway + path,
		Header: http.Header{
			"Content-Type": typeHeader,
			"Authorization": {authorization(key, firsthand.Call{
				Method: http.MethodPost, Host: a.host, Path: a.path + path, Time: now, Body: body})},
			// Not sent, since it has no value. It lets net/http repeat a call
			// on a new connection where the old one was closed by the other
			// end just then: calls may be repeated.
			"Idempotency-Key": nil,
		},
		Body:     body,
		MaxBytes: maxBody,
		Timeout:  callTimeout + min(max(r.Wait, 0), MaxWait),
	})
	if err != nil {
		return Response{}, fmt.Errorf("call gateway: %w", err)
	}
	answer, err := readAnswer(resp, r, now)
	if err != nil {
		return Response{}, fmt.Errorf("call gateway at %s: %w", a.host, err)
	}
	asked = r.Wait <= 0 && len(r.Entries) == 0 && len(answer.Entries) == 0
	return answer, nil
}

// readAnswer reads what a gateway answered to r, which was signed at now.
func readAnswer(resp *fetch.Response, r *Request, now time.Time) (Response, error) {
	if resp.Status != http.StatusOK {
		return Response{}, readFailure(resp.Status, resp.Header, resp.Body, now)
	}
	if t := resp.Header["Content-Type"]; len(t) != 1 || t[0] != ContentType {
		return Response{}, fault.Refuse(fault.Invalid, "answer-type", "the content type is not %s", ContentType)
	}
	return parseResponse(resp.Body, r)
}

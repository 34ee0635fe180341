package wire_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"firsthand"
	"firsthand/wire"
)

type result struct {
	resp wire.Response
	err  error
}

// poll calls for c and waits for news, in a goroutine.
func (w *world) poll(ctx context.Context, c *customer) <-chan result {
	done := make(chan result, 1)
	r := c.request()
	r.Wait = wire.MaxWait
	go func() {
		resp, err := w.client.Sync(ctx, w.base, c.key, r)
		done <- result{resp, err}
	}()
	return done
}

func TestLongPoll(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c := newCustomer(t, "ann")
	w.open(t, c)

	// News end the wait.
	done := w.poll(t.Context(), c)
	<-w.waiting
	w.say(c.rel(), message)
	if r := <-done; r.err != nil || len(r.resp.Entries) != 1 {
		t.Fatalf("%+v", r)
	} else {
		c.learn(r.resp)
	}

	// The gateway notices that the caller has gone.
	ctx, cancel := context.WithCancel(t.Context())
	done = w.poll(ctx, c)
	<-w.waiting
	cancel()
	if r := <-done; !errors.Is(r.err, context.Canceled) {
		t.Errorf("cancelled: %v", r.err)
	}
	for w.handler.Polls() > 0 {
		w.breathe(t, c)
	}
}

// breathe makes a call that needs no waiting; tests do so instead of sleeping.
func (w *world) breathe(t testing.TB, c *customer) {
	t.Helper()
	if _, err := w.client.Sync(t.Context(), w.base, c.key, c.request()); err != nil {
		t.Fatal(err)
	}
}

// TestPollsAreFew: one relationship can't hold the gateway's memory. A call too
// many is answered at once, and what it brings is taken.
func TestPollsAreFew(t *testing.T) {
	w := newWorld(t, newGateway(), func(o *wire.Options) { o.MaxPolls = wire.MaxPollsEach + 1 })
	ann, bob, cat := newCustomer(t, "ann"), newCustomer(t, "bob"), newCustomer(t, "cat")
	for _, c := range []*customer{ann, bob, cat} {
		w.open(t, c)
	}
	var polls []<-chan result
	for range wire.MaxPollsEach {
		polls = append(polls, w.poll(t.Context(), ann))
		<-w.waiting
	}
	e := ann.write(message)
	r := ann.request(e)
	r.Wait = wire.MaxWait
	if resp, err := w.client.Sync(t.Context(), w.base, ann.key, r); err != nil || resp.First != e.Head() {
		t.Errorf("one too many of a relationship: %+v, %v", resp, err)
	}
	polls = append(polls, w.poll(t.Context(), bob)) // another may wait
	<-w.waiting
	if r := <-w.poll(t.Context(), cat); r.err != nil {
		t.Errorf("one too many of all: %v", r.err)
	}

	// Draining answers those who wait, and lets nobody else.
	w.handler.Drain()
	for _, p := range polls {
		if r := <-p; r.err != nil || r.resp.First.Seq == 0 {
			t.Errorf("drained: %+v", r)
		}
	}
	if r := <-w.poll(t.Context(), bob); r.err != nil {
		t.Errorf("after draining: %v", r.err)
	}
	for w.handler.Polls() > 0 { // answered before it has left
		w.breathe(t, ann)
	}
}

func TestServe(t *testing.T) {
	g := newGateway()
	l := listen(t)
	base := "http://" + l.Addr().String()
	h, err := wire.NewHandler(g, wire.Options{BaseURL: base, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- wire.Serve(ctx, h.NewServer(), l) }()

	w := newWorld(t, g, nil) // for its client
	w.base = base
	c := newCustomer(t, "ann")
	w.open(t, c)
	done := w.poll(t.Context(), c)
	<-g.waiting
	stop()
	if r := <-done; r.err != nil {
		t.Errorf("a call that waited: %v", r.err)
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if err := wire.Serve(t.Context(), h.NewServer(), l); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serve on a closed listener: %v", err)
	}
}

// TestWaitOutlivesReadTimeout: the limit for slow bodies does not end a wait.
func TestWaitOutlivesReadTimeout(t *testing.T) {
	g := newGateway()
	l := listen(t)
	h, err := wire.NewHandler(g, wire.Options{BaseURL: "http://" + l.Addr().String(), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	s := h.NewServer()
	s.ReadTimeout = 400 * time.Millisecond // enough for a busy machine to read a call
	go s.Serve(l)
	defer s.Close()
	w := newWorld(t, g, nil)
	w.base = "http://" + l.Addr().String()
	c := newCustomer(t, "ann")
	w.open(t, c)
	done := w.poll(t.Context(), c)
	<-g.waiting
	select { // a time to let pass, not one to wait for
	case r := <-done:
		t.Fatalf("the wait ended: %+v", r)
	case <-time.After(2 * s.ReadTimeout):
	}
	g.say(c.rel(), &firsthand.Message{Text: "Here it is."})
	if r := <-done; r.err != nil || len(r.resp.Entries) != 1 {
		t.Errorf("%+v", r)
	}
}

// busy is a gateway that is still at work when the waiting of a call ends.
type busy struct {
	*gateway
	working chan struct{}
}

func (b busy) Sync(ctx context.Context, r wire.Request) (wire.Response, error) {
	if r.Wait > 0 {
		b.working <- struct{}{}
		<-ctx.Done()
		return wire.Response{}, ctx.Err()
	}
	return b.gateway.Sync(ctx, r)
}

// TestDrainCutsNoCall: draining ends the waiting, and not what a call that may wait is
// at before that.
func TestDrainCutsNoCall(t *testing.T) {
	g := busy{newGateway(), make(chan struct{})}
	l := listen(t)
	base := "http://" + l.Addr().String()
	h, err := wire.NewHandler(g, wire.Options{BaseURL: base, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	s := h.NewServer()
	go s.Serve(l)
	defer s.Close()
	w := newWorld(t, g.gateway, nil)
	w.base = base
	c := newCustomer(t, "ann")
	w.open(t, c)
	done := w.poll(t.Context(), c)
	<-g.working
	h.Drain()
	if r := <-done; r.err != nil {
		t.Errorf("a call that was at work: %v", r.err)
	}
}

//go:build unix

package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"firsthand"
	"firsthand/fetch"
	"firsthand/wire"
)

// A noGateway does no work: it knows every relationship, and has received what
// it is brought.
type noGateway struct {
	keys    map[firsthand.ID]*firsthand.State
	receipt []byte
}

func (g *noGateway) Company(context.Context) ([]byte, error) { return nil, nil }

func (g *noGateway) Keys(_ context.Context, rel firsthand.ID) (firsthand.PublicKey, firsthand.KeyHash, error) {
	log := g.keys[rel].Log(firsthand.First)
	return log.Key(), log.Next, nil
}

func (g *noGateway) Open(ctx context.Context, r wire.Request) (wire.Response, error) {
	return g.Sync(ctx, r)
}

func (g *noGateway) Sync(_ context.Context, r wire.Request) (wire.Response, error) {
	return wire.Response{First: r.First, Second: r.Second, Receipt: g.receipt}, nil
}

// callers is how many call at once, each in a relationship of its own.
const callers = 64

// together lets the callers call one after the other, all at the same time, and
// reports how much processor time a call takes, of both sides.
func together(b *testing.B, call func(caller int) error) {
	before := cpu()
	var caller atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(callers / 2) // on two processors
	b.RunParallel(func(pb *testing.PB) {
		n := int(caller.Add(1)-1) % callers
		for pb.Next() {
			if err := call(n); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpu()-before)/float64(time.Microsecond)/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCall measures one entry a call, and beside it, in the same run, what
// HTTP and signatures alone cost.
func BenchmarkCall(b *testing.B) {
	g := &noGateway{keys: map[firsthand.ID]*firsthand.State{}}
	var customers [callers]*customer
	var requests [callers]wire.Request
	for i := range customers {
		c := newCustomer(b, fmt.Sprint("customer ", i))
		e := c.write(&firsthand.Message{Text: string(bytes.Repeat([]byte("x"), 300))})
		g.keys[c.rel()] = c.state
		customers[i], requests[i] = c, c.request(e)
	}
	g.receipt = signer("company").Receipt(firsthand.Receipt{Rel: customers[0].rel(), Seq: 2, ID: requests[0].First.ID, At: start})
	body, err := wire.AppendRequest(nil, &requests[0])
	if err != nil {
		b.Fatal(err)
	}
	resp := wire.Response{First: requests[0].First, Second: requests[0].Second, Receipt: g.receipt}
	answer, err := wire.AppendResponse(nil, &resp)
	if err != nil {
		b.Fatal(err)
	}

	b.Run("floor/http", func(b *testing.B) {
		l := listen(b)
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Write(answer)
		})}
		go s.Serve(l)
		defer s.Close()
		t := &http.Transport{MaxIdleConnsPerHost: callers, DisableCompression: true}
		defer t.CloseIdleConnections()
		together(b, func(int) error {
			req, err := http.NewRequest("POST", "http://"+l.Addr().String(), bytes.NewReader(body))
			if err != nil {
				return err
			}
			resp, err := t.RoundTrip(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		})
	})
	b.Run("floor/signature", func(b *testing.B) {
		c := firsthand.Call{Method: "POST", Host: "localhost", Path: "/v1/sync", Time: start, Body: body}
		together(b, func(n int) error {
			c := c
			return c.Verify(customers[n].key.Public(), customers[n].key.Call(c), start)
		})
	})
	b.Run("call", func(b *testing.B) {
		l := listen(b)
		base := "http://" + l.Addr().String()
		h, err := wire.NewHandler(g, wire.Options{BaseURL: base, Now: clock})
		if err != nil {
			b.Fatal(err)
		}
		s := h.NewServer()
		go s.Serve(l)
		defer s.Close()
		client := wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), clock)
		defer client.Close()
		together(b, func(n int) error {
			_, err := client.Sync(b.Context(), base, customers[n].key, requests[n])
			return err
		})
	})
}

func BenchmarkFormat(b *testing.B) {
	c := newCustomer(b, "ann")
	e := c.write(&firsthand.Message{Text: string(bytes.Repeat([]byte("x"), 300))})
	r := c.request(e)
	body, err := wire.AppendRequest(nil, &r)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 4096)
		for b.Loop() {
			if _, err := wire.AppendRequest(buf, &r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := wire.ParseRequest(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

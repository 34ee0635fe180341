package wire_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"firsthand"
	"firsthand/wire"
)

// A matrixCase is one way to call a route; want is the answer that each kind of
// route must give to it. A kind that is missing fails the test.
type matrixCase struct {
	name   string
	change func(w *world, c *rawCall, k matrixKeys)
	want   map[wire.Access]string
}

type matrixKeys struct {
	own, other *firsthand.Signer
}

// everywhere is what a case gives where a key is needed; the public route
// doesn't look at any of it.
func everywhere(want string) map[wire.Access]string {
	return map[wire.Access]string{wire.Anybody: "200", wire.Opener: want, wire.Party: want}
}

var matrix = []matrixCase{
	{"right", nil, everywhere("200")},
	{"no header", func(_ *world, c *rawCall, _ matrixKeys) { c.header.Del("Authorization") }, everywhere("403 call-signature")},
	{"two headers", func(_ *world, c *rawCall, _ matrixKeys) {
		c.header.Add("Authorization", c.header.Get("Authorization"))
	}, everywhere("403 call-signature")},
	{"another scheme", func(_ *world, c *rawCall, _ matrixKeys) { c.header.Set("Authorization", "Basic YTpi") }, everywhere("403 call-signature")},
	{"no signature", func(_ *world, c *rawCall, _ matrixKeys) {
		c.header.Set("Authorization", "Firsthand 2026-11-21T21:47:13Z ")
	}, everywhere("403 call-signature")},
	{"garbage for a time", func(_ *world, c *rawCall, _ matrixKeys) {
		c.header.Set("Authorization", "Firsthand 2026-13-21T21:47:13Z AAAA")
	}, everywhere("403 call-signature")},
	{"wrong key", func(w *world, c *rawCall, _ matrixKeys) { w.sign(c, signer("eve"), nil) }, everywhere("403 call-signature")},
	{"other relationship's key", func(w *world, c *rawCall, k matrixKeys) { w.sign(c, k.other, nil) }, everywhere("403 call-signature")},
	{"company's key", func(w *world, c *rawCall, _ matrixKeys) { w.sign(c, signer("company"), nil) }, everywhere("403 call-signature")},
	{"replayed soon", func(w *world, c *rawCall, k matrixKeys) {
		w.sign(c, k.own, func(c *firsthand.Call) { c.Time = start.Add(-4 * time.Minute) })
	}, everywhere("200")},
	{"replayed late", func(w *world, c *rawCall, k matrixKeys) {
		w.sign(c, k.own, func(c *firsthand.Call) { c.Time = start.Add(-6 * time.Minute) })
	}, everywhere("403 call-time")},
	{"signed for later", func(w *world, c *rawCall, k matrixKeys) {
		w.sign(c, k.own, func(c *firsthand.Call) { c.Time = start.Add(6 * time.Minute) })
	}, everywhere("403 call-time")},
	{"another time than signed", func(_ *world, c *rawCall, _ matrixKeys) {
		a := []byte(c.header.Get("Authorization"))
		c.header.Set("Authorization", string(bytes.Replace(a, []byte(":13Z"), []byte(":14Z"), 1)))
	}, everywhere("403 call-signature")},
	{"altered body", func(_ *world, c *rawCall, _ matrixKeys) {
		c.body = bytes.Replace(c.body, []byte(`"wait":0`), []byte(`"wait":1`), 1)
	}, everywhere("403 call-signature")},
	{"other path", func(w *world, c *rawCall, k matrixKeys) {
		w.sign(c, k.own, func(c *firsthand.Call) { c.Path += "/other" })
	}, everywhere("403 call-signature")},
	{"path without the base", func(w *world, c *rawCall, k matrixKeys) {
		w.sign(c, k.own, func(c *firsthand.Call) { c.Path = c.Path[len("/desk"):] })
	}, everywhere("403 call-signature")},
	{"query added", func(_ *world, c *rawCall, _ matrixKeys) { c.path += "?a=b" }, everywhere("403 call-signature")},
	{"signed for another host", func(w *world, c *rawCall, k matrixKeys) {
		w.sign(c, k.own, func(c *firsthand.Call) { c.Host = "gateway.evil.example" })
	}, everywhere("403 call-signature")},
	{"relayed from another host", func(w *world, c *rawCall, k matrixKeys) {
		c.host = "gateway.evil.example"
		w.sign(c, k.own, func(c *firsthand.Call) { c.Host = "gateway.evil.example" })
	}, everywhere("403 call-signature")},
	{"Host header rewritten by a proxy", func(_ *world, c *rawCall, _ matrixKeys) { c.host = "127.0.0.1:9" }, everywhere("200")},
	{"other method signed", func(w *world, c *rawCall, k matrixKeys) {
		w.sign(c, k.own, func(c *firsthand.Call) { c.Method = "GET" })
	}, everywhere("403 call-signature")},
	{"browser", func(_ *world, c *rawCall, _ matrixKeys) { c.header.Set("Origin", "https://acme.example") }, everywhere("403 call-browser")},
	{"browser, same origin", func(_ *world, c *rawCall, _ matrixKeys) { c.header.Set("Sec-Fetch-Site", "same-origin") }, everywhere("403 call-browser")},
	{"a form's content type", func(_ *world, c *rawCall, _ matrixKeys) { c.header.Set("Content-Type", "text/plain") }, everywhere("400 call-type")},
	{"no content type", func(_ *world, c *rawCall, _ matrixKeys) { c.header.Del("Content-Type") }, everywhere("400 call-type")},
	{"no body", func(_ *world, c *rawCall, _ matrixKeys) { c.body = nil }, everywhere("400 call-form")},
	{"other method", func(_ *world, c *rawCall, _ matrixKeys) { c.method = "PUT" },
		map[wire.Access]string{wire.Anybody: "405", wire.Opener: "405", wire.Party: "405"}},
	{"read instead of posted", func(_ *world, c *rawCall, _ matrixKeys) { c.method = "GET" },
		map[wire.Access]string{wire.Anybody: "200", wire.Opener: "405", wire.Party: "405"}},
}

// TestMatrix calls every route in every way. The routes come from the handler:
// a new one is in the matrix before anybody thinks of it.
func TestMatrix(t *testing.T) {
	g := newGateway()
	g.doc = []byte("a document")
	w := newWorld(t, g, nil)
	bob, ann := newCustomer(t, "bob"), newCustomer(t, "ann")
	w.open(t, bob)
	w.open(t, ann)
	for _, route := range w.handler.Routes() {
		for i, tt := range matrix {
			t.Run(fmt.Sprint(route.Path, "/", tt.name), func(t *testing.T) {
				c, r := ann, ann.request()
				if route.Access == wire.Opener {
					c = newCustomer(t, fmt.Sprint("customer ", i))
					r = c.request(c.logs[0]...)
				}
				call := w.raw(t, route.Path, c.key, r)
				if route.Method == "GET" {
					call.method = "GET"
				}
				if tt.change != nil {
					tt.change(w, call, matrixKeys{own: c.key, other: bob.key})
				}
				before := w.calls()
				status, body := w.do(t, call)
				want, ok := tt.want[route.Access]
				if !ok {
					t.Fatal("no expectation for this kind of route")
				}
				if got := answer(status, body); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if status != 200 && w.calls() != before {
					t.Error("the call was refused, and reached the server all the same")
				}
			})
		}
	}
}

// calls returns how many calls reached the server.
func (g *gateway) calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.got)
}

// answer is the status, and the rule if one was named.
func answer(status int, body string) string {
	var f struct {
		Kind string
		Rule string
		Time time.Time
	}
	if status == http.StatusMethodNotAllowed || firsthand.ParseJSON([]byte(body), &f) != nil || f.Rule == "" {
		return fmt.Sprint(status)
	}
	return fmt.Sprint(status, " ", f.Rule)
}

// TestNoOracle: a stranger can't find out whether there is a relationship.
func TestNoOracle(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	ann, nobody := newCustomer(t, "ann"), newCustomer(t, "nobody")
	w.open(t, ann)
	for _, access := range w.handler.Routes()[1:] {
		var bodies [2]string
		for i, c := range []*customer{ann, nobody} {
			_, bodies[i] = w.do(t, w.raw(t, access.Path, signer("eve"), c.request(c.logs[0][0])))
		}
		if bodies[0] != bodies[1] || bodies[0] != `{"kind":"denied","rule":"call-signature"}`+"\n" {
			t.Errorf("%s: known %s, unknown %s", access.Path, bodies[0], bodies[1])
		}
	}
	// In sync the right key of an unknown relationship is just as wrong.
	if _, body := w.do(t, w.raw(t, "/desk/v1/sync", nobody.key, nobody.request(nobody.logs[0]...))); body != `{"kind":"denied","rule":"call-signature"}`+"\n" {
		t.Error(body)
	}
}

package conformance

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// Reference is package firsthand as an Implementation, with what package wire
// expects of a caller. It lacks the types response and failure, which are about
// package wire's client.
type Reference struct{}

// Judge implements [Implementation].
func (Reference) Judge(v *Vector) (rule string, results []Header) {
	say := func(name string, value any) {
		results = append(results, Header{Name: name, Value: fmt.Sprint(value)})
	}
	err := judge(v, say)
	if err != nil {
		if rule = fault.RuleOf(err); rule == "" {
			rule = "no rule: " + err.Error()
		}
		return rule, nil
	}
	return "", results
}

func judge(v *Vector, say func(name string, value any)) error {
	switch v.Type {
	case "json":
		var into any
		return firsthand.ParseJSON(v.Content, &into)
	case "id":
		id, err := firsthand.ParseID(string(v.Content))
		say("hex", hex.EncodeToString(id[:]))
		return err
	case "key":
		var key firsthand.PublicKey
		if err := key.UnmarshalText(v.Content); err != nil {
			return err
		}
		return key.Check()
	case "date":
		_, err := firsthand.ParseDate(string(v.Content))
		return err
	case "domain":
		if err := firsthand.CheckDomain(string(v.Content)); err != nil {
			return fault.Refuse(fault.Invalid, "company-form", "%v", err) // as ParseCompany does
		}
		return nil
	case "entry":
		e, err := firsthand.ParseEntry(v.Content)
		say("id", e.ID)
		say("relationship", e.Relationship())
		return err
	case "body":
		c, err := firsthand.DecodeBody(v.Content)
		if err == nil {
			say("kind", c.Kind())
		}
		return err
	case "line":
		e, err := firsthand.ParseLine(v.Content)
		say("id", e.ID)
		return err
	case "bundle":
		return judgeBundle(v, say)
	case "write":
		return judgeWrite(v, say)
	case "derive":
		var label firsthand.Label
		if err := label.UnmarshalText([]byte(v.Param("label"))); err != nil {
			return err
		}
		key := firsthand.NextKey(v.Param("kit"), label).Public()
		say("key", key)
		say("hash", key.Hash())
		return nil
	case "mac":
		var value firsthand.Value
		if err := firsthand.ParseJSON(v.Content, &value); err != nil {
			return err
		}
		say("mac", value.MAC(unhex(v.Param("salt"))))
		return nil
	case "due":
		at, err := time.Parse(time.RFC3339, string(v.Content))
		say("date", firsthand.OneMonthAfter(at))
		return err
	case "receipt":
		var keys []firsthand.PublicKey
		for _, text := range v.ParamAll("key") {
			keys = append(keys, parseKey(text))
		}
		r, err := firsthand.ParseReceipt(v.Content, keys...)
		say("relationship", r.Rel)
		say("head", fmt.Sprint(r.Seq, " ", r.ID))
		return err
	case "company":
		c, err := firsthand.ParseCompany(v.Content, v.Param("domain"))
		if err == nil {
			say("key", c.Key())
		}
		return err
	case "address":
		_, err := wire.NewHandler(nil, wire.Options{BaseURL: string(v.Content)})
		return err
	case "request":
		return judgeRequest(v, say)
	case "call":
		call := firsthand.Call{Method: v.Param("method"), Host: v.Param("host"), Path: v.Param("path"),
			Time: parseTime(v.Param("time")), Body: v.Content}
		return call.Verify(parseKey(v.Param("key")), v.Param("signature"), parseTime(v.Param("now")))
	}
	return fmt.Errorf("type %s", v.Type)
}

// judgeRequest makes the call to a gateway that does nothing but look at it.
func judgeRequest(v *Vector, say func(name string, value any)) error {
	const host = "gateway.example"
	now := time.Date(2026, 11, 21, 21, 47, 13, 0, time.UTC)
	g := &gateway{v: v}
	h, err := wire.NewHandler(g, wire.Options{BaseURL: "https://" + host, Now: func() time.Time { return now }})
	if err != nil {
		return err
	}
	path := "/v1/" + v.Param("route")
	r := httptest.NewRequest("POST", "https://"+host+path, bytes.NewReader(v.Content))
	call := firsthand.Call{Method: "POST", Host: host, Path: path, Time: now, Body: v.Content}
	key := firsthand.SignerFromSeed([32]byte(unhex(v.Param("seed"))))
	r.Header.Set("Content-Type", "application/firsthand")
	r.Header.Set("Authorization", "Firsthand "+now.Format(time.RFC3339)+" "+key.Call(call))
	for _, header := range v.ParamAll("header") {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusOK {
		say("call", g.got)
		return nil
	}
	var failure struct {
		Kind string    `json:"kind"`
		Rule string    `json:"rule"`
		Time time.Time `json:"time"`
	}
	if err := firsthand.ParseJSON(bytes.TrimSuffix(w.Body.Bytes(), []byte{'\n'}), &failure); err != nil {
		return err
	}
	return fault.Refuse(fault.Invalid, failure.Rule, "the gateway refused")
}

// A gateway notes what it was asked.
type gateway struct {
	v   *Vector
	got string
}

func (g *gateway) Company(context.Context) ([]byte, error) { return nil, nil }

func (g *gateway) Keys(context.Context, firsthand.ID) (key firsthand.PublicKey, next firsthand.KeyHash, err error) {
	if g.v.Param("key") == "" {
		return key, next, fault.NotExist
	}
	if text := g.v.Param("next"); text != "" {
		next, err = firsthand.ParseID(text)
	}
	return parseKey(g.v.Param("key")), next, err
}

func (g *gateway) Open(ctx context.Context, r wire.Request) (wire.Response, error) {
	return g.Sync(ctx, r)
}

func (g *gateway) Sync(_ context.Context, r wire.Request) (wire.Response, error) {
	g.got = fmt.Sprintf("first %d second %d wait %d entries %d", r.First.Seq, r.Second.Seq, int(r.Wait.Seconds()), len(r.Entries))
	return wire.Response{}, nil
}

func judgeBundle(v *Vector, say func(name string, value any)) error {
	b, err := firsthand.ReadBundle(strings.NewReader(string(v.Content)))
	if err != nil {
		return err
	}
	r, err := b.Verify()
	if err != nil {
		return err
	}
	lines := Summary(r.State)
	if now := v.Param("now"); now != "" {
		lines = append(lines, SummaryAt(r.State, parseTime(now))...)
	}
	for _, receipt := range r.Receipts {
		lines = append(lines, fmt.Sprint("received ", receipt.Seq))
	}
	for _, e := range r.Forks {
		lines = append(lines, fmt.Sprintf("fork %s %d", e.Side, e.Seq))
	}
	if r.InDocument {
		lines = append(lines, "document lists the key")
	} else if r.Document != nil {
		lines = append(lines, "document lacks the key")
	}
	for _, line := range lines {
		say("state", line)
	}
	return nil
}

func judgeWrite(v *Vector, say func(name string, value any)) error {
	b, err := firsthand.ReadBundle(strings.NewReader(string(v.Content)))
	if err != nil {
		return err
	}
	s, err := firsthand.Verify(b.First, b.Second)
	if err != nil {
		return err
	}
	c, err := firsthand.DecodeBody([]byte(v.Param("body")))
	if err != nil {
		return err
	}
	key := firsthand.SignerFromSeed([32]byte(unhex(v.Param("seed"))))
	e, err := s.Write(key, firsthand.Side(v.Param("side")), parseTime(v.Param("at")), unhex(v.Param("salt")), c)
	if err != nil {
		return err
	}
	say("line", strings.TrimSuffix(string(e.AppendLine(nil)), "\n"))
	return nil
}

// The parameters of vectors are right: a mistake in one is a mistake in a test.

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func parseKey(s string) (k firsthand.PublicKey) {
	if err := k.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return k
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

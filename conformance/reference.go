package conformance_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
)

// ours is package firsthand, as an Implementation.
type ours struct{}

// Judge implements [conformance.Implementation].
func (ours) Judge(v *conformance.Vector) (rule string, results []conformance.Header) {
	say := func(name string, value any) {
		results = append(results, conformance.Header{Name: name, Value: fmt.Sprint(value)})
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

func judge(v *conformance.Vector, say func(name string, value any)) error {
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
	case "call":
		call := firsthand.Call{Method: v.Param("method"), Host: v.Param("host"), Path: v.Param("path"),
			Time: parseTime(v.Param("time")), Body: v.Content}
		return call.Verify(parseKey(v.Param("key")), v.Param("signature"), parseTime(v.Param("now")))
	}
	return fmt.Errorf("type %s", v.Type)
}

func judgeBundle(v *conformance.Vector, say func(name string, value any)) error {
	b, err := firsthand.ReadBundle(strings.NewReader(string(v.Content)))
	if err != nil {
		return err
	}
	r, err := b.Verify()
	if err != nil {
		return err
	}
	lines := conformance.Summary(r.State)
	if now := v.Param("now"); now != "" {
		lines = append(lines, conformance.SummaryAt(r.State, parseTime(now))...)
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

func judgeWrite(v *conformance.Vector, say func(name string, value any)) error {
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

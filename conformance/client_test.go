package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/wire"
)

// whole is the Reference and package wire's client.
type whole struct{ conformance.Reference }

func (w whole) Judge(v *conformance.Vector) (rule string, results []conformance.Header) {
	if v.Type != "response" && v.Type != "failure" {
		return w.Reference.Judge(v)
	}
	resp, err := ask(v)
	var refused *wire.GatewayError
	switch {
	case v.Type == "failure" && errors.As(err, &refused):
		return "", []conformance.Header{{Name: "kind", Value: fault.KindOf(err).Error()}, {Name: "rule", Value: fault.RuleOf(err)}}
	case err != nil:
		return fmt.Sprint(fault.RuleOf(err), noRule(err)), nil
	}
	return "", []conformance.Header{{Name: "answer", Value: fmt.Sprintf("first %d second %d receipt %q more %v entries %d",
		resp.First.Seq, resp.Second.Seq, resp.Receipt, resp.More, len(resp.Entries))}}
}

func noRule(err error) string {
	if fault.RuleOf(err) == "" {
		return "no rule: " + err.Error()
	}
	return ""
}

// One server answers each call with the vector of the moment.
var (
	answers sync.Mutex
	answer  *conformance.Vector
	server  = sync.OnceValue(func() *httptest.Server { return httptest.NewServer(http.HandlerFunc(serve)) })
	client  = sync.OnceValue(func() *wire.Client { return wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), nil) })
)

func serve(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	w.Header().Set("Content-Type", "application/firsthand")
	if answer.Type == "failure" {
		w.Header().Set("Content-Type", "application/json")
		status, _ = strconv.Atoi(answer.Param("status"))
	}
	for _, header := range answer.ParamAll("header") {
		name, value, _ := strings.Cut(header, ": ")
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	w.Write(answer.Content)
}

// ask calls the server, which answers with v.
func ask(v *conformance.Vector) (wire.Response, error) {
	answers.Lock()
	defer answers.Unlock()
	answer = v
	r := wire.Request{Rel: someID, First: head(v.Param("first")), Second: head(v.Param("second"))}
	if text := v.Param("relationship"); text != "" {
		var err error
		if r.Rel, err = firsthand.ParseID(text); err != nil {
			return wire.Response{}, err
		}
	}
	return client().Sync(context.Background(), server().URL, firsthand.SignerFromSeed([32]byte{1}), r)
}

// head reads a place and an id.
func head(text string) (h firsthand.Head) {
	seq, id, ok := strings.Cut(text, " ")
	if ok {
		h.Seq, _ = strconv.ParseInt(seq, 10, 64)
		h.ID, _ = firsthand.ParseID(id)
	}
	return h
}

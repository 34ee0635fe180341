package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"firsthand/conformance"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/meetus"
	"firsthand/wire"

	"firsthand"
)

const openapiFile = "../../docs/openapi.yaml"

func loadOpenAPI(t *testing.T, text []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Errorf("%s is no OpenAPI 3.1: %v", openapiFile, err)
	}
	return doc
}

// served is a gateway as this program serves it, and all that it serves.
func served(t *testing.T) (h http.Handler, routes []string) {
	t.Helper()
	key := gatewaytest.KeyOf("company")
	company := firsthand.Company{Domain: "acme.example", Name: "Acme BV", Jurisdiction: "BE", Gateway: "https://gateway.example"}
	g, err := gateway.New(gateway.Options{Company: company, Store: gatewaytest.NewMemory(),
		Keys: &gateway.Keys{Signers: []*firsthand.Signer{key}, Chain: []firsthand.ChainKey{{Key: key.Public(), Next: gatewaytest.KeyOf("company 2").Public().Hash()}}}})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := wire.NewHandler(g, wire.Options{BaseURL: company.Gateway})
	if err != nil {
		t.Fatal(err)
	}
	page, err := meetus.New(meetus.Options{Company: company})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range handler.Routes() {
		routes = append(routes, r.Method+" "+r.Path)
	}
	for _, path := range slices.Concat(page.Paths(), probes) {
		routes = append(routes, "GET "+path)
	}
	slices.Sort(routes)
	return page.Before(handler), routes
}

// What docs/openapi.yaml says of a gateway is what it serves: no path more, no path
// less, and its pages and documents as they really come.
func TestOpenAPIIsTrue(t *testing.T) {
	text, err := os.ReadFile(openapiFile)
	if err != nil {
		t.Fatal(err)
	}
	doc := loadOpenAPI(t, text)
	h, routes := served(t)
	var said []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			said = append(said, method+" "+path)
			if op.Security == nil {
				t.Errorf("%s %s doesn't say who may call", method, path)
			}
			if wantKey := method == "POST"; op.Security != nil && (len(*op.Security) > 0) != wantKey {
				t.Errorf("%s %s: needs a key: %v", method, path, !wantKey)
			}
			if slices.Contains(probes, path) {
				continue // they need the program's store; app_test asks them
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			r := op.Responses.Status(w.Code)
			media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
			if r == nil || r.Value.Content.Get(media) == nil {
				t.Errorf("%s %s answers %d with %s, which isn't said", method, path, w.Code, media)
			}
		}
	}
	slices.Sort(said)
	if !slices.Equal(said, routes) {
		t.Errorf("paths:\n%s\nwhat is served:\n%s", strings.Join(said, "\n"), strings.Join(routes, "\n"))
	}
}

// Its examples are vectors, byte for byte, and its schemas fit them.
func TestOpenAPIExamples(t *testing.T) {
	text, err := os.ReadFile(openapiFile)
	if err != nil {
		t.Fatal(err)
	}
	doc := loadOpenAPI(t, text)
	all, err := conformance.Vectors()
	if err != nil {
		t.Fatal(err)
	}
	vectors := map[string]*conformance.Vector{}
	for _, v := range all {
		vectors[v.Name] = v
	}
	n := 0
	check := func(where string, content openapi3.Content) {
		for _, media := range content {
			for name, example := range media.Examples {
				n++
				v := vectors[name]
				if v == nil || v.Expect != "accept" {
					t.Errorf("%s: no accepted vector %s", where, name)
					continue
				}
				if s, ok := example.Value.Value.(string); ok {
					if s != string(v.Content) {
						t.Errorf("%s: %s is\n%q\nwant\n%q", where, name, s, v.Content)
					}
					continue
				}
				got, want := fromJSON(t, toJSON(t, example.Value.Value)), fromJSON(t, v.Content)
				if string(toJSON(t, got)) != string(toJSON(t, want)) {
					t.Errorf("%s: %s is %v, want %v", where, name, got, want)
				}
			}
		}
	}
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody != nil {
				check(path, op.RequestBody.Value.Content)
			}
			for status, r := range op.Responses.Map() {
				check(path+" "+status, r.Value.Content)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d examples", n)
	}
	// Whatever the vectors accept fits the schemas.
	fits := func(schema, name string, value []byte) {
		if err := doc.Components.Schemas[schema].Value.VisitJSON(fromJSON(t, value), openapi3.EnableJSONSchema2020()); err != nil {
			t.Errorf("%s doesn't fit %s: %v", name, schema, err)
		}
	}
	for _, v := range all {
		if v.Expect != "accept" {
			continue
		}
		line, _, _ := strings.Cut(string(v.Content), "\n")
		switch v.Type {
		case "request":
			fits("CallHead", v.Name, []byte(line))
		case "response":
			fits("AnswerHead", v.Name, []byte(line))
		case "company":
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(v.Content), ".")[1])
			if err != nil {
				t.Fatal(err)
			}
			fits("Company", v.Name, payload)
		}
	}
	// And the schemas refuse something.
	for schema, bad := range map[string]string{
		"CallHead":   `{"rel":"x","first":{"seq":0,"id":""},"second":{"seq":0,"id":""},"wait":0}`,
		"AnswerHead": `{"first":{"seq":-1,"id":""},"second":{"seq":0,"id":""},"receipt":"","more":false}`,
		"Failure":    `{"kind":"furious"}`,
		"Company":    `{"domain":"a.example"}`,
	} {
		if doc.Components.Schemas[schema].Value.VisitJSON(fromJSON(t, []byte(bad)), openapi3.EnableJSONSchema2020()) == nil {
			t.Errorf("%s takes %s", schema, bad)
		}
	}
}

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func fromJSON(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

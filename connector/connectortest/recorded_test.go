package connectortest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"firsthand/internal/needtest"
)

// What was recorded answers the same calls, and no others.
func TestRecordAndReplay(t *testing.T) {
	system := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"7"`)
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"url":"http://`+r.Host+`/1"}`)
	}))
	defer system.Close()
	type call struct{ method, path, match, body string }
	story := []call{{"POST", "/login", "", `{"password":"secret"}`}, {"PUT", "/user?x=1", `"6"`, `{"a": 1}`}}
	tell := func(url string, story []call) (answers string) {
		for _, c := range story {
			req := must(http.NewRequest(c.method, url+c.path, strings.NewReader(c.body)))
			req.Header.Set("If-Match", c.match)
			resp := must(http.DefaultClient.Do(req))
			answers += resp.Status + resp.Header.Get("ETag") + string(must(io.ReadAll(resp.Body)))
			resp.Body.Close()
		}
		return strings.ReplaceAll(answers, url, "http://system.example")
	}
	var file bytes.Buffer
	recorder := httptest.NewServer(Record(system.URL, &file, func(e *Exchange) {
		if e.Path == "/login" {
			e.Body, e.Hidden = nil, true
		}
	}))
	defer recorder.Close()
	want := strings.ReplaceAll(tell(recorder.URL, story), system.URL, "http://system.example")
	if strings.Contains(file.String(), "secret") || strings.Contains(file.String(), system.URL) {
		t.Errorf("the recording has what it shouldn't: %s", &file)
	}
	replayed := func(t testing.TB, story []call) {
		player := httptest.NewServer(Replay(t, file.Bytes()))
		t.Cleanup(player.Close)
		if got := tell(player.URL, story); got != want && len(story) == 2 {
			t.Errorf("replayed is %s, want %s", got, want)
		}
	}
	replayed(t, []call{{"POST", "/login", "", `{"password":"another"}`}, {"PUT", "/user?x=1", `"6"`, `{"a":1}`}})
	for name, bent := range map[string][]call{
		"another method": {story[0], {"POST", "/user?x=1", `"6"`, `{"a":1}`}}, "another path": {story[0], {"PUT", "/user?x=2", `"6"`, `{"a":1}`}},
		"no version": {story[0], {"PUT", "/user?x=1", "", `{"a":1}`}}, "another body": {story[0], {"PUT", "/user?x=1", `"6"`, `{"a":2}`}},
		"another order": {story[1], story[0]}, "one too few": story[:1], "one too many": {story[0], story[1], story[1]},
	} {
		if _, failed := needtest.Record(t, func(t testing.TB) { replayed(t, bent) }); !failed {
			t.Errorf("%s is not noticed", name)
		}
	}
}

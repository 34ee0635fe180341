package locale_test

import (
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"firsthand/internal/locale"
	"firsthand/internal/locale/localetest"
)

func english(t testing.TB) *locale.Language {
	t.Helper()
	return locale.Choose(locale.All(), "en")
}

const small = `{"time.months": "J F M A M J J A S O N D", "number.thousands": ",", "a": "A", "b": "%s and %d", "c": {"one": "%s thing", "other": "%s things in %s"}, "family.known_word": "Known"}`

func parse(t testing.TB, tag, text string) *locale.Language {
	t.Helper()
	l, err := locale.Parse(tag, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSay(t *testing.T) {
	l := parse(t, "xx", small)
	tests := []struct{ name, got, want string }{
		{"plain", l.Say("a"), "A"},
		{"with arguments", l.Say("b", "x", 3), "x and 3"},
		{"missing", l.Say("z"), "[z]"},
		{"one", l.Count("c", 1), "1 thing"},
		{"many", l.Count("c", 12345, "all"), "12,345 things in all"},
		{"none", l.Count("c", 0, "all"), "0 things in all"},
		{"no plural", l.Count("z", 2), "[z]"},
		{"a word", l.Word("family", "known word"), "Known"},
		{"a word of somebody else's", l.Word("family", "loyalty_number.old"), "loyalty number, old"},
		{"numbers", l.Number(1234567) + " " + l.Number(-1000) + " " + l.Number(999), "1,234,567 -1,000 999"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "{", "not flat": `{"a": {"b": {}}}`, "no months": `{"a": "A"}`} {
		if _, err := locale.Parse("xx", []byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestChoose(t *testing.T) {
	langs := []*locale.Language{parse(t, "en", small), parse(t, "nl", small), parse(t, "pt-BR", small)}
	for accept, want := range map[string]string{"": "en", "nl": "nl", "nl-BE,en;q=0.5": "nl", "fr, pt-br;q=0.9, en;q=0.1": "pt-BR", "fr": "en", "*": "en", ";;,,": "en"} {
		if got := locale.Choose(langs, accept).Tag; got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
}

func TestDay(t *testing.T) {
	l := english(t)
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 11, 26, 23, 30, 0, 0, time.UTC) // 27 November there
	for day, want := range map[string]string{"2026-11-27T00:10:00+01:00": "today", "2026-11-26T23:59:00+01:00": "yesterday", "2026-11-28T00:00:00+01:00": "tomorrow",
		"2026-03-14T12:00:00+01:00": "14 March", "2024-03-01T12:00:00+01:00": "1 March 2024"} {
		at, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Day(at.In(zone), now); got != want {
			t.Errorf("%s: %q, want %q", day, got, want)
		}
	}
	if got := l.Moment(now.In(zone), now); got != "today, 00:30" {
		t.Errorf("Moment = %q", got)
	}
	if got := l.MonthYear(now); got != "November 2026" {
		t.Errorf("MonthYear = %q", got)
	}
	if got := l.Day(time.Time{}, now) + l.Moment(time.Time{}, now) + l.MonthYear(time.Time{}); got != "" {
		t.Errorf("no time is %q", got)
	}
}

var verb = regexp.MustCompile(`%(\[\d+\])?[a-z]`)

// verbs returns the verbs of a sentence, sorted: a translation may turn them round
// by number.
func verbs(text string) []string { return slices.Sorted(slices.Values(verb.FindAllString(text, -1))) }

// All languages have the same keys, and in each sentence the same verbs.
func TestLanguagesAgree(t *testing.T) {
	en := maps.Collect(english(t).Keys)
	for _, l := range append(locale.All(), localetest.Long(t)) {
		theirs := maps.Collect(l.Keys)
		for key, s := range en {
			if theirs[key] == nil {
				t.Errorf("%s has no %s", l.Tag, key)
				continue
			}
			if (s[""] == "") != (theirs[key][""] == "") {
				t.Errorf("%s: %s is a number in one language only", l.Tag, key)
			}
			want := verbs(s[""] + s["other"])
			for category, text := range theirs[key] {
				if got := verbs(text); category != "one" && !slices.Equal(got, want) {
					t.Errorf("%s: %s has %q, want %q", l.Tag, key, got, want)
				}
			}
		}
		for key := range theirs {
			if en[key] == nil {
				t.Errorf("%s has %s, English doesn't", l.Tag, key)
			}
		}
	}
}

// Sentences are written alike: no space too many, no straight quotes.
func TestSentencesAreClean(t *testing.T) {
	wrong := regexp.MustCompile(`^ | $|  |'|"|\.\.\.`)
	for key, s := range english(t).Keys {
		for _, text := range s {
			if wrong.MatchString(text) || text == "" {
				t.Errorf("%s: %q", key, text)
			}
		}
	}
}

package web_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/mask"
	"firsthand/internal/locale"
	"firsthand/terms"
)

var (
	// keyIn finds keys where they are used: t "…", n "…" in templates, say("…") in
	// code, and the label and hint of an input.
	keyIn  = regexp.MustCompile(`"([a-z_]+\.[a-z0-9_.]+)"`)
	wordIn = regexp.MustCompile(`\bword "([a-z_]+)"|Word\("([a-z_]+(?:\.[a-z]+)?)"`)
)

// sources are the templates and the code of the pages.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, pattern := range []string{"templates/*.html", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = string(text)
		}
	}
	return all
}

// notKeys look like keys and are something else.
var notKeys = []string{"shop.example", "firsthand.css", "firsthand.js", "mark.svg", "icons.svg"}

// Every key that is used is in the catalogue, and the other way round.
func TestKeys(t *testing.T) {
	en := maps.Collect(locale.Choose(locale.All(), "en").Keys)
	families := map[string]bool{}
	used := map[string]bool{}
	for file, text := range sources(t) {
		for _, m := range wordIn.FindAllStringSubmatch(text, -1) {
			families[m[1]+m[2]] = true
		}
		for _, m := range keyIn.FindAllStringSubmatch(text, -1) {
			key := m[1]
			first, _, _ := strings.Cut(key, ".")
			if slices.Contains(notKeys, key) || !haveFamily(en, first) {
				continue
			}
			used[key] = true
			if en[key] == nil && !strings.HasSuffix(key, ".") && !isValue(key) {
				t.Errorf("%s uses %s, which the catalogue doesn't have", file, key)
			}
		}
	}
	for key := range en {
		i := strings.Index(key, ".")
		family, own := key[:i], strings.HasPrefix(key, "time.") || strings.HasPrefix(key, "number.") || strings.HasPrefix(key, "language.")
		inFamily := families[family] || family == "error" && families["error.kind"] || family == "notice" || family == "cards"
		if !used[key] && !inFamily && !own {
			t.Errorf("nothing uses %s", key)
		}
	}
}

// isValue reports whether what looks like a key is the name of a fact, a kind or a
// member of a family that code puts together.
func isValue(key string) bool {
	for _, prefix := range []string{"address.", "terms.offer", "error.kind", "right.", "outcome.", "saw.", "way.", "origin."} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

func haveFamily(en map[string]locale.Sentence, family string) bool {
	for key := range en {
		if strings.HasPrefix(key, family+".") {
			return true
		}
	}
	return false
}

// Words that code puts together from a family and a value are all there.
func TestFamilies(t *testing.T) {
	want := map[string][]string{
		"error.kind": nil,
		"kind":       nil,
		"step": {agent.StepScheduled, agent.StepLeftOut, agent.StepNeedsYou, agent.StepDraft, agent.StepPaused, agent.StepSent, agent.StepReceived,
			agent.StepApplied, agent.StepRefused, agent.StepNoAnswer, agent.StepReplaced, agent.StepCancelled, agent.Instant, agent.Prepared, agent.MaskMaking, agent.MaskActive, agent.MaskPaused, agent.MaskRetired, "open", "pseudonym", "reachable", "known"},
		"silent":     {agent.SilentUnexplained, agent.SilentUnused},
		"account":    agent.AccountKinds,
		"order":      {"guess", "dmy", "mdy", "ymd"},
		"decimal":    {"guess", "comma", "point"},
		"group":      {agent.Instant, agent.Prepared, agent.NeedsYou, agent.LeftOut},
		"group_hint": {agent.Instant, agent.Prepared, agent.NeedsYou, agent.LeftOut},
		"show":       {"all", agent.ShowGuessed, agent.ShowConfirmed, agent.ShowGateway, agent.ShowSilent, agent.ShowDuplicates, agent.ShowLate},
		"card_act": {agent.WaitAsk, agent.WaitCounter, agent.WaitCode, agent.WaitSignIn, agent.WaitMessage, agent.WaitRefused, agent.WaitAnswer, agent.WaitLeft, agent.WaitFrozen,
			agent.CardLate, agent.CardTask, agent.CardTasks, agent.CardImport, agent.CardUnsure, agent.CardBackup, agent.CardKit, agent.CardLeak, agent.CardHeard, agent.CardStranger, agent.CardMail, agent.CardContract},
		"cards": {agent.WaitAsk, agent.WaitCounter, agent.WaitCode, agent.WaitSignIn, agent.WaitMessage, agent.WaitRefused, agent.WaitAnswer, agent.WaitLeft, agent.WaitFrozen,
			agent.CardLate, agent.CardTask, agent.CardImport, agent.CardUnsure, agent.CardLeak, agent.CardHeard, agent.CardStranger, agent.CardMail, agent.CardContract},
		"mask_kind": {"none", mask.Subaddress, mask.Domain, mask.SimpleLogin},
		"sort":      {agent.ByName, agent.ByHeld, agent.ByUsed, agent.ByStep, agent.ByDue},
		"origin":    {string(firsthand.Told), string(firsthand.Stated), string(firsthand.Observed), string(firsthand.Inferred), string(firsthand.Bought)},
		"duty":      {"apply", "answer", "erase"},
		"right":     {"access", "correct", "erase", "port", "object", "opt_out"},
		"detail":    {"outcome.done", "outcome.partly", "outcome.refused", "outcome.extended", "saw.sent", "saw.received", "saw.applied", "saw.refused", "saw.answer", "saw.other", "resolved", "way.code", "way.sign_in"},
	}
	for k := fault.Internal; !strings.HasPrefix(k.Error(), "kind "); k++ {
		want["error.kind"] = append(want["error.kind"], k.Error())
	}
	for _, k := range firsthand.Kinds() {
		want["kind"] = append(want["kind"], string(k))
	}
	for _, a := range terms.Default().All() {
		permissions, prohibitions, duties := a.Clauses()
		for _, c := range slices.Concat(permissions, prohibitions, duties) {
			_, name, _ := strings.Cut(string(c), ":")
			want["clause"] = append(want["clause"], name)
		}
	}
	for _, l := range locale.All() {
		for family, values := range want {
			for _, value := range values {
				if key := family + "." + strings.ReplaceAll(value, " ", "_"); !l.Has(key) {
					t.Errorf("%s has no %s", l.Tag, key)
				}
			}
		}
	}
}

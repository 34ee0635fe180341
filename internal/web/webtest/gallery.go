package webtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"firsthand"
)

// Pages returns the addresses of pages with something to see, for a signed-in
// browser, made from the data: at least one for each GET route behind the door.
func Pages(a *Agent) []string {
	pages := []string{"/", "/today", "/today?all=yes", "/masks", "/change?fact=email&only=acme.example", "/import", "/companies", "/companies?show=guessed", "/me", "/me?add=address.home", "/me?add=other", "/money", "/money/new", "/import/columns", "/import/columns?import=3", "/change", "/change?fact=address.home&fact=phone", "/rights", "/rights?of=acme.example&of=bolt.example", "/changes", "/tasks", "/terms", "/terms/FIRSTHAND-SD-BASE", "/mail", "/safety", "/meet", "/meet?company=web%2Bfirsthand%3Aacme.example", "/there-is-nothing"}
	for _, f := range a.Hers {
		pages = append(pages, "/me/"+f.Name)
	}
	for i, c := range a.Money {
		if i < 8 {
			pages = append(pages, "/money/"+c.Ref())
		}
		if i < 2 {
			pages = append(pages, "/money/"+c.Ref()+"/cancel", "/money/"+c.Ref()+"/haggle")
		}
	}
	for _, i := range a.Brought_ {
		pages = append(pages, fmt.Sprint("/imports/", i.ID))
	}
	domains := slices.Sorted(maps.Keys(a.Details))
	if len(domains) > 2 {
		domains = domains[:2]
	}
	for i, d := range domains {
		pages = append(pages, "/companies/"+d)
		if i == 0 {
			for _, act := range []string{"meet", "tell", "message", "withdraw", "ask", "agree", "take", "end", "claim", "prove", "decline", "pause", "leave"} {
				pages = append(pages, "/companies/"+d+"/do/"+act)
			}
		}
	}
	for rel, b := range a.Bundles {
		for _, e := range []firsthand.Entry{b.First[2], b.Second[len(b.Second)-1]} {
			pages = append(pages, "/relationships/"+rel.String()+"/entries/"+e.ID.String())
		}
	}
	for _, m := range a.MoveList {
		pages = append(pages, fmt.Sprint("/changes/", m.ID))
	}
	for i, task := range a.TaskList {
		if i == 0 || i == 3 {
			pages = append(pages, "/tasks/"+task.Entry.String(), "/tasks/"+task.Entry.String()+"/complaint")
		}
	}
	for _, ans := range a.AnswerList {
		pages = append(pages, fmt.Sprint("/answers/", ans.ID))
	}
	for i, d := range a.DocumentList {
		if pages = append(pages, fmt.Sprint("/documents/", d.ID)); i == 0 {
			pages = append(pages, "/documents/1?only=known")
		}
	}
	return pages
}

// Name makes a file's name of a page's address.
func Name(page string) string {
	name := strings.Trim(strings.NewReplacer("/", "-", "?", "-", "&", "-", "=", "-").Replace(page), "-")
	if name == "" {
		return "map"
	}
	return name[:min(len(name), 60)]
}

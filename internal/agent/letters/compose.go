package letters

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/rights"
)

// Compose writes a letter. The same request gives the same letter. Its errors are
// [fault.Invalid]: the request lacks what such a letter says.
func Compose(r Request) (Letter, error) {
	lang := cmp.Or(r.Lang, "en")
	if !slices.Contains(Languages(), lang) {
		return Letter{}, fault.Tell(fault.Invalid, "no letters are written in "+channel.Clean(lang)+" here", "en, de, fr, nl or es")
	}
	if err := r.check(); err != nil {
		return Letter{}, err
	}
	words, err := read(lang)
	if err != nil {
		return Letter{}, err
	}
	v := newView(words, &r)
	l := Letter{Lang: lang, Ref: v.Ref, Date: v.Made}
	l.Subject = channel.Clean(v.say(r.Kind + ".subject"))
	if v.Ref != "" && r.Kind != Complaint { // an authority has numbers of its own
		l.Subject += " [" + v.Ref + "]"
	}
	l.Salutation, l.Closing, l.Signature = v.say("salutation"), v.say("closing"), channel.Clean(r.From.Name)
	l.Paragraphs = paragraphs(v.say(v.variant(r.Kind)))
	if words.Lookup(r.Kind+".enclosures") != nil {
		l.Enclosed, l.Enclosures = v.say("label.enclosures")+v.say("colon"), strings.Split(v.say(r.Kind+".enclosures"), "\n")
	}
	for _, line := range [][2]string{{"label.date", v.Made}, {"label.ref", v.Ref}} {
		if line[1] != "" {
			l.Info = append(l.Info, Line{v.say(line[0]), line[1]})
		}
	}
	for _, k := range r.Known {
		l.Info = append(l.Info, Line{v.label(k.Fact), channel.Clean(k.Value)})
	}
	return l, v.err
}

// check says what a request lacks.
func (r *Request) check() error {
	lacks := func(what string) error {
		return fault.Refuse(fault.Invalid, "letter", "a %s without %s", channel.Clean(r.Kind), what)
	}
	claimed := r.Kind == Reminder || r.Kind == Complaint
	switch {
	case !slices.Contains(Kinds(), r.Kind):
		return fault.Refuse(fault.Invalid, "letter", "%q is no kind of letter", channel.Clean(r.Kind))
	case (r.Kind == Change || r.Kind == Disclose || r.Kind == Withdraw) && r.Fact == "":
		return lacks("fact")
	case (r.Kind == Change || r.Kind == Disclose) && r.New.IsZero():
		return lacks("value")
	case r.Kind == Disclose && r.Purpose == "":
		return lacks("purpose")
	case r.Kind == Message && strings.TrimSpace(r.Text) == "":
		return lacks("text")
	case r.Kind == Terms && len(r.Terms) == 0:
		return lacks("terms")
	case (slices.Contains(rights.All(), r.Kind) || claimed) && (r.Law == "" || r.Right == ""):
		return lacks("law and right")
	case (slices.Contains(rights.All(), r.Kind) || r.Kind == Reminder) && r.Due == "":
		return lacks("day by which an answer is due")
	case claimed && (r.Asked == "" || r.Missed == ""):
		return lacks("the days of the request and of its answer")
	case (r.Kind == Cancel || r.Kind == Haggle) && r.Contract == "":
		return lacks("contract")
	case r.Kind == Complaint && r.About.Name == "" && r.About.Domain == "":
		return lacks("company")
	}
	return nil
}

//go:embed words/*.txt
var files embed.FS

// read returns the words of a language. They are parsed once.
var read = func() func(lang string) (*template.Template, error) {
	all := make(map[string]func() (*template.Template, error))
	for _, lang := range Languages() {
		all[lang] = sync.OnceValues(func() (*template.Template, error) { return parse(files, lang) })
	}
	return func(lang string) (*template.Template, error) { return all[lang]() }
}()

func parse(files fs.FS, lang string) (*template.Template, error) {
	text, err := fs.ReadFile(files, "words/"+lang+".txt")
	if err != nil {
		return nil, err
	}
	return template.New(lang).Funcs(template.FuncMap{"upper": upper, "article": article}).Option("missingkey=error").Parse(unwrap(string(text)))
}

// unwrap joins the lines of each paragraph of a file of words. A line that begins
// with an action is left alone: a value with lines of its own may stand there.
func unwrap(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if i+1 < len(lines) && line != "" && lines[i+1] != "" && !strings.HasPrefix(lines[i+1], "{{.") && !strings.HasPrefix(lines[i+1], "{{define") {
			lines[i] = line + " "
		} else {
			lines[i] = line + "\n"
		}
	}
	return strings.Join(lines, "")
}

// upper returns s as a sentence begins.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// article returns an article as a language writes it: 12(3) with " Abs. %s" is
// 12 Abs. 3.
func article(number, paragraph string) string {
	n, p, ok := strings.Cut(strings.TrimSuffix(number, ")"), "(")
	if !ok {
		return number
	}
	return n + strings.Replace(paragraph, "%s", p, 1)
}

// A view is what the words may use of a request: text that is inert, dates and
// names in their language, "" for what there is none of.
type view struct {
	words *template.Template
	err   error // the first that happened

	Kind, Law, Right string
	US               bool // as in the United States
	Fact, Scope      string
	FactObject       string // the fact where it is what is told, in languages in which that differs
	ScopeObject      string
	Old, New         string
	Purpose, Text    string
	Article          string
	Cite, TimeCite   string // where the law gives the right, and the time; "" where that isn't known
	LawName          string
	Claimed          string // what was asked for
	Known, Terms     string
	Company          string
	CompanyBlock     string
	Ref              string
	Contract         string
	Price, Offer     string
	Made, Due, Until string
	Confirm, Ends    string
	Asked, Missed    string
	Reminded         string
	Label            string // of a fact that the words don't know
	Day, Year        int    // of the date that is being written
	Month            string
}

func newView(words *template.Template, r *Request) *view {
	v := &view{words: words, Kind: r.Kind, Right: r.Right, US: r.Law == rights.CCPA, Law: channel.Clean(r.Law), Ref: channel.Clean(r.Ref),
		Contract: channel.Clean(r.Contract), Price: channel.Clean(r.Price), Offer: channel.Clean(r.Offer), Text: strings.TrimSpace(channel.Value(r.Text))}
	if r.Fact != "" {
		v.Fact, v.FactObject = v.fact(r.Fact, ""), v.fact(r.Fact, ".object")
	}
	if r.Scope != "" {
		v.Scope, v.ScopeObject = v.fact(r.Scope, ""), v.fact(r.Scope, ".object")
	}
	fact := cmp.Or(r.Fact, r.Scope)
	v.Old, v.New = block(Lines(fact, r.Old)), block(Lines(fact, r.New))
	if v.Purpose = channel.Clean(r.Purpose); v.Purpose != "" {
		if _, name, ok := strings.Cut(r.Purpose, ":"); ok { // 7012:ServiceDelivery
			v.Purpose = channel.Clean(name)
		}
		if words.Lookup("purpose."+v.Purpose) != nil {
			v.Purpose = v.say("purpose."+v.Purpose) + " (" + v.Purpose + ")"
		}
	}
	v.cite(r)
	var known, offered []string
	for _, k := range r.Known {
		known = append(known, v.label(k.Fact)+v.say("colon")+" "+channel.Clean(k.Value))
	}
	for _, t := range r.Terms {
		offered = append(offered, channel.Clean(t.Code+" "+t.Version+", "+t.URL))
	}
	v.Known, v.Terms = block(known), block(offered)
	v.Company = cmp.Or(channel.Clean(r.About.Name), channel.Clean(r.About.Domain), channel.Clean(r.To.Name), channel.Clean(r.To.Domain))
	v.CompanyBlock = block(append([]string{v.Company}, AddressLines(r.About)...))
	for at, d := range map[*string]firsthand.Date{&v.Made: r.Made, &v.Due: r.Due, &v.Until: r.Until, &v.Confirm: r.Confirm, &v.Ends: r.Ends,
		&v.Asked: r.Asked, &v.Missed: r.Missed, &v.Reminded: r.Reminded} {
		*at = v.date(d)
	}
	return v
}

// cite names the law and where it gives the right.
func (v *view) cite(r *Request) {
	if r.Law == "" {
		return
	}
	if v.LawName = "law." + r.Law; v.words.Lookup(v.LawName) == nil {
		v.LawName = "law.other"
	}
	v.LawName = v.say(v.LawName)
	if slices.Contains(rights.All(), r.Right) {
		v.Claimed = v.say("right." + r.Right)
	}
	rule, err := rights.RuleOf(r.Law, r.Right)
	if err != nil { // a law that only she knows: it is named as she names it
		v.Cite, v.TimeCite = v.LawName, v.LawName
		return
	}
	v.Article = rule.Article
	v.Cite = v.say("cite." + r.Law)
	if r.Law == rights.CCPA {
		v.TimeCite = "11\u00a0CCR\u00a0§\u00a0" + rule.TimeArticle
		return
	}
	v.Article = rule.TimeArticle
	v.TimeCite = v.say("cite." + r.Law)
	v.Article = rule.Article
}

// say executes one of the words.
func (v *view) say(name string) string {
	var out strings.Builder
	if err := v.words.ExecuteTemplate(&out, name, v); err != nil && v.err == nil {
		v.err = fmt.Errorf("words %s: %w", name, err)
	}
	return strings.Trim(out.String(), " \n")
}

// variant returns the name of the letter for v's law.
func (v *view) variant(kind string) string {
	if name := kind + "." + v.Law; v.words.Lookup(name) != nil {
		return name
	}
	return kind
}

// fact returns how she speaks of a fact of hers: "my home address". form is
// ".object" for the form in which it is told, where a language has one.
func (v *view) fact(name, form string) string {
	root, _, _ := strings.Cut(name, ".")
	for _, try := range []string{name + form, name, root + form, root} {
		if (root == name || try != root+form && try != root || root == "address") && v.words.Lookup("fact."+try) != nil {
			return v.say("fact." + try)
		}
	}
	v.Label = channel.Label(name)
	return v.say("fact.other")
}

// label returns what stands before a value by which she is found.
func (v *view) label(fact string) string {
	if v.words.Lookup("label."+fact) != nil {
		return v.say("label." + fact)
	}
	v.Label = upper(channel.Label(fact))
	return v.say("label.other")
}

// date returns a day in words.
func (v *view) date(d firsthand.Date) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return ""
	}
	v.Day, v.Year = t.Day(), t.Year()
	months := strings.Fields(v.say("months"))
	if len(months) != 12 {
		v.err = cmp.Or(v.err, fmt.Errorf("words months: %s", strconv.Itoa(len(months))))
		return string(d)
	}
	v.Month = months[t.Month()-1]
	return v.say("date")
}

// paragraphs splits text at empty lines.
func paragraphs(text string) (all []string) {
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.Trim(p, "\n "); p != "" {
			all = append(all, p)
		}
	}
	return all
}

package agent

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
)

// Bundle returns everything of one relationship that a stranger can verify. Of a
// branch that was lost that is where it parts from the log; the rest of it, and
// receipts for it, are in her file alone.
func (a *Agent) Bundle(ctx context.Context, rel firsthand.ID) (*firsthand.Bundle, error) {
	row, err := a.Store.Relationship(ctx, rel)
	if err != nil {
		return nil, err
	}
	b := &firsthand.Bundle{Company: row.Company}
	if b.First, err = firsthand.Collect(a.Store.Entries(ctx, rel, firsthand.First, 0)); err != nil {
		return nil, err
	}
	if b.Second, err = firsthand.Collect(a.Store.Entries(ctx, rel, firsthand.Second, 0)); err != nil {
		return nil, err
	}
	s, err := firsthand.Fold(b.First, b.Second)
	if err != nil {
		return nil, err
	}
	receipts, err := a.Store.Receipts(ctx, rel)
	if err != nil {
		return nil, err
	}
	for _, signed := range receipts {
		r, err := firsthand.ParseReceipt(signed, s.Log(firsthand.Second).Keys...)
		if err == nil && s.Log(firsthand.First).ID(r.Seq) == r.ID {
			b.Receipts = append(b.Receipts, signed)
		}
	}
	evidence, err := a.Store.Evidence(ctx, rel)
	for _, e := range evidence {
		if s.CheckFork(e.Entry) == nil {
			b.Evidence = append(b.Evidence, e.Entry)
		}
	}
	return b, err
}

// A life is what life.json holds of an export. The logs are in bundles beside it.
type life struct {
	Format        string             `json:"format"` // firsthand-life-v1
	Facts         []lifeFact         `json:"facts"`
	Relationships []lifeRelationship `json:"relationships"`
	Settings      map[string]string  `json:"settings"`

	Companies  []lifeCompany   `json:"companies"`
	Statements []lifeStatement `json:"statements"` // what companies hold from before
	Imports    []lifeImport    `json:"imports"`
	Contracts  []ContractRow   `json:"contracts,omitempty"`

	Moves     []lifeMove     `json:"moves,omitempty"`
	Reminders []lifeReminder `json:"reminders,omitempty"`

	Masks []lifeMask `json:"masks,omitempty"`
	Leaks []lifeLeak `json:"leaks,omitempty"`

	Mails   []lifeMail   `json:"mails,omitempty"`
	Answers []lifeAnswer `json:"answers,omitempty"`

	Documents []lifeDocument `json:"documents,omitempty"`

	Later []lifeLater `json:"later,omitempty"`
}

// A lifeLater is a card that is put off.
type lifeLater struct {
	Card  string         `json:"card"`
	Until firsthand.Date `json:"until"`
}

type lifeFact struct {
	Name    string          `json:"name"`
	Value   firsthand.Value `json:"value"`
	Updated string          `json:"updated"`
}

type lifeRelationship struct {
	Bundle  string       `json:"bundle"` // name of its file
	Domain  string       `json:"domain"`
	Name    string       `json:"name"`
	Gateway string       `json:"gateway"`
	Key     firsthand.ID `json:"key"` // the private key in force
	// Former are the keys before it, oldest first: the company may be at one still.
	Former  []firsthand.ID `json:"former,omitempty"`
	Kept    bool           `json:"kept"`
	Opened  string         `json:"opened"`
	Drafts  []string       `json:"drafts"`               // bodies of entries to be
	Legs    []lifeDraft    `json:"draft_legs,omitempty"` // of moves, one for each draft; left out if none is one
	Summary *lifeHoldings  `json:"holdings,omitempty"`
}

// lifeHoldings is for people who read the file; Import does not.
type lifeHoldings struct {
	Facts []string `json:"facts"`
}

const (
	lifeFormat = "firsthand-life-v1"
	lifeReadMe = `This is a whole life as a customer, exported by Firsthand.

life.json        facts, relationships with their private keys, drafts, settings,
                 companies, what they hold from before, contracts, changes,
                 reminders, cards that are put off, addresses that one company
                 has each, mails and answers, documents of companies
bundles/*.txt    both logs of each relationship, one entry a line: the signed
                 entry (a compact JWS), its salt, and in plain JSON what it says
blobs/*          attachments of answers, and documents that companies gave of what
                 they hold, by their SHA-256 in base64url; nobody has opened them
imports/*.jsonl  what files that were brought said of companies, one account,
                 payment or contract a line; no password is in it, or ever was

The form of the bundles is specified in Firsthand's docs/protocol.md. Whoever
has this file can speak as its owner until the keys are rotated with the
recovery kit, which is not in it. The book of next keys is not in it either:
the program that takes this over fills its own from the kit.
`
)

// exported are the settings that belong to her and not to one installation.
var exported = []string{"rules", addressesSetting, rulesSetting, maskSetting, mappingsSetting}

// Export writes her whole life as a zip file that can be read without this
// program. It holds private keys.
func (a *Agent) Export(ctx context.Context, w io.Writer) error {
	z := zip.NewWriter(w)
	create := func(name string) (io.Writer, error) {
		return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.Now().UTC()})
	}
	put := func(name string, text []byte) error {
		f, err := create(name)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return err
	}
	l := life{Format: lifeFormat, Facts: []lifeFact{}, Relationships: []lifeRelationship{}, Settings: map[string]string{},
		Companies: []lifeCompany{}, Statements: []lifeStatement{}, Imports: []lifeImport{}}
	facts, err := a.Store.Facts(ctx)
	if err != nil {
		return err
	}
	for _, f := range facts {
		l.Facts = append(l.Facts, lifeFact{f.Name, f.Value, f.Updated.UTC().Format(timeFormat)})
	}
	for _, name := range exported {
		if l.Settings[name], err = a.Store.Setting(ctx, name); err != nil {
			return err
		}
	}
	rows, err := a.Store.Relationships(ctx)
	if err != nil {
		return err
	}
	if err := put("READ ME.txt", []byte(lifeReadMe)); err != nil {
		return err
	}
	for i, row := range rows {
		r := lifeRelationship{Bundle: fmt.Sprintf("bundles/%04d-%s.txt", i+1, strings.ReplaceAll(row.Domain, ":", "_")),
			Domain: row.Domain, Name: row.Name, Gateway: row.Gateway, Key: row.Seed, Kept: row.Kept,
			Opened: row.Opened.UTC().Format(timeFormat), Drafts: []string{}}
		if r.Former, err = a.former(ctx, row.ID); err != nil {
			return err
		}
		drafts, err := a.Store.Drafts(ctx, row.ID)
		if err != nil {
			return err
		}
		legs := false
		for _, d := range drafts {
			r.Drafts, r.Legs = append(r.Drafts, string(d.Body)), append(r.Legs, lifeDraft{d.Move, d.Leg})
			legs = legs || d.Move != 0
		}
		if !legs {
			r.Legs = nil
		}
		if sum, err := row.Summarised(); err == nil {
			r.Summary = &lifeHoldings{sum.Facts}
		}
		l.Relationships = append(l.Relationships, r)
		b, err := a.Bundle(ctx, row.ID)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := b.Write(&text); err != nil {
			return err
		}
		if err := put(r.Bundle, text.Bytes()); err != nil {
			return err
		}
	}
	if err := a.exportKept(ctx, &l, create); err != nil {
		return err
	}
	later, err := a.Store.Later(ctx)
	if err != nil {
		return err
	}
	for _, card := range slices.Sorted(maps.Keys(later)) {
		l.Later = append(l.Later, lifeLater{card, later[card]})
	}
	if err := a.exportMasks(ctx, &l); err != nil {
		return err
	}
	if err := a.exportMoves(ctx, &l); err != nil {
		return err
	}
	blobs := make(blobFiles)
	if err := a.exportMail(ctx, &l, blobs, create); err != nil {
		return err
	}
	if err := a.exportDocuments(ctx, &l, blobs, create); err != nil {
		return err
	}
	if err := put("life.json", firsthand.EncodeJSON(l)); err != nil {
		return err
	}
	return z.Close()
}

const timeFormat = "2006-01-02T15:04:05Z"

// Import takes over a life that Export wrote, which must share no relationship
// with this one. Everything is verified before anything is kept. Like a restored
// file, what was imported asks each company for what it has before it signs:
// the file it came from may have gone on.
func (a *Agent) Import(ctx context.Context, file io.ReaderAt, size int64) (n int, err error) {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return 0, fault.Tell(fault.Invalid, "this is no export of Firsthand: "+err.Error(), "an export is made by: firsthand export FILE")
	}
	text, err := readZip(z, "life.json")
	if err != nil {
		return 0, err
	}
	var l life
	if err := firsthand.ParseJSON(text, &l); err != nil {
		return 0, fmt.Errorf("life.json: %w", err)
	}
	if l.Format != lifeFormat {
		return 0, fault.Tell(fault.Invalid, "the export has the form "+l.Format+", this program reads "+lifeFormat, "use the program that made it, or a newer one")
	}
	c := Commit{Settings: make(map[string]string), Later: make(map[string]firsthand.Date)}
	for _, name := range exported { // and no others: where her mails go, for example, no file says
		c.Settings[name] = l.Settings[name]
	}
	for _, x := range l.Later {
		c.Later[x.Card] = x.Until
	}
	for _, f := range l.Facts {
		at, err := parseTime(f.Updated)
		if err != nil {
			return 0, err
		}
		c.Facts = append(c.Facts, Fact{f.Name, f.Value, at})
	}
	for _, r := range l.Relationships {
		if err := a.importOne(z, r, &c); err != nil {
			return 0, fmt.Errorf("%s: %w", r.Bundle, err)
		}
	}
	for _, r := range c.Relationships {
		if _, err := a.Store.Relationship(ctx, r.ID); err == nil {
			return 0, fault.Tell(fault.Conflict, "this life has the relationship with "+r.Domain+" already", "import into a new file: firsthand init")
		}
	}
	if err := l.importMasks(&c); err != nil {
		return 0, err
	}
	if err := a.importMoves(ctx, &l, &c); err != nil {
		return 0, err
	}
	blobs := make(blobFiles)
	if err := a.importMail(ctx, z, &l, blobs, &c); err != nil {
		return 0, err
	}
	if err := a.importDocuments(ctx, z, &l, blobs, &c); err != nil {
		return 0, err
	}
	undo, err := a.importKept(ctx, z, &l, &c)
	if err == nil {
		err = a.keep(ctx, c)
	}
	if err != nil {
		return 0, errors.Join(err, undo())
	}
	if err := a.rehold(ctx); err != nil {
		return 0, err
	}
	a.Wake()
	return len(c.Relationships), nil
}

// importOne verifies one relationship and adds it to c.
func (a *Agent) importOne(z *zip.Reader, r lifeRelationship, c *Commit) error {
	text, err := readZip(z, r.Bundle)
	if err != nil {
		return err
	}
	b, err := firsthand.ReadBundle(bytes.NewReader(text))
	if err != nil {
		return err
	}
	report, err := b.Verify()
	if err != nil {
		return err
	}
	s := report.State
	if key := firsthand.SignerFromSeed(r.Key); key.Public() != s.Log(firsthand.First).Key() {
		return fault.Refuse(fault.Invalid, "entry-signature", "the private key is not the one in force")
	}
	opened, err := parseTime(r.Opened)
	if err != nil {
		return err
	}
	row := Relationship{ID: s.Rel, Domain: s.Opened.Domain, Name: r.Name, Gateway: r.Gateway, Company: b.Company,
		Seed: r.Key, Kept: r.Kept, Opened: opened, Restored: !s.Unpaired()}
	for i, receipt := range report.Receipts {
		c.Receipts = append(c.Receipts, Received{receipt, b.Receipts[i]})
		if receipt.Seq > row.Received.Seq {
			row.Received = firsthand.Head{Seq: receipt.Seq, ID: receipt.ID}
		}
	}
	row.Sent = row.Received.Seq
	c.Entries = append(append(c.Entries, b.First...), b.Second...)
	for _, e := range report.Forks {
		c.Evidence = append(c.Evidence, Evidence{Entry: e, Why: "imported"})
	}
	if len(r.Former) > 0 {
		c.setFormer(s.Rel, r.Former)
	}
	for i, d := range r.Drafts {
		draft := Draft{Rel: s.Rel, Body: []byte(d), Made: a.Now()}
		if i < len(r.Legs) {
			draft.Move, draft.Leg = r.Legs[i].Move, r.Legs[i].Leg
		}
		c.AddDrafts = append(c.AddDrafts, draft)
	}
	row.cache(summarise(s))
	c.Relationships = append(c.Relationships, row)
	c.cache(s, &row)
	return nil
}

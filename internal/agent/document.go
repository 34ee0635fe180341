package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/importer/fields"
)

// MaxDocument bounds a document, in bytes.
const MaxDocument = 2 << 30

// AddDocument keeps a file that a company gave her, as it is, and returns it. It is
// never whole in memory. The same file of the same company is kept once. A company that
// isn't among hers is added.
func (a *Agent) AddDocument(ctx context.Context, domain, name string, r io.Reader) (Document, error) {
	key, err := keyOf(domain)
	if err != nil {
		return Document{}, err
	}
	limit := &io.LimitedReader{R: r, N: MaxDocument + 1}
	blob, err := a.Store.AddBlob(ctx, limit)
	switch {
	case err != nil:
		return Document{}, err
	case limit.N <= 0: // nothing names the blob: it goes with the program
		return Document{}, fault.Tell(fault.Invalid, "this file is longer than 2 GiB", "unpack it, and add the parts that matter")
	case blob.Size == 0:
		return Document{}, fault.Tell(fault.Invalid, "there is nothing in this file", "download it again")
	}
	blob.Name, blob.Media = documentName(name), mediaOf(name)
	return a.keepDocument(ctx, Document{Domain: key, Blob: blob, Came: a.Now()})
}

// KeepAttachment makes attachment n of an answer, from 0, a document of the company that
// it is from.
func (a *Agent) KeepAttachment(ctx context.Context, answer int64, n int) (Document, error) {
	ans, err := a.Answer(ctx, answer)
	if err != nil {
		return Document{}, err
	}
	if n < 0 || n >= len(ans.Blobs) {
		return Document{}, fault.Tell(fault.NotExist, "there is no such attachment", "firsthand mail answers")
	}
	row, err := a.Store.Relationship(ctx, ans.Rel)
	if err != nil {
		return Document{}, err
	}
	d := Document{Domain: CompanyKey(row.Domain), Blob: ans.Blobs[n], Came: ans.Came, Mail: ans.Key}
	d.Blob.Name = documentName(d.Blob.Name)
	return a.keepDocument(ctx, d)
}

func (a *Agent) keepDocument(ctx context.Context, d Document) (Document, error) {
	if err := a.Store.Commit(ctx, Commit{Documents: []Document{d}}); err != nil {
		return d, err
	}
	all, err := a.Store.Documents(ctx, d.Domain)
	for _, o := range all {
		if o.Blob.Hash == d.Blob.Hash {
			return o, err
		}
	}
	return d, cmp.Or(err, error(fault.Unavailable)) // it was removed meanwhile
}

// documentName makes a name that can be shown of one that a stranger gave.
func documentName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if r := []rune(channel.Clean(name)); len(r) > 120 {
		name = string(r[:120])
	} else {
		name = string(r)
	}
	return cmp.Or(strings.TrimSpace(name), "document")
}

func mediaOf(name string) string {
	ext := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	if media, ok := map[string]string{"json": "application/json", "csv": "text/csv", "zip": "application/zip", "pdf": "application/pdf", "txt": "text/plain"}[ext]; ok {
		return media
	}
	return "application/octet-stream"
}

// keyOf returns the key of the company at a domain as it was typed.
func keyOf(domain string) (string, error) {
	host, err := hostOf(domain)
	return CompanyKey(host), err
}

// Documents returns those of a company, or with "" all: the last added first.
func (a *Agent) Documents(ctx context.Context, domain string) ([]Document, error) {
	if domain != "" {
		var err error
		if domain, err = keyOf(domain); err != nil {
			return nil, err
		}
	}
	return a.Store.Documents(ctx, domain)
}

// Document returns one.
func (a *Agent) Document(ctx context.Context, id int64) (Document, error) {
	d, err := a.Store.Document(ctx, id)
	if fault.KindOf(err) == fault.NotExist {
		err = fault.Tell(fault.NotExist, "there is no such document", "firsthand document")
	}
	return d, err
}

// SaveDocument writes a document, byte for byte, to what create returns.
func (a *Agent) SaveDocument(ctx context.Context, id int64, create func(firsthand.Blob) (io.Writer, error)) error {
	d, err := a.Document(ctx, id)
	if err != nil {
		return err
	}
	w, err := create(d.Blob)
	if err != nil {
		return err
	}
	return a.Store.ReadBlob(ctx, d.Blob.Hash, w)
}

// DropDocument removes a document. What was taken over from it stays as hers if keep
// says so, and goes with it if not.
func (a *Agent) DropDocument(ctx context.Context, id int64, keep bool) error {
	d, err := a.Document(ctx, id)
	if err != nil {
		return err
	}
	c := Commit{DropDocuments: []int64{id}}
	if !keep {
		taken, err := a.takenFrom(ctx, d)
		if err != nil {
			return err
		}
		for _, s := range taken {
			c.Unstate = append(c.Unstate, s.at())
		}
	}
	a.read.forget(d.Blob.Hash)
	return a.Store.Commit(ctx, c)
}

// at is where a statement stands.
func (s *Statement) at() FactAt { return FactAt{s.Domain, s.Fact, s.Origin} }

// Requests returns the requests to a document's company that it may answer: those for
// what the company holds that have no last word yet, in logs in which she notes it
// herself. The oldest is first.
func (a *Agent) Requests(ctx context.Context, d Document) (open []Task, err error) {
	tasks, _, err := a.Store.Tasks(ctx, TaskQuery{Show: "all"}, firsthand.DateOf(a.Now()))
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if t.Kind != "request" || CompanyKey(t.Domain) != d.Domain || t.Step == StepApplied || t.Step == StepRefused || t.Step == StepReplaced {
			continue
		}
		p, err := a.parcel(ctx, t)
		if fault.KindOf(err) == fault.NotExist {
			continue // erased
		}
		if err != nil {
			return nil, err
		}
		if r, ok := p.Content.(*firsthand.Request); ok && (r.Right == "access" || r.Right == "port") {
			open = append(open, t)
		}
	}
	slices.SortStableFunc(open, func(x, y Task) int { return x.Made.Compare(y.Made) })
	return open, nil
}

// AnswerRequest notes that a document answers a request of hers: it is done, and the
// document says so.
func (a *Agent) AnswerRequest(ctx context.Context, id int64, entry firsthand.ID) error {
	d, err := a.Document(ctx, id)
	if err != nil || d.Entry == entry {
		return err
	}
	open, err := a.Requests(ctx, d)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(open, func(t Task) bool { return t.Entry == entry }) {
		return fault.Tell(fault.NotExist, "there is no such request that is open", fmt.Sprint("firsthand document show ", id))
	}
	d.Entry = entry
	return a.noteTask(ctx, entry, StepApplied, "it gave a document: "+d.Blob.Name, Commit{Documents: []Document{d}})
}

// readDocuments keeps what was read of the last document: pages and commands ask for
// it again and again.
type readDocuments struct {
	mu   sync.Mutex // held while one is read: two that are large are read one after the other
	hash firsthand.ID
	res  *fields.Result // nil, if it can't be read
	err  error
}

func (m *readDocuments) get(ctx context.Context, s Store, b firsthand.Blob) (*fields.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hash == b.Hash {
		return m.res, m.err
	}
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(s.ReadBlob(ctx, b.Hash, w))
	}()
	res, err := fields.Read(ctx, b.Name, r)
	r.CloseWithError(errRead)
	<-done
	if err == nil || fault.KindOf(err) == fault.Invalid { // else it may go better next time
		m.hash, m.res, m.err = b.Hash, res, err
	}
	return res, err
}

var errRead = errors.New("nobody reads on")

func (m *readDocuments) forget(hash firsthand.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hash == hash {
		m.hash, m.res, m.err = firsthand.ID{}, nil, nil
	}
}

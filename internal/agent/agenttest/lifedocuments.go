package agenttest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// checkDocuments says why the parts of c about documents can't be written.
func (l *life) checkDocuments(c agent.Commit) error {
	for _, d := range c.Documents {
		if d.ID != 0 {
			continue
		}
		if d.Domain == "" || d.Blob.Hash.IsZero() {
			return fmt.Errorf("%w: a document without its company or its hash", fault.Invalid)
		}
		if _, there := l.blobs[d.Blob.Hash]; !there {
			return fmt.Errorf("%w: blob %s is not there", fault.Unavailable, d.Blob.Hash)
		}
	}
	return nil
}

// applyDocuments applies the parts of c that are about documents.
func (l *life) applyDocuments(c agent.Commit) {
	for _, d := range c.Documents {
		l.documents = slices.Clone(l.documents)
		if d.ID != 0 {
			for i := range l.documents {
				if l.documents[i].ID == d.ID {
					l.documents[i].Entry = d.Entry
				}
			}
			continue
		}
		if slices.ContainsFunc(l.documents, func(o agent.Document) bool { return o.Domain == d.Domain && o.Blob.Hash == d.Blob.Hash }) {
			continue
		}
		l.lastDocument++
		d.ID, d.Came = l.lastDocument, plain(d.Came)
		l.documents = append(l.documents, d)
	}
	l.dropDocuments(func(d agent.Document) bool { return slices.Contains(c.DropDocuments, d.ID) })
}

// dropDocuments removes some with the blobs that nothing else names.
func (l *life) dropDocuments(drop func(agent.Document) bool) {
	var gone []agent.Document
	for _, d := range l.documents {
		if drop(d) {
			gone = append(gone, d)
		}
	}
	l.documents = slices.DeleteFunc(slices.Clone(l.documents), drop)
	for _, d := range gone {
		for at, s := range l.stated {
			if s.Domain == d.Domain && s.Document == d.Blob.Hash {
				s.Document = firsthand.ID{}
				l.stated[at] = s
			}
		}
		l.dropBlob(d.Blob.Hash)
	}
}

// dropBlob removes a blob if nothing names it.
func (l *life) dropBlob(hash firsthand.ID) {
	if !l.named()[hash] {
		delete(l.blobs, hash)
	}
}

// named returns the blobs that something names.
func (l *life) named() map[firsthand.ID]bool {
	named := make(map[firsthand.ID]bool)
	for _, a := range l.answers {
		for _, b := range a.Blobs {
			named[b.Hash] = true
		}
	}
	for _, d := range l.documents {
		named[d.Blob.Hash] = true
	}
	return named
}

// Documents implements [agent.Store].
func (m *Memory) Documents(ctx context.Context, domain string) ([]agent.Document, error) {
	return read(ctx, m, func(l *life) (all []agent.Document) {
		for _, d := range l.documents {
			if domain == "" || d.Domain == domain {
				all = append(all, d)
			}
		}
		slices.SortFunc(all, func(a, b agent.Document) int { return cmp.Compare(b.ID, a.ID) })
		return all
	})
}

// Document implements [agent.Store].
func (m *Memory) Document(ctx context.Context, id int64) (agent.Document, error) {
	all, err := m.Documents(ctx, "")
	for _, d := range all {
		if d.ID == id {
			return d, err
		}
	}
	if err == nil {
		err = fault.NotExist
	}
	return agent.Document{}, err
}

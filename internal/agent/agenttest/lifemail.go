package agenttest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// A mailKey is what makes a mail one.
type mailKey struct {
	entry firsthand.ID
	part  string
}

// checkMail says why the parts of c about mail can't be written.
func (l *life) checkMail(c agent.Commit) error {
	for _, m := range c.Mails {
		if m.Entry.IsZero() {
			return fmt.Errorf("%w: a mail without its entry", fault.Invalid)
		}
	}
	for _, a := range c.Answers {
		if a.ID == 0 && a.Key.IsZero() {
			return fmt.Errorf("%w: an answer without its key", fault.Invalid)
		}
		known := func(o agent.Answer) bool { return o.Key == a.Key }
		for _, b := range a.Blobs {
			if _, there := l.blobs[b.Hash]; !there && a.ID == 0 && !slices.ContainsFunc(l.answers, known) {
				return fmt.Errorf("%w: blob %s is not there", fault.Unavailable, b.Hash)
			}
		}
	}
	return nil
}

// applyMail applies the parts of c that are about mail.
func (l *life) applyMail(c agent.Commit) {
	for _, m := range c.Mails {
		m.Made, m.Begun, m.Sent, m.NextTry, m.Held = plain(m.Made), plain(m.Begun), plain(m.Sent), plain(m.NextTry), false
		l.mails[mailKey{m.Entry, m.Part}] = m
	}
	for _, a := range c.Answers {
		a.Said, a.Came, a.Marked = plain(a.Said), plain(a.Came), plain(a.Marked)
		if a.Mark == "" {
			a.Marked = time.Time{}
		}
		if a.ID != 0 {
			l.answers = slices.Clone(l.answers)
			for i := range l.answers {
				if l.answers[i].ID == a.ID {
					l.answers[i].Mark, l.answers[i].Marked = a.Mark, a.Marked
				}
			}
			continue
		}
		if slices.ContainsFunc(l.answers, func(o agent.Answer) bool { return o.Key == a.Key }) {
			continue
		}
		l.lastAnswer++
		a.ID = l.lastAnswer
		l.answers = append(l.answers, a)
	}
	l.dropAnswers(func(a agent.Answer) bool { return slices.Contains(c.DropAnswers, a.ID) })
}

// dropAnswers removes answers with the blobs that nothing else names.
func (l *life) dropAnswers(drop func(agent.Answer) bool) {
	var gone []firsthand.Blob
	for _, a := range l.answers {
		if drop(a) {
			gone = append(gone, a.Blobs...)
		}
	}
	l.answers = slices.DeleteFunc(slices.Clone(l.answers), drop)
	for _, b := range gone {
		l.dropBlob(b.Hash)
	}
}

func (l *life) forgetMail(rel firsthand.ID) {
	for key, m := range l.mails {
		if m.Rel == rel {
			delete(l.mails, key)
		}
	}
	l.dropAnswers(func(a agent.Answer) bool { return a.Rel == rel })
}

// eraseRaw erases what was sent of entries that are erased.
func (l *life) eraseRaw(ids []firsthand.ID) {
	for key, m := range l.mails {
		if slices.Contains(ids, key.entry) {
			m.Raw = nil
			l.mails[key] = m
		}
	}
}

// doubtMails makes what waits in a restored life such as may have left.
func (l *life) doubtMails() {
	for key, m := range l.mails {
		if m.State == agent.MailWaiting {
			m.State, m.NextTry = agent.MailSending, time.Time{}
			l.mails[key] = m
		}
	}
}

// dropLooseBlobs removes those that nothing names, as a store does when it is opened.
func (l *life) dropLooseBlobs() {
	named := l.named()
	for hash := range l.blobs {
		if !named[hash] {
			delete(l.blobs, hash)
		}
	}
}

// mailsOf returns what q asks for.
func (l *life) mailsOf(q agent.MailQuery) (all []agent.Mail) {
	for _, m := range l.mails {
		open := m.State == agent.MailWaiting || m.State == agent.MailSending || m.State == agent.MailSent
		lost := m.State == agent.MailFailed || m.State == agent.MailUnsure
		if q.Open && !open || q.Lost && !lost || !q.Rel.IsZero() && q.Rel != m.Rel {
			continue
		}
		for move, legs := range l.legs {
			if l.moves[move].Paused && slices.ContainsFunc(legs, func(g agent.LegRow) bool { return g.Entry == m.Entry }) {
				m.Held = true
			}
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b agent.Mail) int {
		return cmp.Or(a.Made.Compare(b.Made), slices.Compare(a.Entry[:], b.Entry[:]), cmp.Compare(a.Part, b.Part))
	})
	return all
}

// Mails implements [agent.Store].
func (m *Memory) Mails(ctx context.Context, q agent.MailQuery) ([]agent.Mail, error) {
	return read(ctx, m, func(l *life) []agent.Mail {
		all := l.mailsOf(q)
		for i := range all {
			all[i].Raw = nil
		}
		return all
	})
}

// Mail implements [agent.Store].
func (m *Memory) Mail(ctx context.Context, entry firsthand.ID, part string) (agent.Mail, error) {
	all, err := read(ctx, m, func(l *life) []agent.Mail { return l.mailsOf(agent.MailQuery{}) })
	for _, o := range all {
		if o.Entry == entry && o.Part == part {
			return o, err
		}
	}
	if err == nil {
		err = fault.NotExist
	}
	return agent.Mail{}, err
}

// Answers implements [agent.Store].
func (m *Memory) Answers(ctx context.Context, q agent.AnswerQuery) (page []agent.Answer, total int, err error) {
	page, err = read(ctx, m, func(l *life) (all []agent.Answer) {
		for _, a := range l.answers {
			if (!q.Open || a.Kind == agent.FromPerson && a.Mark == "") && (q.Rel.IsZero() || q.Rel == a.Rel) {
				all = append(all, a)
			}
		}
		slices.SortFunc(all, func(a, b agent.Answer) int { return cmp.Or(b.Came.Compare(a.Came), cmp.Compare(b.ID, a.ID)) })
		if q.Open {
			slices.Reverse(all)
		}
		return all
	})
	total = len(page)
	page = page[min(q.Offset, total):]
	if q.Limit > 0 {
		page = page[:min(q.Limit, len(page))]
	}
	return page, total, err
}

// Answer implements [agent.Store].
func (m *Memory) Answer(ctx context.Context, id int64) (agent.Answer, error) {
	all, err := read(ctx, m, func(l *life) []agent.Answer { return l.answers })
	for _, a := range all {
		if a.ID == id {
			return a, err
		}
	}
	if err == nil {
		err = fault.NotExist
	}
	return agent.Answer{}, err
}

// AddBlob implements [agent.Store].
func (m *Memory) AddBlob(ctx context.Context, r io.Reader) (b firsthand.Blob, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return b, err
	}
	b = firsthand.Blob{Hash: sha256.Sum256(data), Size: int64(len(data))}
	_, err = read(ctx, m, func(l *life) bool { l.blobs[b.Hash] = data; return true })
	return b, err
}

// ReadBlob implements [agent.Store].
func (m *Memory) ReadBlob(ctx context.Context, hash firsthand.ID, w io.Writer) error {
	type found struct {
		data []byte
		ok   bool
	}
	f, err := read(ctx, m, func(l *life) (f found) { f.data, f.ok = l.blobs[hash]; return f })
	if err == nil && !f.ok {
		err = fault.NotExist
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(w, bytes.NewReader(f.data))
	return err
}

// Blobs implements [agent.Store].
func (m *Memory) Blobs(ctx context.Context) ([]firsthand.Blob, error) {
	return read(ctx, m, func(l *life) (all []firsthand.Blob) {
		for hash, data := range l.blobs {
			all = append(all, firsthand.Blob{Hash: hash, Size: int64(len(data))})
		}
		slices.SortFunc(all, func(a, b firsthand.Blob) int { return slices.Compare(a.Hash[:], b.Hash[:]) })
		return all
	})
}

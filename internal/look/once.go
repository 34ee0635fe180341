package look

import (
	"crypto/sha256"
	"maps"
	"net/url"
	"sync"
)

// Onces are the forms of a session that were sent. Each form has a word of its
// own, made by the server: a second click, a reload or the back button sends the
// same word, does nothing again, and leads to where the first led. What the back
// button brings back and a person has written anew is another form, though its word
// is the same. They are in
// memory, like the session: a form of a session that is gone is refused.
type Onces struct {
	mu    sync.Mutex
	sent  map[[32]byte]*once
	order [][32]byte
}

type once struct {
	mu   sync.Mutex // held while it is being done
	done bool
	to   string
}

const maxOnces = 512

func (o *Onces) get(word [32]byte) *once {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f := o.sent[word]; f != nil {
		return f
	}
	if o.sent == nil {
		o.sent = make(map[[32]byte]*once)
	}
	f := new(once)
	o.sent[word] = f
	o.order = append(o.order, word)
	if len(o.order) > maxOnces {
		delete(o.sent, o.order[0])
		o.order = o.order[1:]
	}
	return f
}

// Do calls fn unless the form with that word, sent to the same place with the same in
// it, was done, and returns where it led. What failed may be tried again. How somebody
// proves who she is, in the fields named as proofs, is no part of a form.
func (o *Onces) Do(word, path string, form url.Values, fn func() (to string, err error), proofs ...string) (to string, err error) {
	said := maps.Clone(form)
	for _, name := range proofs {
		said.Del(name)
	}
	f := o.get(sha256.Sum256([]byte(word + "\x00" + path + "\x00" + said.Encode())))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return f.to, nil
	}
	if to, err = fn(); err == nil {
		f.done, f.to = true, to
	}
	return to, err
}

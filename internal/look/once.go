package look

import (
	"sync"
)

// Onces are the forms of a session that were sent. Each form has a word of its
// own, made by the server: a second click, a reload or the back button sends the
// same word, does nothing again, and leads to where the first led. They are in
// memory, like the session: a form of a session that is gone is refused.
type Onces struct {
	mu    sync.Mutex
	sent  map[string]*once
	order []string
}

type once struct {
	mu   sync.Mutex // held while it is being done
	done bool
	to   string
}

const maxOnces = 512

func (o *Onces) get(word string) *once {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f := o.sent[word]; f != nil {
		return f
	}
	if o.sent == nil {
		o.sent = make(map[string]*once)
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

// Do calls fn unless the form with that word was done, and returns where it led.
// What failed may be tried again.
func (o *Onces) Do(word string, fn func() (to string, err error)) (to string, err error) {
	f := o.get(word)
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

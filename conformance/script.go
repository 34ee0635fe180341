package conformance

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
)

// A Script writes both logs of one relationship, entry by entry, and judges
// nothing: what it writes is right unless it is told otherwise. It has its own
// encoder and signs by itself, so that it can write what package firsthand never
// would. Everything follows from its name, so the same name gives the same bytes.
type Script struct {
	Name   string
	Now    time.Time
	Rel    firsthand.ID
	Logs   [2][]Draft // as signed
	Keys   [2][32]byte
	Next   [2][32]byte
	Labels [2]firsthand.Label // of Next; a company's is empty
	n      int
}

// Kit is the recovery kit of every customer here: a text of the form that age
// gives an identity, and no identity.
const Kit = "AGE-SECRET-KEY-1FIRSTHANDQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"

// A Draft is an entry to be signed. Each member may be made wrong before
// [Script.Add].
type Draft struct {
	ID   firsthand.ID // once it is signed
	Side firsthand.Side
	Rel  firsthand.ID
	Seq  int64
	Prev firsthand.ID
	Seen firsthand.Head
	At   time.Time
	Salt []byte
	Body string

	Seed    [32]byte            // the private key that signs
	Header  string              // the protected header
	Edit    func(string) string // changes the payload before it is signed, if set
	Mangle  func(string) string // changes the signed text, if set
	Shown   string              // the body that travels, where it isn't the one committed to
	Erased  bool                // it travels without salt and body
	Signed  string              // once it is signed
	payload string
}

// NewScript returns a Script in which both sides have written their open.
func NewScript(name string) *Script {
	s := NewScriptUnopened(name)
	s.Say(firsthand.First, s.Open(firsthand.First))
	s.Say(firsthand.Second, s.Open(firsthand.Second))
	return s
}

// NewScriptUnopened returns a Script in which nobody has written anything.
func NewScriptUnopened(name string) *Script {
	s := &Script{Name: name, Now: time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)}
	for i, side := range []string{"first", "second"} {
		s.Keys[i] = s.Seed(side + " key")
		s.Next[i] = s.Seed(side + " next")
	}
	s.NextLabel()
	return s
}

// Seed returns 32 bytes that follow from the name of s and from what.
func (s *Script) Seed(what string) [32]byte { return sha256.Sum256([]byte(s.Name + ": " + what)) }

// NextLabel gives first the next key of a fresh label.
func (s *Script) NextLabel() {
	s.n++
	seed := s.Seed(fmt.Sprint("label ", s.n))
	copy(s.Labels[0][:], seed[:])
	s.Next[0] = firsthand.NextKey(Kit, s.Labels[0]).Seed()
}

// Open returns what side says in its first entry.
func (s *Script) Open(side firsthand.Side) *firsthand.Open {
	i := index(side)
	open := &firsthand.Open{Role: "company", Key: Public(s.Keys[i]), Next: Public(s.Next[i]).Hash()}
	if side == firsthand.First {
		open.Role, open.Label = "customer", s.Labels[0]
		open.Domain, open.CompanyKey = "acme.example", Public(s.Keys[1])
	}
	return open
}

// Public returns the public key of a private one.
func Public(seed [32]byte) firsthand.PublicKey {
	return firsthand.PublicKey(private(seed).Public().(ed25519.PublicKey))
}

func index(side firsthand.Side) int {
	if side == firsthand.First {
		return 0
	}
	return 1
}

// Draft returns the next entry of side, which says body, right in every respect
// but for what body says.
func (s *Script) Draft(side firsthand.Side, body string) Draft {
	s.n++
	i := index(side)
	salt := s.Seed(fmt.Sprint("salt ", s.n))
	d := Draft{Side: side, Rel: s.Rel, Seq: int64(len(s.Logs[i])) + 1, At: s.Now, Salt: salt[:], Body: body,
		Seed: s.Keys[i], Header: `{"alg":"Ed25519","typ":"firsthand-entry+jws"}`}
	if d.Seq > 1 {
		d.Prev = s.Logs[i][d.Seq-2].ID
	}
	if other := s.Logs[1-i]; d.Seq == 1 && side == firsthand.Second {
		d.Seen = firsthand.Head{Seq: 1, ID: s.Rel}
	} else if len(other) > 0 {
		d.Seen = firsthand.Head{Seq: int64(len(other)), ID: other[len(other)-1].ID}
	}
	return d
}

// Body encodes what an entry says, whether it is right or not where that is
// for the fold to judge.
func Body(c firsthand.Content) string {
	body, err := firsthand.EncodeBody(c)
	if err != nil {
		panic(err) // a mistake in a test
	}
	return string(body)
}

// Say signs the next entry of side, which says c, and returns its ID.
func (s *Script) Say(side firsthand.Side, c firsthand.Content) firsthand.ID {
	return s.Add(s.Draft(side, Body(c)))
}

// SaySeeing does the same, but of the other log the writer has seen only what
// goes up to seq.
func (s *Script) SaySeeing(side firsthand.Side, seq int64, c firsthand.Content) firsthand.ID {
	d := s.Draft(side, Body(c))
	s.See(&d, seq)
	return s.Add(d)
}

// See makes d have seen the other log up to seq.
func (s *Script) See(d *Draft, seq int64) {
	d.Seen = firsthand.Head{Seq: seq}
	if seq > 0 {
		d.Seen.ID = s.Logs[1-index(d.Side)][seq-1].ID
	}
}

// Rotate signs a rotate of side, which from then on signs with its next key.
func (s *Script) Rotate(side firsthand.Side, disown int64) firsthand.ID {
	return s.Add(s.RotateDraft(side, disown))
}

// RotateDraft returns the draft of a rotate of side, and makes its next key the
// one in force.
func (s *Script) RotateDraft(side firsthand.Side, disown int64) Draft {
	i := index(side)
	s.Keys[i] = s.Next[i]
	if side == firsthand.First {
		s.NextLabel()
	} else {
		s.Next[i] = s.Seed(fmt.Sprint("second next ", len(s.Logs[1])))
	}
	return s.Draft(side, Body(&firsthand.Rotate{Key: Public(s.Keys[i]), Next: Public(s.Next[i]).Hash(), Label: s.Labels[i], Disown: disown}))
}

// Add signs d and appends it to its log.
func (s *Script) Add(d Draft) firsthand.ID {
	d = s.Sign(d)
	if d.Side == firsthand.First && len(s.Logs[0]) == 0 {
		s.Rel = d.ID
	}
	s.Logs[index(d.Side)] = append(s.Logs[index(d.Side)], d)
	return d.ID
}

var b64 = base64.RawURLEncoding

// Sign signs d without adding it.
func (s *Script) Sign(d Draft) Draft {
	commitment := sha256.Sum256([]byte("firsthand-body-v1" + string(d.Salt) + d.Body))
	d.payload = fmt.Sprintf(`{"v":1,"rel":"%s","side":"%s","seq":%d,"prev":"%s","seen":{"seq":%d,"id":"%s"},"at":"%s","body":"%s"}`,
		d.Rel, d.Side, d.Seq, d.Prev, d.Seen.Seq, d.Seen.ID, d.At.Format("2006-01-02T15:04:00Z"), b64.EncodeToString(commitment[:]))
	if d.Edit != nil {
		d.payload = d.Edit(d.payload)
	}
	d.Signed = JWS(d.Seed, d.Header, d.payload)
	d.ID = entryID(d.Signed)
	if d.Mangle != nil {
		d.Signed = d.Mangle(d.Signed)
	}
	return d
}

// JWS returns a compact JWS of payload under header.
func JWS(seed [32]byte, header, payload string) string {
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(ed25519.Sign(private(seed), []byte(input)))
}

// privates are the keys that were made from seeds, which takes as long as to sign.
var privates sync.Map

func private(seed [32]byte) ed25519.PrivateKey {
	key, ok := privates.Load(seed)
	if !ok {
		key, _ = privates.LoadOrStore(seed, ed25519.NewKeyFromSeed(seed[:]))
	}
	return key.(ed25519.PrivateKey)
}

func entryID(signed string) firsthand.ID {
	return sha256.Sum256([]byte("firsthand-entry-v1" + signed[:strings.LastIndexByte(signed, '.')]))
}

// Line returns d as it travels, without its line feed.
func (d *Draft) Line() string {
	body := d.Body
	if d.Shown != "" {
		body = d.Shown
	}
	if d.Erased {
		return d.Signed
	}
	return d.Signed + " " + b64.EncodeToString(d.Salt) + " " + body
}

// Entry returns d as package firsthand reads it.
func (d *Draft) Entry(t testing.TB) firsthand.Entry {
	t.Helper()
	e, err := firsthand.ParseLine([]byte(d.Line()))
	if err != nil {
		t.Fatalf("%s entry %d: %v", d.Side, d.Seq, err)
	}
	return e
}

// Entries returns both logs as package firsthand reads them.
func (s *Script) Entries(t testing.TB) (first, second []firsthand.Entry) {
	t.Helper()
	for _, log := range s.Logs {
		entries := make([]firsthand.Entry, len(log))
		for i := range log {
			entries[i] = log[i].Entry(t)
		}
		first, second = second, entries
	}
	return first, second
}

// Bundle returns both logs as a bundle, with more lines after them.
func (s *Script) Bundle(more ...string) string {
	var b strings.Builder
	b.WriteString("firsthand-bundle-v1\n")
	for _, log := range s.Logs {
		for i := range log {
			b.WriteString("entry " + log[i].Line() + "\n")
		}
	}
	for _, line := range more {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// Erase makes the body of the entry id missing from s, as if its bytes were gone.
func (s *Script) Erase(ids ...firsthand.ID) {
	for _, log := range s.Logs {
		for i := range log {
			for _, id := range ids {
				log[i].Erased = log[i].Erased || log[i].ID == id
			}
		}
	}
}

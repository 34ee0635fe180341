package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/sqlite/sqlitetest"
	"firsthand/logtest"
)

const (
	lifeDir  = "/life"
	otherDir = "/other"
	backupAt = "/backups/one"
)

// A flight is a life in which everything happens once, and what the store must
// hold after each step.
type flight struct {
	rels    []firsthand.ID
	commits []agent.Commit // nil parts: see restoreStep
	states  []string       // what there is after so many steps
	backup  int            // the step before the backup
	without atomic.Int64   // states in which there is no file
}

// restoreStep is the one in which the file is found to be restored.
const restoreStep = 6

// passphraseStep comes before it: the passphrase is changed, and nothing else.
const passphraseStep = 4

// markGone is acknowledged within it: from then on the file is one that a backup brought.
const markGone = "the mark is gone"

// newFlight plans a life. A Memory says what each step must lead to.
func newFlight(t testing.TB) *flight {
	t.Helper()
	at := time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)
	p, q := logtest.NewPair(t, "acme"), logtest.NewPair(t, "brasserie")
	f := &flight{rels: []firsthand.ID{p.Rel(), q.Rel()}}
	row := func(p *logtest.Pair, tries int) agent.Relationship {
		return agent.Relationship{ID: p.Rel(), Domain: "acme.example", Gateway: "https://acme.example/", Seed: p.Key(firsthand.First).Seed(), Opened: at, Tries: tries}
	}
	labels := func(from int) (keys []agent.NextKey) {
		for n := from; n < from+20; n++ {
			keys = append(keys, agent.NextKey{Label: firsthand.Label{byte(n), 1}, Hash: firsthand.ID{byte(n), 1}})
		}
		return keys
	}
	meet := agent.Commit{AddLabels: labels(0), Facts: []agent.Fact{{Name: "email", Value: firsthand.Text("jo@example.org"), Updated: at}}}
	for _, pair := range []*logtest.Pair{p, q} {
		meet.Relationships = append(meet.Relationships, row(pair, 0))
		meet.Entries = append(meet.Entries, pair.Log(firsthand.First)[0])
	}
	meet.TakeLabels = []firsthand.Label{{1, 1}, {2, 1}}
	m := p.Say(t, firsthand.First, "I moved.")
	receipt := firsthand.Receipt{Rel: p.Rel(), Seq: m.Seq, ID: m.ID, At: at}
	receive := agent.Commit{
		Relationships: []agent.Relationship{row(p, 1)}, Entries: append(p.Log(firsthand.Second), m, q.Log(firsthand.Second)[0]),
		Receipts: []agent.Received{{Receipt: receipt, Signed: p.Key(firsthand.Second).Receipt(receipt)}},
		Evidence: []agent.Evidence{{Entry: q.Fork(t).Say(t, firsthand.Second, "a fork"), Why: "company"}},
		Holdings: map[firsthand.ID][]agent.Holder{p.Rel(): {{Rel: p.Rel(), Fact: "email", Value: firsthand.Text("jo@example.org"), Since: at}}},
		Settings: map[string]string{"language": "nl"},
	}
	erase := agent.Commit{Entries: []firsthand.Entry{p.Erase(t, firsthand.First, m)}}
	rotate := agent.Commit{Entries: []firsthand.Entry{p.Rotate(t, 0)}, TakeLabels: []firsthand.Label{{3, 1}}}
	rotate.Relationships = []agent.Relationship{row(p, 2)}
	draft := agent.Commit{AddDrafts: []agent.Draft{{Rel: q.Rel(), Body: []byte("{}"), Made: at}}, AddLabels: labels(50), Settings: map[string]string{"language": "de"}}
	sign := agent.Commit{DropDrafts: []int64{1}, TakeLabels: []firsthand.Label{{50, 1}}, Relationships: []agent.Relationship{row(q, 3)},
		Entries: []firsthand.Entry{q.Say(t, firsthand.First, "drafted before")}}
	forget := agent.Commit{Forget: []firsthand.ID{p.Rel()}}
	f.commits = []agent.Commit{meet, receive, erase, rotate, passphraseStep: {}, 5: {}, restoreStep: {}, 7: draft, 8: sign, 9: forget}
	f.backup = 5

	mem := agenttest.NewMemory()
	for i, c := range f.commits {
		f.states = append(f.states, f.dump(t, mem))
		if i == restoreStep {
			mem.Restore(mem.Snapshot())
		}
		if err := mem.Commit(t.Context(), c); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	f.states = append(f.states, f.dump(t, mem))
	return f
}

func (f *flight) dump(t testing.TB, s agent.Store) string {
	t.Helper()
	text, err := agenttest.Dump(t.Context(), s, f.rels, "language")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// workload lives that life. What it acknowledges is the step that was done, or
// what else was.
func (f *flight) workload(d *sqlitetest.Disk) (err error) {
	ctx := context.Background()
	s, err := createOn(d, lifeDir)
	if err != nil {
		return err
	}
	d.Ack("created")
	defer func() { err = errors.Join(err, s.Close()) }()
	for i, c := range f.commits {
		switch i {
		case passphraseStep:
			err = s.SetPassphrase(ctx, passphrases[1])
		case f.backup:
			if _, err = s.Backup(ctx, backupAt); err == nil {
				d.Ack("backed up")
			}
		case restoreStep:
			if s, err = f.restored(d, s); err != nil {
				return err
			}
		default:
			err = s.Commit(ctx, c)
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		d.Ack(i)
	}
	if _, err := restore(ctx, disk{d}, backupAt, otherDir, kitOfTests); err != nil {
		return err
	}
	d.Ack("restored")
	return nil
}

// restored opens the file as if a backup had brought it.
func (f *flight) restored(d *sqlitetest.Disk, s *Store) (*Store, error) {
	if err := s.Close(); err != nil {
		return nil, err
	}
	if err := d.RemoveFile(s.path(instanceName)); err != nil {
		return nil, err
	}
	if err := d.SyncDir(s.path(instanceName)); err != nil {
		return nil, err
	}
	d.Ack(markGone)
	return openOn(d, lifeDir)
}

// verify starts on what is left.
func (f *flight) verify(d *sqlitetest.Disk, acked []any) error {
	steps := 0
	for _, a := range acked {
		if i, ok := a.(int); ok {
			steps = i + 1
		}
	}
	if slices.Contains(acked, any(markGone)) {
		steps = max(steps, restoreStep+1) // whoever opens it, finds it restored
	}
	s, err := openOn(d, lifeDir)
	if fault.KindOf(err) == fault.NotExist && len(acked) == 0 {
		// The power went before there was a file. Then one can be made; in one of eight
		// such states, since that takes as long as all the rest.
		if f.without.Add(1)%8 != 1 {
			return nil
		}
		s, err = createOn(d, lifeDir)
	}
	if err != nil {
		return err
	}
	err = errors.Join(f.verifyLife(s, steps), s.Close())
	if err == nil {
		err = f.verifyBackup(d, slices.Contains(acked, any("backed up")))
	}
	if err == nil {
		err = f.verifyOther(d, slices.Contains(acked, any("restored")))
	}
	return err
}

func (f *flight) verifyLife(s *Store, steps int) error {
	ctx := context.Background()
	if _, err := s.Check(ctx); err != nil {
		return err
	}
	got, err := agenttest.Dump(ctx, s, f.rels, "language")
	if err != nil {
		return err
	}
	// What was acknowledged, and perhaps the step after it.
	if allowed := f.states[steps:min(steps+2, len(f.states))]; !slices.Contains(allowed, got) {
		return fmt.Errorf("after %d steps the store holds\n%s\nwant\n%s\nor what one more leads to", steps, got, allowed[0])
	}
	// Going on must harm nothing that was there, if the power is cut again.
	if err := s.Commit(ctx, agent.Commit{Settings: map[string]string{"verified": fmt.Sprint(steps)}}); err != nil {
		return err
	}
	return f.verifyPassphrase(s, steps)
}

// verifyPassphrase holds that one passphrase opens the file, and the right one.
func (f *flight) verifyPassphrase(s *Store, steps int) error {
	var opens [2]bool
	for i, text := range passphrases {
		key, err := s.unwrapKey(Passphrase(text))
		if opens[i] = err == nil; opens[i] && key != s.key {
			return errors.New("the sidecar has another key")
		}
	}
	switch {
	case opens[0] == opens[1]:
		return fmt.Errorf("the first passphrase opens: %t, the second: %t", opens[0], opens[1])
	case steps > passphraseStep && opens[0]:
		return errors.New("the old passphrase opens")
	case steps < passphraseStep && opens[1]:
		return errors.New("the new passphrase opens too early")
	}
	return nil
}

// verifyBackup restores the backup, if it has its name.
func (f *flight) verifyBackup(d *sqlitetest.Disk, must bool) error {
	_, _, err := disk{d}.open(backupAt)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return nil
	}
	const again = "/again"
	if err == nil {
		_, err = restore(context.Background(), disk{d}, backupAt, again, kitOfTests)
	}
	if fault.KindOf(err) == fault.Conflict {
		err = nil // a Verify before this one did so, and lost its power after it
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return f.verifyCopy(d, again)
}

// verifyOther opens what was restored.
func (f *flight) verifyOther(d *sqlitetest.Disk, must bool) error {
	err := f.verifyCopy(d, otherDir)
	if fault.KindOf(err) == fault.NotExist && !must {
		return nil
	}
	return err
}

// verifyCopy opens a restored file and looks whether it is as the backup was,
// and marked.
func (f *flight) verifyCopy(d *sqlitetest.Disk, dir string) error {
	s, err := openOn(d, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	got, err := agenttest.Dump(context.Background(), s, f.rels, "language")
	if want := f.states[restoreStep+1]; err == nil && got != want {
		err = fmt.Errorf("%s holds\n%s\nwant\n%s", dir, got, want)
	}
	return errors.Join(err, s.Close())
}

func (f *flight) plan() sqlitetest.Plan {
	return sqlitetest.Plan{States: 80, CI: 1500, Workload: f.workload, Verify: f.verify}
}

func TestPowerLoss(t *testing.T) {
	sqlitetest.PowerLoss(t, newFlight(t).plan())
}

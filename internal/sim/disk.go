package sim

import (
	"context"
	"fmt"
	"iter"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/gateway"
)

// A disk is the way of one process to its store. When the process crashes it is
// cut, for ever: what still runs of the process gets nothing done any more. The
// store stays, and the next process gets a new disk.
type disk struct {
	r     *run
	cut   bool
	fuse  int    // operations until the crash; 0: none is coming
	late  bool   // the crash comes after the operation, whose success nobody learns of
	crash func() // told once, when the fuse has burnt down
}

// errCut is what a process gets of which nothing but this call is left.
var errCut = fmt.Errorf("%w: the process has crashed", fault.Unavailable)

// errDisk is a commit that fails while the process lives.
var errDisk = fmt.Errorf("%w: the disk has failed", fault.Unavailable)

// burn counts an operation and reports whether the crash comes with it.
func (d *disk) burn() bool {
	if d.fuse == 0 {
		return false
	}
	if d.fuse--; d.fuse > 0 {
		return false
	}
	d.cut = true
	d.r.count("crash in an operation")
	d.crash()
	return true
}

// read is called before an operation that changes nothing.
func (d *disk) read() error {
	if d.cut || d.burn() {
		return errCut
	}
	return nil
}

// commit does what do does, unless something happens to the disk or the process.
func (d *disk) commit(do func() error) error {
	switch {
	case d.cut:
		return errCut
	case d.burn():
		if d.late {
			do() // nobody is left whom an error could be told
			d.r.count("crash after a commit")
		}
		return errCut
	case !d.r.healed && d.r.chance(d.r.plan.badCommits):
		if d.r.chance(0.5) {
			do() // done, and reported as failed
		}
		d.r.count("commit reported as failed")
		return errDisk
	}
	return do()
}

// guard yields what seq does, unless the disk is cut.
func guard[T any](d *disk, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := d.read(); err != nil {
			var none T
			yield(none, err)
			return
		}
		seq(yield)
	}
}

// ask is read and then fn.
func ask[T any](d *disk, fn func() (T, error)) (T, error) {
	if err := d.read(); err != nil {
		var none T
		return none, err
	}
	return fn()
}

// An agentDisk is a disk with an agent's store behind it. committed is told of
// each commit that was made. What it doesn't name only reads, and is left to the
// store, as are imports, which have no part in the protocol.
type agentDisk struct {
	*disk
	agent.Store
	committed func(agent.Commit)
}

func (d *agentDisk) Commit(ctx context.Context, c agent.Commit) error {
	return d.commit(func() error {
		err := d.Store.Commit(ctx, c)
		if err == nil {
			d.committed(c)
		}
		return err
	})
}

func (d *agentDisk) Append(ctx context.Context, entries ...firsthand.Entry) error {
	return d.Commit(ctx, agent.Commit{Entries: entries})
}

func (d *agentDisk) Head(ctx context.Context, rel firsthand.ID, side firsthand.Side) (firsthand.Head, error) {
	return ask(d.disk, func() (firsthand.Head, error) { return d.Store.Head(ctx, rel, side) })
}

func (d *agentDisk) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return guard(d.disk, d.Store.Entries(ctx, rel, side, after))
}

func (d *agentDisk) Relationships(ctx context.Context) ([]agent.Relationship, error) {
	return ask(d.disk, func() ([]agent.Relationship, error) { return d.Store.Relationships(ctx) })
}

func (d *agentDisk) Relationship(ctx context.Context, id firsthand.ID) (agent.Relationship, error) {
	return ask(d.disk, func() (agent.Relationship, error) { return d.Store.Relationship(ctx, id) })
}

func (d *agentDisk) Holders(ctx context.Context, fact string) iter.Seq2[agent.Holder, error] {
	return guard(d.disk, d.Store.Holders(ctx, fact))
}

func (d *agentDisk) Facts(ctx context.Context) ([]agent.Fact, error) {
	return ask(d.disk, func() ([]agent.Fact, error) { return d.Store.Facts(ctx) })
}

func (d *agentDisk) Drafts(ctx context.Context, rel firsthand.ID) ([]agent.Draft, error) {
	return ask(d.disk, func() ([]agent.Draft, error) { return d.Store.Drafts(ctx, rel) })
}

func (d *agentDisk) Receipts(ctx context.Context, rel firsthand.ID) ([][]byte, error) {
	return ask(d.disk, func() ([][]byte, error) { return d.Store.Receipts(ctx, rel) })
}

func (d *agentDisk) Evidence(ctx context.Context, rel firsthand.ID) ([]agent.Evidence, error) {
	return ask(d.disk, func() ([]agent.Evidence, error) { return d.Store.Evidence(ctx, rel) })
}

func (d *agentDisk) Label(ctx context.Context) (agent.NextKey, error) {
	return ask(d.disk, func() (agent.NextKey, error) { return d.Store.Label(ctx) })
}

func (d *agentDisk) Labels(ctx context.Context) (int, error) {
	return ask(d.disk, func() (int, error) { return d.Store.Labels(ctx) })
}

func (d *agentDisk) Setting(ctx context.Context, name string) (string, error) {
	return ask(d.disk, func() (string, error) { return d.Store.Setting(ctx, name) })
}

// A gatewayDisk is a disk with a gateway's store behind it. What it doesn't name
// only reads, and is left to the store: a crash comes soon enough elsewhere.
type gatewayDisk struct {
	*disk
	gateway.Store
	committed func(gateway.Commit)
}

func (d *gatewayDisk) Commit(ctx context.Context, c gateway.Commit) error {
	return d.commit(func() error {
		err := d.Store.Commit(ctx, c)
		if err == nil {
			d.committed(c)
		}
		return err
	})
}

func (d *gatewayDisk) Append(ctx context.Context, entries ...firsthand.Entry) error {
	return d.Commit(ctx, gateway.Commit{Entries: entries})
}

func (d *gatewayDisk) Relationship(ctx context.Context, rel firsthand.ID) (gateway.Relationship, error) {
	return ask(d.disk, func() (gateway.Relationship, error) { return d.Store.Relationship(ctx, rel) })
}

func (d *gatewayDisk) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return guard(d.disk, d.Store.Entries(ctx, rel, side, after))
}

func (d *gatewayDisk) Ready(ctx context.Context, lane gateway.Lane, limit int) ([]gateway.Delivery, error) {
	return ask(d.disk, func() ([]gateway.Delivery, error) { return d.Store.Ready(ctx, lane, limit) })
}

func (d *gatewayDisk) Delivery(ctx context.Context, rel firsthand.ID, seq int64, task gateway.Task) (gateway.Delivery, error) {
	return ask(d.disk, func() (gateway.Delivery, error) { return d.Store.Delivery(ctx, rel, seq, task) })
}

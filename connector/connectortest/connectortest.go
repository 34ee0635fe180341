// Package connectortest is the suite that every connector must pass. What the
// comments in package connector ask for is here as tests; docs/adding-a-connector.md
// leads to it.
//
// The author of a connector writes a [Fixture]: how to get a system, how to
// connect to it, and what the system's own side sees and does. The suite never
// takes the connector's word for what is in the system. It asks the fixture,
// which should look past the connector: at the table, the mailbox, the API.
//
// The suite makes new random relationships for each test and looks at nothing
// else, so one running system may serve all tests; and a test may find in it what
// others left.
package connectortest

import (
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/internal/needtest"
)

// A Fixture says how to try a connector.
type Fixture struct {
	// New returns a system for one test. What it starts it stops by t.Cleanup.
	New func(t testing.TB) System

	// Samples are facts that the system has a place for, at least two. Nil
	// stands for an address in parts and an e-mail address.
	Samples []Sample

	// Only names the tests to run, nil for all: for another mode of a system that has
	// passed all in its first, where each takes its time.
	Only []string

	// Unwanted is a fact that the system has no place for and so declines.
	// Without one, that isn't tested.
	Unwanted string
}

// A Sample is a fact, and two values of it that differ.
type Sample struct {
	Fact       string
	One, Other firsthand.Value
}

// A System is one system as its own side sees it. Connect, Records, Look and
// Customer are needed. What else is nil the system can't do, or the connector
// doesn't offer, and the tests that need it are not run.
type System struct {
	// Connect returns the connector. Each call is as after a crash and a
	// restart of the gateway: a new connector, which has nothing from the old
	// one but what that left in the system or on disk.
	Connect func(t testing.TB) connector.Connector

	// Records returns the records that belong to a relationship: those it made
	// and those of customers that it was bound to and wrote to.
	Records func(t testing.TB, rel firsthand.ID) []connector.Ref

	// Look returns the facts of a record as they stand in the system, and
	// whether there is such a record.
	Look func(t testing.TB, ref connector.Ref) (facts map[string]firsthand.Value, ok bool)

	// Customer puts into the system a customer whom the company had before.
	Customer func(t testing.TB, c Customer) connector.Ref

	// Tickets returns the tickets of a relationship, oldest first.
	Tickets func(t testing.TB, rel firsthand.ID) []Ticket

	// Edit is staff giving a fact of a record another value.
	Edit func(t testing.TB, ref connector.Ref, fact string, v firsthand.Value)

	// Latest says that the system keeps no history: it shows what a fact is and when
	// that was written, so that of several edits of one fact only the last is told.
	Latest bool

	// Reply is staff answering in a ticket.
	Reply func(t testing.TB, ticket connector.Ref, author, text string)

	// Keeps returns what the system makes of text that staff write into it, where
	// there are characters that it can't hold, whoever writes them. Nil, it holds all.
	// What a customer writes must come through it none the less.
	Keeps func(text string) string

	// Resolve is staff taking the matter of a ticket for done.
	Resolve func(t testing.TB, ticket connector.Ref)

	// Decide is a person deciding on what was Proposed: she declines with the
	// reason, or if that is "" applies it, to the record named.
	Decide func(t testing.TB, id firsthand.ID, record connector.Ref, reason string)

	// Sent returns what went to contacts on record, oldest first. Needed for a
	// Binder.
	Sent func(t testing.TB) []Sent

	// Left returns where in the system, beside records, a text is found. Needed for an
	// Eraser, with Delete: people deleting what they have of requests elsewhere, as
	// Erase asks them to.
	Left   func(t testing.TB, text string) []string
	Delete func(t testing.TB, of ...firsthand.ID)

	// Down takes the system away, or brings it back.
	Down func(t testing.TB, down bool)

	// Lose makes the system do what it is asked to write next, once, and its answer
	// get lost on the way.
	Lose func(t testing.TB)

	// Busy has the system refuse every call, asking to be left alone for a while
	// (429 and Retry-After), until it is called with 0.
	Busy func(t testing.TB, wait time.Duration)

	// Break breaks the system, or with [None] mends it.
	Break func(t testing.TB, how Trouble)

	// Restart stops the system and starts it again, with what it has on disk.
	Restart func(t testing.TB)

	// Shuffle has the system tell what happened in another order than it happened
	// in, where its lists promise none. A [Border] can turn them round.
	Shuffle func(t testing.TB, on bool)
}

// A Customer is one whom the company had before.
type Customer struct {
	Number  string // her customer number, where the fixture can choose it
	Contact string // her contact on record, an e-mail address; "" for none
	Facts   map[string]firsthand.Value
}

// A Ticket is a conversation in the system. Texts are the messages in it, hers
// and the company's, without what the system puts around them.
type Ticket struct {
	Ref   connector.Ref
	Texts []string
}

// A Sent is a message that went out.
type Sent struct {
	To, Text string
}

// Run runs the suite.
func Run(t *testing.T, f Fixture) {
	for _, c := range f.cases(t, "") {
		t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, f)) })
	}
}

// Tests returns the names of the tests that Run runs on f.
func Tests(t testing.TB, f Fixture) []string {
	var names []string
	for _, c := range f.cases(t, "") {
		names = append(names, c.name)
	}
	return names
}

// Check runs one test of the suite, or if name is "" all, and returns what fails,
// without failing t. It serves those who plant a bug to see whether the suite
// notices: a suite that can't fail proves nothing.
func Check(t testing.TB, f Fixture, name string) []Failure {
	var failures []Failure
	for _, c := range f.cases(t, name) {
		if text, failed := needtest.Record(t, func(t testing.TB) { c.run(newWorld(t, f)) }); failed {
			failures = append(failures, Failure{c.name, text})
		}
	}
	return failures
}

// A Failure is a test of the suite that failed, and what it said first.
type Failure struct{ Test, Text string }

// A testCase is one test of the suite. It is run where needs says so of a
// system and the connector to it; nil needs nothing.
type testCase struct {
	name  string
	needs func(System, connector.Connector, Fixture) bool
	run   func(*world)
}

// cases returns the tests that f can be put to, by the look of one system: the
// one of that name or, if it is "", all.
func (f Fixture) cases(t testing.TB, name string) []testCase {
	sys := f.New(t)
	c := sys.Connect(t)
	for _, only := range f.Only {
		if !slices.ContainsFunc(cases, func(tc testCase) bool { return tc.name == only }) {
			t.Fatalf("the suite has no test %q", only)
		}
	}
	return slices.DeleteFunc(slices.Clone(cases), func(tc testCase) bool {
		return f.Only != nil && !slices.Contains(f.Only, tc.name) || name != "" && tc.name != name || tc.needs != nil && !tc.needs(sys, c, f)
	})
}

var cases = []testCase{
	{"deliver makes one record", nil, deliverMakes},
	{"the same request again changes nothing", nil, repeat},
	{"eight at once make one record", nil, concurrent},
	{"a request is not done again after a crash", nil, crash},
	{"what is read is what the system has", nil, readBack},
	{"a relationship makes one record", nil, oneRecord},
	{"relationships are kept apart", nil, apart},
	{"a change replaces one fact of a customer's record", nil, change},
	{"requests take effect in order, and old ones never again", nil, order},
	{"a stale version writes nothing", nil, stale},
	{"a withdrawal removes the fact", nil, withdraw},
	{"hostile values stay text", nil, hostileValues},
	{"a call that was cancelled does nothing", nil, cancelled},
	{"a proposal never writes over anything", nil, proposal},
	{"what was delivered is no change", nil, echo},

	{"what the system has no place for is declined", func(_ System, _ connector.Connector, f Fixture) bool { return f.Unwanted != "" }, declined},
	{"an answer that is lost is given again", func(s System, _ connector.Connector, _ Fixture) bool { return s.Lose != nil }, lost},
	{"a system that is down is tried again", func(s System, _ connector.Connector, _ Fixture) bool { return s.Down != nil }, down},
	{"a busy system is asked again when it says", func(s System, _ connector.Connector, _ Fixture) bool { return s.Busy != nil }, busy},
	{"a broken system is not believed", func(s System, _ connector.Connector, _ Fixture) bool { return s.Break != nil }, broken},
	{"what was done stands after the system's restart", func(s System, _ connector.Connector, _ Fixture) bool { return s.Restart != nil }, restarted},
	{"a proposal is carried out once it is proved", nil, proved},
	{"what a person decided stands when the proof comes", func(s System, _ connector.Connector, _ Fixture) bool { return s.Decide != nil }, decidedFirst},
	{"a person decides on a proposal", func(s System, _ connector.Connector, _ Fixture) bool { return s.Decide != nil }, decide},
	{"a proposal can be decided from away", isDecider, decideFromAway},
	{"an edit by staff is a change", func(s System, _ connector.Connector, _ Fixture) bool { return s.Edit != nil }, edit},

	{"of several edits the last is a change", func(s System, _ connector.Connector, _ Fixture) bool { return s.Edit != nil }, lastEdit},

	{"a message makes one ticket", hasTickets, message},
	{"a thread stays in its ticket", hasTickets, thread},
	{"hostile messages stay text", hasTickets, hostileMessages},
	{"a reply is a change", hasReplies, reply},
	{"a reply comes once", hasReplies, replyOnce},
	{"a ticket that is done is a change", func(s System, c connector.Connector, f Fixture) bool { return s.Resolve != nil && hasTickets(s, c, f) }, resolved},

	{"changes come oldest first and go on from each cursor", hasChanges, cursors},
	{"changes are the same after a restart", hasChanges, restart},
	{"changes may be left in the middle", hasChanges, leave},
	{"changes that are told out of order are put in order", func(s System, c connector.Connector, f Fixture) bool { return s.Shuffle != nil && hasChanges(s, c, f) }, shuffled},

	{"find returns all that fit and nothing else", isBinder, find},
	{"a notice goes to the contact on record", isBinder, notify},
	{"a notice is sent once", isBinder, notifyOnce},
	{"a contact is shown masked", isBinder, mask},

	{"redact removes a fact", isRedactor, redactFact},
	{"redact removes a record", isRedactor, redactRecord},
	{"what was redacted does not come back", isRedactor, redactStays},

	{"what is erased is nowhere beside the record", isEraser, erased},
	{"erasing goes on after trouble", func(s System, c connector.Connector, f Fixture) bool {
		return s.Down != nil && s.Lose != nil && isEraser(s, c, f)
	}, erasedInTrouble},
}

func hasTickets(s System, _ connector.Connector, _ Fixture) bool { return s.Tickets != nil }

func hasReplies(s System, _ connector.Connector, _ Fixture) bool {
	return s.Tickets != nil && s.Reply != nil
}

func hasChanges(s System, _ connector.Connector, _ Fixture) bool {
	return s.Edit != nil || s.Tickets != nil && s.Reply != nil
}

func isBinder(s System, c connector.Connector, _ Fixture) bool {
	_, ok := c.(connector.Binder)
	return ok && s.Sent != nil
}

func isRedactor(_ System, c connector.Connector, _ Fixture) bool {
	_, ok := c.(connector.Redactor)
	return ok
}

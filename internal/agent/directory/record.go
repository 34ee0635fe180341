package directory

// The data sets that [Read] knows.
const (
	Datenanfragen       = "datenanfragen"
	JustDeleteMe        = "justdeleteme"
	ApplePasswords      = "apple-change-password"
	AppleSharedAccounts = "apple-shared-credentials"
)

// A Record is what one data set says of one company. It is kept as JSON. All its
// text is from strangers: without control characters and of limited length, and
// otherwise as it came. All its links are https or http, to a host on the public
// internet.
type Record struct {
	Set  string `json:"set"`
	Key  string `json:"key"`            // unique within the set, stable over its versions
	Date string `json:"date,omitempty"` // of the set's version, YYYY-MM-DD
	Name string `json:"name,omitempty"` // as people say it; "" if the set has none
	// Hosts are those that it is about, the company's own by its web address
	// first, then those of brands and services that it runs.
	Hosts []string `json:"hosts,omitempty"`

	Legal    *Legal    `json:"legal,omitempty"`
	Account  string    `json:"account,omitempty"` // link to the settings of an account, most often to the password's
	Deletion *Deletion `json:"deletion,omitempty"`
	Shares   *Shares   `json:"shares,omitempty"`
}

// A Legal is a legal entity that answers for personal data, and how to reach it.
type Legal struct {
	Name    string   `json:"name"`
	Runs    []string `json:"runs,omitempty"` // its services and brands
	Address string   `json:"address,omitempty"`
	Phone   string   `json:"phone,omitempty"`
	Fax     string   `json:"fax,omitempty"`
	Email   string   `json:"email,omitempty"`   // for privacy
	Webform string   `json:"webform,omitempty"` // for privacy
	Web     string   `json:"web,omitempty"`

	Language string    `json:"language,omitempty"` // to write in; "": hers
	Required []Element `json:"required,omitempty"` // what it wants to be told to find a person
	NeedsID  bool      `json:"needs_id,omitempty"` // it asks for a copy of an identity document
	Medium   string    `json:"medium,omitempty"`   // the one that the set suggests: see Way

	Countries  []string `json:"countries,omitempty"` // that it serves, ISO 3166 in lower case, or "all"
	Categories []string `json:"categories,omitempty"`
	Facet      string   `json:"facet,omitempty"` // church or school: hidden from search by default
	Adult      bool     `json:"adult,omitempty"`
	Quality    string   `json:"quality,omitempty"` // tested, verified, imported or scraped
	Comments   []string `json:"comments,omitempty"`
	Sources    []string `json:"sources,omitempty"` // links to the evidence
}

// host returns the host of l's own web address, or "".
func (l Legal) host() string { return bare(ParseSite(l.Web).Host) }

// An Element is one thing that a company wants to be told.
type Element struct {
	Desc     string `json:"desc"`
	Type     string `json:"type"` // name, email, address, birthdate, input or textarea
	Optional bool   `json:"optional,omitempty"`
}

// Ways to reach a Legal.
const (
	ByEmail   = "email"
	ByWebform = "webform"
	ByLetter  = "letter"
	ByFax     = "fax"
)

// Way returns how to reach l: as the set suggests, if what that takes is known;
// else by e-mail, web form or letter, the first that is possible.
func (l Legal) Way() string {
	usable := map[string]bool{ByEmail: l.Email != "", ByWebform: l.Webform != "", ByFax: l.Fax != "", ByLetter: true}
	for _, way := range []string{l.Medium, ByEmail, ByWebform} {
		if usable[way] {
			return way
		}
	}
	return ByLetter
}

// A Deletion says how an account is deleted.
type Deletion struct {
	Link       string            `json:"link,omitempty"`
	Links      map[string]string `json:"links,omitempty"` // by language
	Difficulty string            `json:"difficulty"`      // easy, medium, hard, limited or impossible
	Notes      string            `json:"notes,omitempty"` // in English
	NotesIn    map[string]string `json:"notes_in,omitempty"`
	Email      string            `json:"email,omitempty"` // to be written to, with Subject and Body
	Subject    string            `json:"subject,omitempty"`
	Body       string            `json:"body,omitempty"` // has fill-ins such as XXXXXX: never to be sent as it is
}

// In returns the link and the notes in the first of langs that has them, else
// those in English.
func (d Deletion) In(langs ...string) (link, notes string) {
	link, notes = d.Link, d.Notes
	for i := len(langs) - 1; i >= 0; i-- {
		if s := d.Links[langs[i]]; s != "" {
			link = s
		}
		if s := d.NotesIn[langs[i]]; s != "" {
			notes = s
		}
	}
	return link, notes
}

// A Shares says which hosts have accounts in common: either all of Hosts, or an
// account of any in From works at any in To, and not the other way.
type Shares struct {
	Hosts    []string `json:"hosts,omitempty"`
	From     []string `json:"from,omitempty"`
	To       []string `json:"to,omitempty"`
	Obsolete bool     `json:"obsolete,omitempty"` // From are old names of To
}

// A Set is one version of a data set. What Read finds while it goes on is
// complete when it has ended.
type Set struct {
	Name    string `json:"name"`              // one of the constants
	Source  string `json:"source"`            // link to its home
	Licence string `json:"licence"`           // as its publisher states it
	Version string `json:"version,omitempty"` // the commit, if the data says so
	Date    string `json:"date,omitempty"`    // YYYY-MM-DD: as the data says, else as Read was told

	Records int `json:"records"`
	// Skipped says what could not be read, and why, for a person: at most 200
	// things, and More further ones that are only counted.
	Skipped []string `json:"skipped,omitempty"`
	More    int      `json:"more,omitempty"`
}

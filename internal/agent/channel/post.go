package channel

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// A Post carries mails by an account of hers. Package mail has the one for real use.
// Its methods may be called from several goroutines.
//
// Errors that are the account's, so that no mail could go or come, wrap [ErrAccount];
// those of one mail say by their kind whether it was refused for good
// ([fault.Denied]) or may be tried again ([fault.Unavailable]).
type Post interface {
	// Write returns a mail as it goes, and is pure: the same again for the same.
	Write(Posted) ([]byte, error)

	// Submit opens her account for sending. Mailbox opens it for reading.
	Submit(ctx context.Context, a Account) (Submission, error)
	Mailbox(ctx context.Context, a Account) (Mailbox, error)
}

// ErrAccount is wrapped by errors that keep all mails of an account from going: its
// server can't be reached, or refuses her.
var ErrAccount = errors.New("the mail account")

// ErrMaybe is wrapped by errors after which nobody knows whether a mail has left.
var ErrMaybe = errors.New("whether it left is not known")

// A Submission is an account that is open for sending. It is used by one goroutine.
type Submission interface {
	// Send gives one mail to the server, for all of to at once: either the server has
	// it for all of them, or for none. When all was sent but the mark of its end,
	// ready is called, and where that fails nothing leaves. An error that wraps
	// ErrMaybe comes only after that.
	Send(from string, to []string, raw []byte, ready func() error) error
	Close() error
}

// A Mailbox is an account that is open for reading. It is used by one goroutine.
type Mailbox interface {
	// Find reports whether a copy of a mail lies in the account: among those sent,
	// or where new ones come in.
	Find(id MessageID) (bool, error)

	// File sees to it that one copy lies among the mails sent: where there is none,
	// it moves the one that came in, else it puts raw there.
	File(id MessageID, raw []byte) error

	// News shows what has come since the cursor, "" for from now on, and returns the
	// cursor after it. wanted is asked about each header, in the order in which they
	// came, and take gets those mails whole, as a stream, that it wants. Where either
	// fails News ends, with the cursor after the last that went well.
	News(cursor string, wanted func(Header) (bool, error), take func(Header, io.Reader) error) (next string, err error)

	// Wait returns when there may be news, at the latest after some minutes.
	Wait(ctx context.Context) error
	Close() error
}

// An Account is what it takes to send and receive as her.
type Account struct {
	Address  string   `json:"address"` // hers
	Submit   Server   `json:"submit"`
	Receive  Server   `json:"receive"`
	User     string   `json:"user"` // "" for Address
	Password Password `json:"password"`
	// AuthServ is the name under which her mail host says what it thinks of where
	// mails come from, in Authentication-Results. Where it is "", nothing proves that.
	AuthServ string `json:"authserv,omitempty"`
}

// A Server is a host that she typed.
type Server struct {
	Host string `json:"host"`
	Port int    `json:"port"`
	TLS  string `json:"tls"` // Implicit or StartTLS
}

// Ways of securing a connection. There is none without.
const (
	Implicit = "tls"
	StartTLS = "starttls"
)

// A Password never shows in what is printed. [Account] as JSON has it: that is for
// her encrypted file alone.
type Password string

// String implements [fmt.Stringer].
func (p Password) String() string { return "***" }

// GoString implements [fmt.GoStringer].
func (p Password) GoString() string { return "***" }

// MarshalJSON implements [json.Marshaler].
func (p Password) MarshalJSON() ([]byte, error) { return json.Marshal(string(p)) }

// A Posted is a mail to be written.
type Posted struct {
	ID            MessageID
	From          string      // address
	Name          string      // hers, if the company has it
	To            string      // address
	Thread        []MessageID // of mails before it, the oldest first
	Date          time.Time
	Lang          string
	Subject, Text string
}

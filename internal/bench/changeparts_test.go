package bench_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"firsthand"
	"firsthand/internal/sqlite"
)

// A partClient does what a change can't do without, and nothing else. For each company
// an entry and a call are signed, the call is sent, and the receipt for it is verified;
// what is to be said is durable in one transaction before anything leaves, and the
// receipts are in another. Her file is encrypted as the agent's is, and takes as many
// rows of as many bytes, which stand in no index. It plans nothing, reads nothing, keeps
// no logs, and notes neither what was sent nor, before all have answered, what came.
type partClient struct {
	street *changing
	bare   bare // transports
	db     *sqlite.DB
	keys   []*firsthand.Signer
	rels   []firsthand.ID
	entry  []byte // as long as one
}

// rowsEach is how many rows a change writes for each company before it is sent: the
// entry and its body, what the outbox and the board know of it, who holds what, what is
// on its way, what lists show of relationship and company. partRow is how long one is.
const (
	rowsEach = 8
	partRow  = 320
)

func (c *changing) parts(b *testing.B) *partClient {
	b.Helper()
	p := &partClient{street: c, bare: c.bare(), entry: bytes.TrimSpace(c.body)}
	var key sqlite.Key
	rand.Read(key[:])
	var err error
	p.db, err = sqlite.Create(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "parts.db"), Key: &key,
		Migrations: fstest.MapFS{"0001_parts.sql": {Data: []byte(`CREATE TABLE part (n INTEGER PRIMARY KEY, rel BLOB NOT NULL, said BLOB NOT NULL) STRICT;`)}}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range c.live {
		p.keys = append(p.keys, firsthand.SignerFromSeed(seeded("part %d", i)))
		p.rels = append(p.rels, firsthand.ID(seeded("part of %d", i)))
	}
	return p
}

func (p *partClient) close(b *testing.B) {
	p.bare.close()
	if err := p.db.Close(); err != nil {
		b.Error(err)
	}
}

// change is one change, until the receipts of all are durable.
func (p *partClient) change(b *testing.B) time.Duration {
	b.Helper()
	start := time.Now()
	p.together(2, func(i int) error {
		p.keys[i].Receipt(firsthand.Receipt{Rel: p.rels[i], Seq: 1, At: start}) // the signature of an entry costs as much
		return nil
	}, b)
	row := make([]byte, partRow)
	p.write(b, func(i int, insert func([]byte) error) (err error) {
		for n := 0; n < rowsEach && err == nil; n++ {
			err = insert(row)
		}
		return err
	})
	receipts := make([]string, len(p.keys))
	p.together(atOnce, func(i int) (err error) {
		receipts[i], err = p.call(i)
		return err
	}, b)
	p.write(b, func(i int, insert func([]byte) error) error { return insert([]byte(receipts[i])) })
	return time.Since(start)
}

// write writes for each company in one transaction.
func (p *partClient) write(b *testing.B, each func(i int, insert func([]byte) error) error) {
	b.Helper()
	err := p.db.Update(b.Context(), func(tx *sqlite.Tx) error {
		for i := range p.keys {
			err := each(i, func(said []byte) error {
				_, err := tx.ExecContext(context.Background(), `INSERT INTO part (rel, said) VALUES (?, ?)`, p.rels[i][:], said)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// call signs a call, makes it, and returns the receipt, verified.
func (p *partClient) call(i int) (string, error) {
	host := p.street.hosts[i]
	body := fmt.Appendf(nil, `{"rel":"%s","first":{"seq":2,"id":"%s"},"second":{"seq":0,"id":""},"wait":0}`+"\n", p.rels[i], p.rels[i])
	body = append(append(body, p.entry...), '\n')
	req, err := http.NewRequest("POST", "https://"+host+"/sync", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", p.keys[i].Call(firsthand.Call{Method: "POST", Host: host, Path: "/sync", Time: time.Now(), Body: body}))
	resp, err := p.bare[i].RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var answer struct{ Receipt string }
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("%w: %s", err, text)
	}
	_, err = firsthand.ParseReceipt([]byte(answer.Receipt), companyKey)
	return answer.Receipt, err
}

// companyKey is that by which each company of a street signs.
var companyKey = companyKeys().Signers[0].Public()

// together does fn for each company, so many at once.
func (p *partClient) together(n int, fn func(i int) error, b *testing.B) {
	b.Helper()
	next := make(chan int, len(p.keys))
	for i := range p.keys {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for i := range next {
				if err := fn(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

package bench_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"firsthand"
	"firsthand/wire"
)

// A partServer does what a gateway can't do without, each part as its library does it and
// nothing else: HTTP, JSON by encoding/json, two verifies, and one row that is inserted
// if the one before it is there, each durable before the answer. PostgreSQL has those
// that come at the same time share its wait for the disk. It judges nothing, keeps no
// state and no outbox, and signs no receipt.
type partServer struct {
	pool         *pgxpool.Pool
	key          ed25519.PublicKey
	message, sig []byte
	receipt      string
}

// serveParts serves one until ctx ends.
func serveParts(ctx context.Context, url string, l net.Listener) error {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	c.MaxConns = pgCallers
	p := &partServer{message: make([]byte, 300)}
	if p.pool, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		return err
	}
	defer p.pool.Close()
	if _, err := p.pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS part (rel text, seq bigint, signed text, body text, PRIMARY KEY (rel, seq))`); err != nil {
		return err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	p.key, p.sig = public, ed25519.Sign(private, p.message)
	p.receipt = string(companyKeys().Signers[0].Receipt(firsthand.Receipt{Rel: firsthand.ID{1}, Seq: 1, ID: firsthand.ID{1}, At: clock()}))
	return wire.Serve(ctx, &http.Server{Handler: p}, l)
}

// ServeHTTP takes a call with one entry.
func (p *partServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := p.serve(w, r); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (p *partServer) serve(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	first, second, _ := bytes.Cut(text, []byte("\n"))
	var head struct {
		Rel           string
		First, Second json.RawMessage
	}
	var entry struct{ Signed, Salt, Body string }
	var at struct{ Seq int64 }
	if err := errors.Join(json.Unmarshal(first, &head), json.Unmarshal(second, &entry)); err != nil {
		return err
	}
	if err := json.Unmarshal(head.First, &at); err != nil {
		return err
	}
	for range 2 {
		if !ed25519.Verify(p.key, p.message, p.sig) {
			return errors.New("not signed")
		}
	}
	tag, err := p.pool.Exec(r.Context(), `
		INSERT INTO part SELECT $1, $2::bigint, $3, $4
		WHERE $2::bigint = 2 OR EXISTS (SELECT 1 FROM part WHERE rel = $1 AND seq = $2::bigint - 1)`, head.Rel, at.Seq, entry.Signed, entry.Body)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("entry %d does not follow", at.Seq)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", wire.ContentType)
	_, err = fmt.Fprintf(w, `{"first":%s,"second":%s,"receipt":"%s","more":false}`+"\n", head.First, head.Second, p.receipt)
	return err
}

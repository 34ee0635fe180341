package bench_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"firsthand"
	"firsthand/wire"
)

// A partServer does what a gateway can't do without, each part as its library does it and
// nothing else: HTTP, JSON by encoding/json, two verifies, and one row that is inserted
// if the one before it is there, each durable before the answer. PostgreSQL has those
// that come at the same time share its wait for the disk. It judges nothing, keeps no
// state and no outbox, and signs no receipt. With look it does as well what a call in a
// relationship of many is: one row is read by its ID, and a receipt signed.
type partServer struct {
	pool         *pgxpool.Pool
	look         bool
	signer       *firsthand.Signer
	key          ed25519.PublicKey
	message, sig []byte
	receipt      string
}

// serveParts serves one until ctx ends.
func serveParts(ctx context.Context, s setup, l net.Listener) error {
	c, err := pgxpool.ParseConfig(s.URL)
	if err != nil {
		return err
	}
	c.MaxConns = pgCallers
	p := &partServer{look: s.Look, message: make([]byte, 300)}
	if p.pool, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		return err
	}
	defer p.pool.Close()
	if s.Look { // relationships of earlier runs are written in again
		if _, err := p.pool.Exec(ctx, `DROP TABLE IF EXISTS part`); err != nil {
			return err
		}
	}
	if _, err := p.pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS part (rel text, seq bigint, signed bytea, body bytea, PRIMARY KEY (rel, seq))`); err != nil {
		return err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	p.key, p.sig = public, ed25519.Sign(private, p.message)
	p.signer = companyKeys().Signers[0]
	p.receipt = string(p.signer.Receipt(firsthand.Receipt{Rel: firsthand.ID{1}, Seq: 1, ID: firsthand.ID{1}, At: clock()}))
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
	first, line, _ := bytes.Cut(text, []byte("\n"))
	entry := bytes.SplitN(line, []byte(" "), 3) // signed, salt, body
	if len(entry) < 3 {
		return errors.New("no entry with a body")
	}
	parts := strings.Split(string(entry[0]), ".") // header, payload, signature
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	var head struct {
		Rel           string
		First, Second json.RawMessage
	}
	var at struct{ Seq int64 }
	var said, body map[string]any
	if err := errors.Join(json.Unmarshal(first, &head), json.Unmarshal(payload, &said), json.Unmarshal(entry[2], &body)); err != nil {
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
	receipt := p.receipt
	if p.look {
		var id firsthand.ID
		var version int64
		if err := id.UnmarshalText([]byte(head.Rel)); err != nil {
			return err
		}
		if err := p.pool.QueryRow(r.Context(), `SELECT version FROM relationship WHERE id = $1`, id[:]).Scan(&version); err != nil {
			return err
		}
		receipt = string(p.signer.Receipt(firsthand.Receipt{Rel: id, Seq: at.Seq, ID: id, At: clock()}))
	}
	tag, err := p.pool.Exec(r.Context(), `
		INSERT INTO part SELECT $1, $2::bigint, $3, $4
		WHERE $2::bigint = 2 OR $5 OR EXISTS (SELECT 1 FROM part WHERE rel = $1 AND seq = $2::bigint - 1)`, head.Rel, at.Seq, entry[0], entry[2], p.look)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("entry %d does not follow", at.Seq)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", wire.ContentType)
	_, err = fmt.Fprintf(w, `{"first":%s,"second":%s,"receipt":"%s","more":false}`+"\n", head.First, head.Second, receipt)
	return err
}

package agent

import (
	"archive/zip"
	"context"
	"io"

	"firsthand"
	"firsthand/fault"
)

// A lifeDocument is a file that a company gave her, in an export. It lies beside
// life.json, by its hash.
type lifeDocument struct {
	Domain string         `json:"domain"`
	Blob   firsthand.Blob `json:"blob"`
	Came   string         `json:"came"`
	Mail   firsthand.ID   `json:"mail,omitzero"`  // the key of an answer
	Entry  firsthand.ID   `json:"entry,omitzero"` // the request that it answers
}

// exportDocuments adds documents to l, and writes them by way of create.
func (a *Agent) exportDocuments(ctx context.Context, l *life, blobs blobFiles, create func(name string) (io.Writer, error)) error {
	all, err := a.Store.Documents(ctx, "")
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- { // the oldest first
		d := all[i]
		l.Documents = append(l.Documents, lifeDocument{d.Domain, d.Blob, d.Came.UTC().Format(timeFormat), d.Mail, d.Entry})
		if err := blobs.write(ctx, a.Store, d.Blob.Hash, create); err != nil {
			return err
		}
	}
	return nil
}

// importDocuments adds l's documents to c.
func (a *Agent) importDocuments(ctx context.Context, z *zip.Reader, l *life, blobs blobFiles, c *Commit) error {
	for _, x := range l.Documents {
		if err := firsthand.CheckDomain(x.Domain); err != nil {
			return fault.Refuse(fault.Invalid, "json-form", "%v", err)
		}
		came, err := parseTime(x.Came)
		if err != nil {
			return err
		}
		if err := blobs.read(ctx, a.Store, x.Blob, z); err != nil {
			return err
		}
		x.Blob.Name = documentName(x.Blob.Name)
		c.Documents = append(c.Documents, Document{Domain: x.Domain, Blob: x.Blob, Came: came, Mail: x.Mail, Entry: x.Entry})
	}
	return nil
}

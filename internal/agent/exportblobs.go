package agent

import (
	"archive/zip"
	"context"
	"fmt"
	"io"

	"firsthand"
	"firsthand/fault"
)

func blobFile(hash firsthand.ID) string { return "blobs/" + hash.String() }

// blobFiles are the blobs that an export has, or that were imported: each once, however
// many things name it.
type blobFiles map[firsthand.ID]bool

// write writes a blob by way of create.
func (f blobFiles) write(ctx context.Context, s Store, hash firsthand.ID, create func(name string) (io.Writer, error)) error {
	if f[hash] {
		return nil
	}
	f[hash] = true
	w, err := create(blobFile(hash))
	if err == nil {
		err = s.ReadBlob(ctx, hash, w)
	}
	return err
}

// read keeps a blob before what names it is kept; if that can't be, it goes.
func (f blobFiles) read(ctx context.Context, s Store, b firsthand.Blob, z *zip.Reader) error {
	if f[b.Hash] {
		return nil
	}
	f[b.Hash] = true
	file, err := z.Open(blobFile(b.Hash))
	if err != nil {
		return fault.Tell(fault.Invalid, "the export lacks "+blobFile(b.Hash), "make a new one: firsthand export FILE")
	}
	got, err := s.AddBlob(ctx, io.LimitReader(file, max(maxUnzipped, MaxDocument)))
	file.Close() // only read
	if err == nil && (got.Hash != b.Hash || got.Size != b.Size) {
		err = fault.Refuse(fault.Invalid, "blob-hash", "%s is not what its name says", blobFile(b.Hash))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", blobFile(b.Hash), err)
	}
	return nil
}

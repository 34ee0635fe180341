package directory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"firsthand/fault"
	"firsthand/fetch"
)

// Limits of a data set that is fetched.
const (
	maxFetched = 32 << 20
	fetchTime  = 2 * time.Minute
)

// A File is a data set as it lies somewhere. Date is when it was last changed, as
// YYYY-MM-DD, or "" if nobody says so.
type File struct {
	io.ReadCloser
	Date string
}

// Open opens the data set at a path or URL, for [Read]. A URL is fetched whole,
// under the rules of package fetch; a path is read from disk as it is used, and needs
// no client. Errors are those of fetch and of package os, or [fault.Invalid].
func Open(ctx context.Context, client *fetch.Client, pathOrURL string) (*File, error) {
	if scheme, _, ok := strings.Cut(pathOrURL, "://"); ok && isScheme(scheme) {
		return get(ctx, client, pathOrURL)
	}
	// Asked before it is opened: a named pipe would wait for somebody to write.
	info, err := os.Stat(pathOrURL)
	if err == nil && !info.Mode().IsRegular() {
		err = fault.Tell(fault.Invalid, "A data set is a file, and this is none.", "Give the path of the file itself, one file at a time, or its https address.")
	}
	if err != nil {
		return nil, fmt.Errorf("open data set: %w", err)
	}
	f, err := os.Open(pathOrURL)
	if err != nil {
		return nil, fmt.Errorf("open data set: %w", err)
	}
	return &File{f, info.ModTime().UTC().Format(time.DateOnly)}, nil
}

// unfetched adds to an error of a call what to do about it.
func unfetched(err error) error {
	switch k := fault.KindOf(err); k {
	case fault.Invalid, fault.Denied:
		return fault.Tell(k, "fetch data set: "+err.Error(), "give an https address on the internet, or the path of a file")
	case fault.Unavailable:
		return fault.Tell(k, "fetch data set: "+err.Error(), "look at the address, and whether this machine is on the internet")
	}
	return fmt.Errorf("fetch data set: %w", err)
}

func get(ctx context.Context, client *fetch.Client, url string) (*File, error) {
	r, err := client.Do(ctx, &fetch.Request{URL: url, MaxBytes: maxFetched, Timeout: fetchTime})
	if err != nil {
		return nil, unfetched(err)
	}
	if r.Status != http.StatusOK {
		kind := fault.Invalid
		switch {
		case r.Status == http.StatusNotFound || r.Status == http.StatusGone:
			kind = fault.NotExist
		case r.Status == http.StatusTooManyRequests || r.Status >= 500:
			kind = fault.Unavailable
		}
		return nil, unfetched(fmt.Errorf("%w: the answer is %d", kind, r.Status))
	}
	f := &File{ReadCloser: io.NopCloser(bytes.NewReader(r.Body))}
	if changed, err := http.ParseTime(r.Header.Get("Last-Modified")); err == nil {
		f.Date = changed.UTC().Format(time.DateOnly)
	}
	return f, nil
}

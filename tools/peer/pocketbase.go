package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

// servePocketBase serves a PocketBase as it comes, with one collection in which
// anybody may make records.
func servePocketBase(ctx context.Context, l net.Listener, dir string, ready func()) error {
	app := pocketbase.NewWithConfig(pocketbase.Config{DefaultDataDir: dir, HideStartBanner: true})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	entries := core.NewBaseCollection("entries")
	entries.Fields.Add(&core.TextField{Name: "text", Max: 5000})
	entries.CreateRule = types.Pointer("")
	if err := app.Save(entries); err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.Listener = l
		e.InstallerFunc = nil // which opens a browser
		context.AfterFunc(ctx, func() { e.Server.Close() })
		ready() // the listener takes connections already
		return e.Next()
	})
	err := apis.Serve(app, apis.ServeConfig{HttpAddr: l.Addr().String()})
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, app.ResetBootstrapState())
}

// loadPocketBase writes records with a text of 1 KB.
func loadPocketBase(_ context.Context, base string, callers int) (writers []func() error, err error) {
	body, err := json.Marshal(map[string]string{"text": strings.Repeat("a change of address", 54)[:1000]})
	if err != nil {
		return nil, err
	}
	t := &http.Transport{MaxIdleConnsPerHost: callers, DisableCompression: true}
	write := func() error {
		req, err := http.NewRequest("POST", base+"/api/collections/entries/records", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := t.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	}
	for range callers {
		writers = append(writers, write)
	}
	return writers, nil
}

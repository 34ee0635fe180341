package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/desk"
	"firsthand/internal/gateway/store"
)

// A company in which a person decides has a desk, at which a visitor of the demo may
// sit down. From then on nobody plays that person any more.

// openDesk serves the desk of a company, on a port of this machine that is free.
func (c *Company) openDesk(l *life) error {
	if c.character.desk == "" {
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	l.deskURL = "http://localhost:" + port // by name: passkeys need one
	demo := c.behind
	if demo == "" {
		demo = "/"
	}
	kind := "a small CRM of this demo"
	if l.system != l.crm {
		kind = connector.Name(l.system)
	}
	pages, err := desk.New(desk.Options{Gateway: l.gateway, Company: c.name, URL: l.deskURL, Now: c.now, Log: c.log, Demo: demo,
		Configured: []desk.Configured{{Type: kind}}, Scratch: store.Scratch})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	l.desk = &http.Server{Handler: pages, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	l.done.Go(func() { l.desk.Serve(listener) }) // it ends when it is closed, and no other way
	return nil
}

// isPlayed reports whether the company's employee is played: until somebody sits down
// at the desk. The caller holds c.mu, and the company is up.
func (c *Company) isPlayed(ctx context.Context) (bool, error) {
	if c.life.desk == nil {
		return true, nil
	}
	staff, err := desk.LoadStaff(ctx, c.life.gateway)
	return len(staff.Members) == 0, err
}

// Invite makes a link to the company's desk, good once. [fault.NotExist] if it has
// none, [fault.Unavailable] while it is down.
func (c *Company) Invite(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.character.desk == "":
		return "", fmt.Errorf("desk of %s: %w", c.domain, fault.NotExist)
	case c.life == nil:
		return "", fmt.Errorf("%s is down: %w", c.domain, fault.Unavailable)
	}
	name := c.employee()
	for n := 2; ; n++ {
		path, err := desk.InviteMember(ctx, c.life.gateway, "demo", name, desk.Admin, c.now())
		if fault.KindOf(err) == fault.Conflict && n < 100 {
			name = fmt.Sprintf("%s %d", c.employee(), n)
			continue
		}
		if err == nil {
			c.invited = path
		}
		return c.life.deskURL + path, err
	}
}

// Desk returns the address of the company's desk, "" if it has none or is down;
// whether somebody sits there; and the link that was made last and not used yet.
func (c *Company) Desk(ctx context.Context) (url string, taken bool, link string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil || c.life.desk == nil {
		return "", false, "", nil
	}
	staff, err := desk.LoadStaff(ctx, c.life.gateway)
	if len(staff.Invites) > 0 && c.invited != "" {
		link = c.life.deskURL + c.invited
	}
	return c.life.deskURL, len(staff.Members) > 0, link, err
}

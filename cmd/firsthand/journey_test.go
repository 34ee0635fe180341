//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"firsthand/internal/needtest"
	"firsthand/internal/web/webtest"
)

// dirtyList is an export as a browser makes it. It is not clean.
const dirtyList = "name,url,username,password,note\n" +
	"Acme,https://www.acme.example/login,mia@old.example,hunter2,\n" +
	"Acme (2),https://shop.acme.example/,mia@old.example,hunter2,\n" +
	"\"Bolt, Energy\",https://bolt.example/,mia@old.example,\"a \"\"quoted\"\" one\",\n" +
	",https://delta-bank.example/,customer77,x,\n" +
	"Router,http://192.168.0.1/,admin,hunter4,\n" +
	"broken\n"

// The first five minutes, with no company that takes part, in a real browser: from
// nothing to the map in two minutes and to a change that is sent in three and a
// half, at most fourteen clicks, and nothing asked about her before the map. People
// read and type slower than this test: what is held is the number of pages and
// clicks, with three seconds for each and a second for two letters.
func TestJourney(t *testing.T) {
	if !needtest.All() {
		return // a minute on a busy machine
	}
	bin := filepath.Join(programs(t), "firsthand")
	file := filepath.Join(t.TempDir(), "passwords.csv")
	if err := os.WriteFile(file, []byte(dirtyList), 0o600); err != nil {
		t.Fatal(err)
	}
	u := startPages(t, bin, "FIRSTHAND_DIR="+filepath.Join(t.TempDir(), "mia"), "FIRSTHAND_PASSPHRASE_FILE=", "FIRSTHAND_KEY_FILE=")

	b := webtest.Open(t, u.Scheme+"://"+u.Host)
	b.Look(390, false)
	clicks, letters, fields := 0, 0, 0
	click := func(what, then string) {
		t.Helper()
		clicks++
		b.Run(chromedp.Click(what, chromedp.BySearch), chromedp.WaitVisible(then, chromedp.BySearch))
	}
	typed := func(into, text string) {
		t.Helper()
		letters += len(text)
		fields++
		b.Run(chromedp.SendKeys(into, text, chromedp.ByQuery))
	}
	human := func() time.Duration {
		return time.Duration(clicks)*3*time.Second + time.Duration(letters)*time.Second/2
	}

	b.Open(u.Path)
	typed("#f-passphrase", "five words have no link")
	typed("#f-passphrase2", "five words have no link")
	click(`//button[contains(., "Begin")]`, `//pre[contains(., "AGE-SECRET-KEY-1")]`)
	click(`//button[contains(., "Save as a file")]`, `//input[@name="have"]`)
	click(`//input[@name="have"]`, `//input[@name="have"]`)
	click(`//button[contains(., "Make my file")]`, `//b[contains(., "Bring my list")]`)
	click(`//a[contains(., "Bring my list")]`, `//label[contains(., "Choose a file")]`)
	clicks++ // in the system's own window
	b.Run(chromedp.SetUploadFiles("#f-file", []string{file}, chromedp.ByQuery), chromedp.WaitVisible(`//button[contains(., "Keep 3 companies")]`, chromedp.BySearch))
	fields = 0
	click(`//button[contains(., "Keep 3 companies")]`, `//h1[contains(., "Your map")]`)
	if at := human(); at > 2*time.Minute || fields > 0 {
		t.Errorf("the map after %v and %d facts of hers, want at most 2m and none", at, fields)
	}
	click(`//button[contains(., "It was: change it")]`, `//input[@name="email:value"]`)
	typed(`input[name="email:value"]`, "mia@new.example")
	click(`//button[contains(@class, "primary") and contains(., "See what it means")]`, `//h1[contains(., "This is what happens")]`)
	click(`//button[contains(., "Make 2 tasks")]`, `//*[@id="board"]//li[contains(., "Needs you")]`)
	if at := human(); at > 210*time.Second || clicks > 14 {
		t.Errorf("sent after %v and %d clicks, want at most 3m30s and 14", at, clicks)
	}
	if noted := b.Noted(); len(noted) > 0 {
		t.Errorf("noted %q", noted)
	}
}

package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

// With FIRSTHAND_SHOTS, the name of a folder, pictures of all pages are put there,
// to be looked at.
func TestShots(t *testing.T) {
	dir := os.Getenv("FIRSTHAND_SHOTS")
	if dir == "" {
		return
	}
	for name, a := range galleries(t) {
		s := webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock())
		b := webtest.NewBrowser(t, s)
		b.SignIn(s)
		for _, look := range []struct {
			name  string
			width int64
			dark  bool
		}{{"390", 390, false}, {"1280", 1280, false}, {"1280-dark", 1280, true}} {
			if name != "usual" && look.name != "390" {
				continue
			}
			b.Look(look.width, look.dark)
			for _, page := range webtest.Pages(a) {
				b.Open(page)
				var png []byte
				b.Run(chromedp.FullScreenshot(&png, 100))
				if err := os.WriteFile(filepath.Join(dir, name+"-"+look.name+"-"+webtest.Name(page)+".png"), png, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

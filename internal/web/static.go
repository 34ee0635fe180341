package web

import (
	"sync"

	"firsthand/internal/look"
	"firsthand/internal/rbutton"
)

// assets are the files that the pages of both programs share, and the pictures of the
// button that is on companies' sites.
var assets = sync.OnceValue(func() look.Assets {
	all := look.NewAssets(look.Static())
	for _, s := range rbutton.States {
		all.Add(string(s)+".svg", s.SVG())
	}
	return all
})

// static serves GET /static/{name}.
func (s *Server) static(v *visit) error {
	if !assets().Serve(v.w, v.Request, v.PathValue("name")) {
		return errNoPage
	}
	return nil
}

// ignoreGone is for writes after the status: nobody is there to be told.
func ignoreGone(error) error { return nil }

package web

import (
	"sync"

	"firsthand/internal/look"
)

// assets are the files that the pages of both programs share.
var assets = sync.OnceValue(func() look.Assets { return look.NewAssets(look.Static()) })

// static serves GET /static/{name}.
func (s *Server) static(v *visit) error {
	if !assets().Serve(v.w, v.Request, v.PathValue("name")) {
		return errNoPage
	}
	return nil
}

// ignoreGone is for writes after the status: nobody is there to be told.
func ignoreGone(error) error { return nil }

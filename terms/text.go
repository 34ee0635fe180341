package terms

import (
	"crypto/sha256"
	"embed"
	"io/fs"
	"sync"

	"firsthand"
)

//go:embed texts/*.txt
var textFiles embed.FS

// texts are found by hash alone, so that no text can be shown under the name of
// another.
var texts = sync.OnceValue(func() map[firsthand.ID]string {
	found := make(map[firsthand.ID]string)
	err := fs.WalkDir(textFiles, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := textFiles.ReadFile(name)
		found[sha256.Sum256(text)] = string(text)
		return err
	})
	if err != nil {
		panic(err) // the files are in the program
	}
	return found
})

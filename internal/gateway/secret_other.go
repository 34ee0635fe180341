//go:build !unix

package gateway

import "io/fs"

func ownedByRoot(fs.FileInfo) bool { return false }

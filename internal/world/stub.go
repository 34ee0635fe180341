package world

func (w *World) writeExports(dir string) error   { return nil }
func (w *World) writeDirectory(dir string) error { return nil }

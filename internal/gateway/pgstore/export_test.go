package pgstore

// OptionsOf returns how s was opened.
func OptionsOf(s *Store) Options { return s.o }

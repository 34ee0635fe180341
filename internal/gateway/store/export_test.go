package store

// Dir returns the directory of s.
func Dir(s *Store) string { return s.dir }

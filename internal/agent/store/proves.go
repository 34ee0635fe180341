package store

// Opens returns an error of the kind Denied unless o is one that opens the file:
// what a page asks before something that matters, while the file is open. It opens
// nothing.
func (s *Store) Opens(o Opener) error {
	s.openers.Lock() // else the sidecar may be in the middle of a change
	defer s.openers.Unlock()
	_, err := s.unwrapKey(o)
	return err
}

package memory

// WithoutSync returns c for a CRM that doesn't wait for the disk.
func WithoutSync(c Config) Config {
	c.testOnlyNoSync = true
	return c
}

// FailAt makes the n-th step from now on fail that touches the disk, counting
// from 1, and then no other. It returns what was reached.
func (m *CRM) FailAt(n int, err error) *string {
	reached := new(string)
	m.file.testOnlyFail = func(step string) error {
		if n--; n == 0 {
			*reached = step
			return err
		}
		return nil
	}
	return reached
}

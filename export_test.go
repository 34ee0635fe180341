package firsthand

// Verifies reports whether sig is k's over message, for vectors of signatures.
func Verifies(k PublicKey, message, sig []byte) bool { return k.verify(message, sig) }

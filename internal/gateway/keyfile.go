package gateway

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/durable"
)

// The key file is text: a line that names the format, and then one line for each
// private key, in base64url, the current one last. The chain file is JSON:
//
//	{"chain":[{"key":"…","next":"…"},…]}
//
// Both are replaced whole. A rotation writes the key file first. What a crash
// leaves after that, a key more than the chain has, is mended when they are
// loaded: the last key is then set aside, as if it had not been there, and the
// rotation is repeated with it.
const keyMark = "firsthand-company-keys-v1"

type chainFile struct {
	Chain []firsthand.ChainKey `json:"chain"`
}

// LoadKeys reads the company's keys. Those it returns are saved to the same files.
func LoadKeys(keyFile, chain string) (*Keys, error) {
	if err := checkMode(keyFile); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	k := &Keys{
		Save: func(k *Keys) error { return saveKeys(k, keyFile, chain) },
		Load: func() (*Keys, error) { return LoadKeys(keyFile, chain) },
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if string(lines[0]) != keyMark {
		return nil, fault.Tell(fault.Invalid, keyFile+" is no key file.", "Make one: firsthand-gateway init")
	}
	for _, line := range lines[1:] {
		var seed [32]byte
		n, err := base64.RawURLEncoding.Strict().Decode(seed[:], line)
		if err != nil || n != len(seed) || len(line) != 43 {
			return nil, fault.Tell(fault.Invalid, keyFile+" is damaged.", "Restore it from your copy.") // never what it holds
		}
		k.Signers = append(k.Signers, firsthand.SignerFromSeed(seed))
	}
	if text, err = os.ReadFile(chain); err != nil {
		return nil, err
	}
	var c chainFile
	if err := firsthand.ParseJSON(text, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", chain, err)
	}
	if k.Chain = c.Chain; len(k.Chain) > 0 && len(k.Signers) > 1 {
		last := len(k.Signers) - 1
		if k.Signers[last].Public().Hash() == k.Chain[len(k.Chain)-1].Next {
			k.Signers = k.Signers[:last]
		}
	}
	return k, k.check()
}

// CreateKeys makes the files for a company's first key and the hash of its next.
// It leaves files alone that exist.
func CreateKeys(keyFile, chain string, first *firsthand.Signer, next firsthand.KeyHash) error {
	k := &Keys{Signers: []*firsthand.Signer{first}, Chain: []firsthand.ChainKey{{Key: first.Public(), Next: next}}}
	if next.IsZero() || next == first.Public().Hash() {
		return fault.Tell(fault.Invalid, "The next key has to be another.", "Make it on another machine, and bring its hash here.")
	}
	for _, path := range []string{keyFile, chain} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return fault.Tell(fault.Conflict, path+" exists.", "A company that lost its keys has to be met again. If that is what you want, move the file away.")
		}
	}
	return saveKeys(k, keyFile, chain)
}

func saveKeys(k *Keys, keyFile, chain string) error {
	text := []byte(keyMark + "\n")
	for _, s := range k.Signers {
		seed := s.Seed()
		text = append(base64.RawURLEncoding.AppendEncode(text, seed[:]), '\n')
	}
	if err := durable.Replace(keyFile, text); err != nil {
		return err
	}
	return durable.Replace(chain, append(firsthand.EncodeJSON(chainFile{k.Chain}), '\n'))
}

package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"firsthand/fault"
)

// checkMode refuses a file with a secret that others may read. The group may, where
// the file is root's: so are the keys that a system's administrator hands out by
// groups, and systemd's credentials.
func checkMode(path string) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" {
		return err
	}
	mode := info.Mode().Perm()
	if mode&0o007 != 0 || mode&0o070 != 0 && (mode&0o020 != 0 || !ownedByRoot(info)) {
		return fault.Tell(fault.Denied, fmt.Sprintf("%s can be read by others.", path), "Run: chmod 600 "+path)
	}
	return nil
}

// checkSecrets judges the files that a connector's own configuration names in
// members that end in _file. That is where secrets are, in every connector; only
// certificates, which are no secrets, stand in such members too.
func checkSecrets(config json.RawMessage, dir string) error {
	if len(config) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(config, &v); err != nil {
		return err
	}
	return checkSecretsIn(v, dir)
}

func checkSecretsIn(v any, dir string) error {
	var errs []error
	switch v := v.(type) {
	case map[string]any:
		for name, v := range v {
			path, ok := v.(string)
			if !ok || path == "" || !strings.HasSuffix(name, "_file") || name == "cert_file" || name == "ca_file" {
				errs = append(errs, checkSecretsIn(v, dir))
				continue
			}
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			if err := checkMode(path); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	case []any:
		for _, v := range v {
			errs = append(errs, checkSecretsIn(v, dir))
		}
	}
	return errors.Join(errs...)
}

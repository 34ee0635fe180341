package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"firsthand/internal/durable"
)

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path+".new", []byte("half of what a cra"), 0o400); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "a second, longer one", ""} {
		if err := durable.Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		holds(t, path, text)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the draft is left: %v", err)
	}
}

// What can't be replaced is as it was.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(path, "in it"), 0o700); err != nil {
		t.Fatal(err)
	}
	if durable.Replace(path, []byte("text")) == nil {
		t.Error("a folder with files was replaced")
	}
	if durable.Replace(filepath.Join(dir, "none", "keys"), []byte("text")) == nil {
		t.Error("a file was made where there is no folder")
	}
}

func TestCreateAndCopy(t *testing.T) {
	dir := t.TempDir()
	path, second := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := durable.Create(path, []byte("text")); err != nil {
		t.Fatal(err)
	}
	if err := durable.Copy(second, path); err != nil {
		t.Fatal(err)
	}
	holds(t, second, "text")
	for _, err := range []error{durable.Create(path, []byte("other")), durable.Copy(path, second)} {
		if !errors.Is(err, fs.ErrExist) {
			t.Errorf("a file that was there: %v", err)
		}
	}
	holds(t, path, "text")
	if err := durable.Copy(filepath.Join(dir, "c"), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that isn't there was copied: %v", err)
	}
}

func holds(t *testing.T, path, text string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != text {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, text)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
	}
}

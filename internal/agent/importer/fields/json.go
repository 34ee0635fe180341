package fields

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A level is an object or an array in which the reader is.
type level struct {
	object bool
	key    bool // the next token is a key
	path   string
}

// json reads JSON of any nesting, or several texts of it one after the other. Items of a
// list stand at one path.
func (t *reading) json(prefix string, r io.Reader) error {
	tokens := &perToken{r: r}
	d := json.NewDecoder(tokens)
	d.UseNumber()
	var stack []level
	name := "" // of the value that follows
	for n := 0; ; n++ {
		if n > 4*maxCount {
			t.res.Cut = true
			return nil
		}
		tokens.n = 0
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(stack) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		var top *level
		if len(stack) > 0 {
			top = &stack[len(stack)-1]
		}
		if top != nil && top.key {
			if s, ok := token.(string); ok {
				name, top.key = join(top.path, s), false
				continue
			}
		}
		if top != nil && !top.object {
			name = top.path
		}
		room := true
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				if len(stack) == maxDepth {
					return errors.New("it is nested too deeply")
				}
				stack = append(stack, level{v == '{', v == '{', name})
				continue
			}
			stack = stack[:len(stack)-1]
		case string:
			room = t.add(where(prefix, name), v)
		case nil:
		default:
			room = t.add(where(prefix, name), fmt.Sprint(v))
		}
		if !room {
			return nil
		}
		if name = ""; len(stack) > 0 {
			stack[len(stack)-1].key = stack[len(stack)-1].object
		}
	}
}

func join(path, key string) string {
	if key = strings.ReplaceAll(plain(key, 60), ".", " "); key == "" {
		key = "?"
	}
	switch {
	case path == "":
		return key
	case len(path) > maxPath:
		return path // deeper than anybody reads
	}
	return path + "." + key
}

func where(prefix, path string) string {
	if path == "" {
		path = "?"
	}
	return prefix + path
}

// A perToken reader ends with an error where one token has no end.
type perToken struct {
	r io.Reader
	n int
}

func (p *perToken) Read(b []byte) (int, error) {
	if p.n > maxToken {
		return 0, errors.New("a text in it has no end")
	}
	n, err := p.r.Read(b)
	p.n += n
	return n, err
}

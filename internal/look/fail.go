package look

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"unicode"
	"unicode/utf8"

	"firsthand/fault"
)

// Guard returns what serve returns. A panic of it becomes an error, so that one page's
// bug isn't the end of the server.
func Guard(serve func() error) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return serve()
}

// ReadForm reads the form of a request. One that is bigger than its page reads stays
// an http.MaxBytesError, which StatusOf knows.
func ReadForm(r *http.Request) error {
	err := r.ParseForm()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || err == nil {
		return err
	}
	return fault.Refuse(fault.Invalid, "form", "%v", err)
}

// StatusOf returns the HTTP status of an error by its kind; a form that is bigger than
// its page reads has one of its own.
func StatusOf(err error) int {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Denied:
		return http.StatusForbidden
	case fault.NotExist:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Sentence returns what an error says to people, and what it tells them to do. A hint
// that is a command of program, or a flag, is for a terminal and left out.
func Sentence(err error, program string) (text, hint string) {
	if n, ok := errors.AsType[*fault.Notice](err); ok {
		text, hint = n.Text, n.Hint
	} else if r, ok := errors.AsType[*fault.Refusal](err); ok {
		text = r.Detail
	}
	if strings.Contains(hint, program+" ") || strings.HasPrefix(hint, "--") {
		hint = ""
	}
	return capital(text), capital(hint)
}

// capital makes a sentence of a clause.
func capital(s string) string {
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	if !strings.ContainsRune(".?!…", rune(s[len(s)-1])) {
		s += "."
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

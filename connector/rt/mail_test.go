package rt_test

import (
	"bufio"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"

	"firsthand/connector/connectortest"
)

// A sink is a mail server that keeps what comes.
type sink struct {
	l    net.Listener
	mu   sync.Mutex
	sent []connectortest.Sent
}

func newSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{l: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s, nil
}

func (s *sink) port() int { return s.l.Addr().(*net.TCPAddr).Port }

func (s *sink) all() []connectortest.Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]connectortest.Sent(nil), s.sent...)
}

func (s *sink) serve(c net.Conn) {
	defer c.Close()
	var to []string
	in := bufio.NewReader(c)
	fmt.Fprint(c, "220 sink\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(line[:min(len(line), 4)]); verb {
		case "RCPT":
			to = append(to, strings.Trim(line[strings.IndexByte(line, '<'):], "<>\r\n "))
			fmt.Fprint(c, "250 ok\r\n")
		case "DATA":
			fmt.Fprint(c, "354 go on\r\n")
			var text strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mu.Lock()
			for _, each := range to {
				s.sent = append(s.sent, connectortest.Sent{To: each, Text: letter(text.String())})
			}
			s.mu.Unlock()
			to = nil
			fmt.Fprint(c, "250 ok\r\n")
		case "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

// letter returns the text of a mail.
func letter(text string) string {
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return text
	}
	body := io.Reader(m.Body)
	if strings.EqualFold(m.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	all, _ := io.ReadAll(body)
	return string(all)
}

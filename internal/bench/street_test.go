package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"time"

	"firsthand"
)

// A street is many TLS hosts in one process, as many companies as there are. Each
// answers a call with a signed receipt for what it brought, and does nothing else
// that a gateway does: what is measured is the customer's side. At /bare it answers
// as many bytes, made beforehand.
type street struct {
	Hosts []string // host and port
	Cert  string   // that all of them have, DER in base64
}

// serveStreet serves n hosts, of which the last dead never answer, until ctx ends.
// It says where on out.
func serveStreet(ctx context.Context, n, dead int, out io.Writer) error {
	cert, der, err := certificate()
	if err != nil {
		return err
	}
	said := street{Cert: base64.StdEncoding.EncodeToString(der)}
	server := &http.Server{Handler: http.HandlerFunc(answer), ErrorLog: nil}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		said.Hosts = append(said.Hosts, l.Addr().String())
		if i < n-dead {
			go server.Serve(tls.NewListener(l, config)) // ends with Close
		}
	}
	fmt.Fprintf(out, "%s\n", firsthand.EncodeJSON(said))
	<-ctx.Done()
	return server.Close()
}

func certificate() (cert tls.Certificate, der []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, der, err
}

// bareAnswer has as many bytes as an answer with a receipt.
var bareAnswer = bytes.Repeat([]byte{'x'}, 700)

// answer answers a call of the agent.
func answer(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/bare" {
		io.Copy(io.Discard, r.Body)
		w.Write(bareAnswer)
		return
	}
	in := bufio.NewReader(r.Body)
	line, err := in.ReadString('\n')
	var head struct {
		Rel           firsthand.ID
		First, Second firsthand.Head
		Wait          int
	}
	if err == nil {
		err = json.Unmarshal([]byte(line), &head)
	}
	io.Copy(io.Discard, in)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if head.Wait > 0 {
		<-r.Context().Done()
		return
	}
	receipt := companyKeys().Signers[0].Receipt(firsthand.Receipt{Rel: head.Rel, Seq: head.First.Seq, ID: head.First.ID, At: time.Now()})
	w.Header().Set("Content-Type", "application/firsthand")
	fmt.Fprintf(w, "{\"first\":%s,\"second\":%s,\"receipt\":%q,\"more\":false}\n", firsthand.EncodeJSON(head.First), firsthand.EncodeJSON(head.Second), receipt)
}

// far is a connection to a host that is so far away, there and back.
type far struct {
	net.Conn
	read  chan packet
	write chan packet
	left  []byte
	done  chan struct{}
}

type packet struct {
	at   time.Time
	data []byte
	err  error
}

// dialFar returns a dialer whose connections take so long, there and back.
func dialFar(trip time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		time.Sleep(trip) // the handshake of TCP
		f := &far{Conn: conn, read: make(chan packet, 8), write: make(chan packet, 8), done: make(chan struct{})}
		go f.reading(trip / 2)
		go f.writing()
		return f, nil
	}
}

func (f *far) reading(delay time.Duration) {
	for {
		buf := make([]byte, 2<<10) // one waits in each connection, in the process that is measured
		n, err := f.Conn.Read(buf)
		select {
		case f.read <- packet{time.Now().Add(delay), buf[:n], err}:
		case <-f.done:
			return
		}
		if err != nil {
			return
		}
	}
}

func (f *far) writing() {
	for {
		select {
		case p := <-f.write:
			time.Sleep(time.Until(p.at))
			if _, err := f.Conn.Write(p.data); err != nil {
				return
			}
		case <-f.done:
			return
		}
	}
}

func (f *far) Read(b []byte) (int, error) {
	for len(f.left) == 0 {
		select {
		case p := <-f.read:
			time.Sleep(time.Until(p.at))
			f.left = p.data
			if len(p.data) == 0 && p.err != nil {
				return 0, p.err
			}
		case <-f.done:
			return 0, net.ErrClosed
		}
	}
	n := copy(b, f.left)
	f.left = f.left[n:]
	return n, nil
}

func (f *far) Write(b []byte) (int, error) {
	select {
	case f.write <- packet{time.Now().Add(farTrip / 2), bytes.Clone(b), nil}:
		return len(b), nil
	case <-f.done:
		return 0, net.ErrClosed
	}
}

func (f *far) Close() error {
	select {
	case <-f.done:
	default:
		close(f.done)
	}
	return f.Conn.Close()
}

// farTrip is how long a packet takes to a company far away and back.
const farTrip = 50 * time.Millisecond

// readStreet reads what a street says.
func readStreet(line string) (s street, roots *x509.CertPool, err error) {
	if err := json.Unmarshal([]byte(strings.TrimSpace(line)), &s); err != nil {
		return s, nil, err
	}
	der, err := base64.StdEncoding.DecodeString(s.Cert)
	if err != nil {
		return s, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return s, nil, err
	}
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	if len(s.Hosts) == 0 {
		err = errors.New("a street without houses")
	}
	return s, roots, err
}

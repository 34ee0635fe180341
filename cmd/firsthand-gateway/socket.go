package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"firsthand/fault"
)

// Where systemd holds the sockets, they outlive the gateway: while one process
// ends and the next begins, connections wait in the socket's queue, and none is
// refused. The protocol is that of sd_listen_fds(3): the sockets are files from
// number 3 on, LISTEN_FDS says how many, LISTEN_FDNAMES what they are called, and
// LISTEN_PID for whom they are.
const firstSocket = 3

// inherited returns the sockets that were handed over, by name. One alone is the
// gateway's, whatever it is called.
func inherited() (map[string]net.Listener, error) {
	n, pid, names := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		os.Unsetenv(name) // they are for this process alone
	}
	count, err := strconv.Atoi(n)
	if err != nil || count < 1 || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	all, called := make(map[string]net.Listener), strings.Split(names, ":")
	for i := range count {
		name := "gateway"
		if count > 1 && i < len(called) {
			name = called[i]
		}
		f := os.NewFile(uintptr(firstSocket+i), name)
		l, err := net.FileListener(f) // its own copy, not for children
		err = errors.Join(err, f.Close())
		if _, twice := all[name]; twice && err == nil {
			err = fmt.Errorf("two are called %q", name)
		}
		if err != nil {
			return nil, fault.Tell(fault.Invalid, fmt.Sprintf("socket %d of systemd: %v", i+1, err),
				"FileDescriptorName= is gateway, desk or metrics, and each is a ListenStream=")
		}
		all[name] = l
	}
	return all, nil
}

// open returns the listener of s: the one that was handed over, which it takes out
// of handed, or a new one.
func (s *server) open(handed map[string]net.Listener) (l net.Listener, err error) {
	l, ok := handed[s.name]
	delete(handed, s.name)
	switch {
	case !ok:
		if l, err = net.Listen("tcp", s.listen); err != nil {
			return nil, fault.Tell(fault.Unavailable, err.Error(), "another listen in gateway.json")
		}
	case s.tls.CertFile == "" && !onLoopback(l.Addr()) && s.name != "metrics":
		// The configuration was checked for the address in it; this is another.
		return nil, errors.Join(fault.Tell(fault.Denied, fmt.Sprintf("the socket of systemd for %s is %s, and there is no TLS", s.name, l.Addr()),
			"ListenStream=127.0.0.1:PORT, or a certificate in gateway.json"), l.Close())
	}
	if s.tls.CertFile == "" {
		return l, nil
	}
	cert, err := tls.LoadX509KeyPair(s.tls.CertFile, s.tls.KeyFile)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), nil
}

func onLoopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

package fetchtest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Vectors returns all vectors, those that cost a TLS handshake last.
func Vectors() []Vector {
	return slices.Concat(refusedVectors(), urlVectors(), nameVectors(), loopbackVectors(), redirectVectors(), reachableVectors())
}

// nameVectors are names that resolve to what they should not, at once or later.
func nameVectors() []Vector {
	const rule = "fetch-address"
	list := func(want ...string) []string { return want }
	many := strings.Repeat("93.184.216.34 ", 200)
	vs := []Vector{
		{Name: "no address", Answers: list(""), Want: list(Unavailable)},
		{Name: "no valid address", Answers: list("garbage"), Want: list(rule)},
		{Name: "public, then a zero address", Answers: list("93.184.216.34 garbage"), Want: list(rule)},
		{Name: "public and private", Answers: list("93.184.216.34 10.0.0.1"), Want: list(rule)},
		{Name: "private and public", Answers: list("10.0.0.1 93.184.216.34"), Want: list(rule)},
		{Name: "public, private, public", Answers: list("93.184.216.34 10.0.0.1 93.184.216.35"), Want: list(rule)},
		{Name: "public IPv4, private IPv6", Answers: list("93.184.216.34 fd00::1"), Want: list(rule)},
		{Name: "public IPv6, private IPv4", Answers: list("2606:2800:220:1:248:1893:25c8:1946 127.0.0.1"), Want: list(rule)},
		{Name: "public, loopback mapped", Answers: list("93.184.216.34 ::ffff:127.0.0.1"), Want: list(rule)},
		{Name: "private after 200 public", Answers: list(many + "10.0.0.1"), Want: list(rule)},
		{Name: "200 public", Answers: list(many), Want: list(Answered)},
		{Name: "public IPv6 with a zone", Answers: list("2606:2800:220:1:248:1893:25c8:1946%eth0"), Want: list(rule)},
		{Name: "rebinding after the first call", Answers: list("93.184.216.34", "127.0.0.1"), Want: list(Answered, rule, rule)},
		{Name: "rebinding to the metadata service", Answers: list("93.184.216.34", "169.254.169.254"), Want: list(Answered, rule)},
		{Name: "rebinding to IPv6", Answers: list("93.184.216.34", "::1"), Want: list(Answered, rule)},
		{Name: "rebinding, mapped", Answers: list("93.184.216.34", "::ffff:10.0.0.1"), Want: list(Answered, rule)},
		{Name: "rebinding to a mixed answer", Answers: list("93.184.216.34", "93.184.216.34 10.0.0.1"), Want: list(Answered, rule)},
		{Name: "rebinding to and fro", Answers: list("10.0.0.1", "93.184.216.34", "10.0.0.1"), Want: list(rule, Answered, rule)},
		{Name: "another public address", Answers: list("93.184.216.34", "93.184.216.35"), Want: list(Answered, Answered)},
	}
	for i := range vs {
		vs[i].URL = "https://v.example:{port}/"
	}
	for _, pair := range [][2]string{
		{"localhost.localdomain", "127.0.0.1"},
		{"localtest.me", "127.0.0.1"},
		{"127.0.0.1.nip.io", "127.0.0.1"},
		{"7f000001.nip.io", "127.0.0.1"},
		{"10-0-0-1.sslip.io", "10.0.0.1"},
		{"metadata.google.internal", "169.254.169.254"},
		{"instance-data.ec2.internal", "169.254.169.254"},
		{"kubernetes.default.svc", "10.96.0.1"},
		{"host.docker.internal", "192.168.65.254"},
		{"fritz.box", "192.168.178.1"},
		{"printer.local", "169.254.7.7"},
		{"intranet.acme.example", "172.16.4.4"},
		{"acme.localhost", "127.0.0.1"},
		{"xn--loopback-kva.example", "127.0.0.1"},
		{"public-name.private.example", "fd00::5"},
		{"www.6to4.example", "2002:7f00:1::"},
		{"ipv4only.arpa", "192.0.0.170"},
		{"the-other-name-of-all.example", "0.0.0.0"},
	} {
		host, answer := pair[0], pair[1]
		vs = append(vs, Vector{Name: "name " + host, URL: "https://" + host + ":{port}/", Answers: list(answer), Want: list(rule)})
	}
	return vs
}

// redirectVectors answer a first, honest call with a redirect.
func redirectVectors() []Vector {
	var vs []Vector
	add := func(name, want string, status int, to ...string) {
		q := url.Values{"status": {fmt.Sprint(status)}, "to": to}
		vs = append(vs, Vector{Name: name, URL: "https://acme.example/?" + q.Encode(), Want: []string{want}})
	}
	const rule = "fetch-redirect"
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{
			"https://127.0.0.1/", "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/",
			"https://inside.example/", "https://bank.example/", "https://acme.example/", "/",
		} {
			add(fmt.Sprint(status, " to ", to), rule, status, to)
		}
	}
	for _, to := range []string{
		"", "//127.0.0.1/", "///127.0.0.1/", `\\127.0.0.1\`, "https:127.0.0.1", "HTTP://127.0.0.1/", "http://2130706433/",
		"https://acme.example@127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "javascript:alert(1)",
		"ftp://inside.example/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "%zz", "https://%zz/",
		"https://acme.example/?status=302&to=" + url.QueryEscape("https://inside.example/"),
		"https://bank.example/?status=307&to=" + url.QueryEscape("https://127.0.0.1/"),
	} {
		add(fmt.Sprintf("302 to %q", to), rule, 302, to)
	}
	add("two Locations", rule, 302, "https://acme.example/", "https://127.0.0.1/")
	add("no Location", rule, 302)
	add("300 with Location", "fetch-status", 300, "https://127.0.0.1/")
	add("304 with Location", "fetch-status", 304, "https://127.0.0.1/")
	add("305, use proxy", "fetch-status", 305, "https://127.0.0.1/")
	add("306 with Location", "fetch-status", 306, "https://127.0.0.1/")
	add("401 with Location", "fetch-status", 401, "https://127.0.0.1/")
	add("201 with Location, Refresh and Alt-Svc", Answered, 201, "https://127.0.0.1/")
	add("200 with Location, Refresh and Alt-Svc", Answered, 200, "https://127.0.0.1/")
	return vs
}

// loopbackVectors see that AllowLoopback allows loopback, and no more.
func loopbackVectors() []Vector {
	var vs []Vector
	add := func(url, want string, answers ...string) {
		name := strings.TrimSpace("loopback allowed: " + url + " " + strings.Join(answers, ", "))
		vs = append(vs, Vector{Name: name, URL: url, Answers: answers, Loopback: true, Want: []string{want}})
	}
	const rule = "fetch-address"
	add("http://127.0.0.1:{plain}/", Answered)
	add("http://localhost:{plain}/", Answered)
	add("http://[::1]:{plain}/", Answered)
	add("http://[::ffff:127.0.0.1]:{plain}/", Answered)
	add("http://127.255.255.255:{plain}/", Answered)
	add("http://v.example:{plain}/", Answered, "127.0.0.1")
	add("https://v.example:{tls}/", Answered, "127.0.0.1")
	add("https://v.example:{tls}/", Answered, "::1 127.0.0.1")
	add("https://acme.example/", Answered)
	add("http://acme.example:{port}/", rule)
	add("http://93.184.216.34:{port}/", rule)
	add("http://v.example:{port}/", rule, "127.0.0.1 93.184.216.34")
	add("http://v.example:{port}/", rule, "93.184.216.34 127.0.0.1")
	add("http://localhost:{port}/", rule, "10.0.0.1")
	for _, a := range []string{"0.0.0.0", "10.0.0.1", "192.168.1.1", "169.254.169.254", "128.0.0.0", "[::]", "[fe80::1]", "[fd00::1]", "[::2]", "[::ffff:10.0.0.1]"} {
		add("http://"+a+":{port}/", rule)
		if a != "128.0.0.0" {
			add("https://"+a+":{port}/", rule)
		}
	}
	add("https://v.example:{port}/", rule, "127.0.0.1 10.0.0.1")
	add("https://v.example:{port}/", rule, "64:ff9b::7f00:1")
	add("http://127.1:{port}/", "fetch-url")
	add("http://LOCALHOST.:{port}/", "fetch-url")
	add("http://user@localhost:{port}/", "fetch-url")
	add("http://local:{port}/", "fetch-url")
	add("ftp://localhost:{port}/", "fetch-https")
	add("http://localhost/", "fetch-port")
	add("http://localhost:22/", "fetch-port")
	return vs
}

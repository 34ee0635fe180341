package fetchtest

import (
	"fmt"
	"strings"
)

// urlVectors are spellings of URLs. On the left those that programs read in
// different ways, or that only hide where they lead.
func urlVectors() []Vector {
	var vs []Vector
	add := func(want string, urls ...string) {
		for _, u := range urls {
			vs = append(vs, Vector{Name: fmt.Sprintf("url %.90q", u), URL: u, Want: []string{want}})
		}
	}

	// 127.0.0.1 and 169.254.169.254, as inet_aton and browsers read them.
	for _, host := range []string{
		"2130706433", "0x7f000001", "0X7F000001", "017700000001", "00000000000000000000000000000017700000001",
		"0177.0.0.1", "0177.0.0.01", "0x7f.0.0.1", "0x7f.0x0.0x0.0x1", "0x7f.1", "0177.1", "127.1", "127.0.1",
		"127.0.0.01", "127.00.0.1", "0127.0.0.1", "127.0.0.1.", "127.0.0.1..", ".127.0.0.1", "127..0.1", "127.0.0.1.1",
		"127.0.0.256", "383.0.0.1", "4294967297", "6425673729", "0x17f000001", "127.0.0.0x1", "127.0.0x1", "0", "0x", "0.0",
		"2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.16689662", "0xa9.254.0251.254",
		"127.0.0.1%00", "127.0.0.1%0a", "127.0.0.1%2e", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127.0.0.1%20",
		"127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "１２７.０.０.１", "①②⑦.⓪.⓪.①", "127.0.0.1\u00ad", "\u200b127.0.0.1", "١٢٧.0.0.1",
		"acme.123", "acme.0x7f", "acme.1e3", "1.2.3.4.5", "localhost", "LOCALHOST", "localhost.", "Localhost.", "loc%61lhost", "ⓛocalhost",
		"lo\u00adcalhost", "ip6-localhost", "metadata", "kubernetes", "wpad", "intranet.", "com",
		"bücher.example", "acme。example", "ａcme.example", "acme.example.", "acme.example..", "acme..example", ".acme.example",
		"-acme.example", "acme-.example", "ac_me.example", "*.example", "acme.example,bank.example", "acme.example;bank.example",
		"acme!.example", "acme$.example", "'acme.example'", "(acme.example)", "acme~.example", "acme=.example",
		"[::ffff:7f00:1]", "[::127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[0::1]", "[::00]", "[::1%25lo]", "[::1%25]", "[fe80::1%25eth0]",
		"[::1%lo]", "[127.0.0.1]", "[acme.example]", "[]", "[::1", "::1]", "::1", "[[::1]]", "[::1].acme.example", "acme.example[::1]",
		"[v1.fe80]", "[::ffff:127.1]", "[::ffff:0x7f.0.0.1]", "[::ffff:127.0.0.01]", "[2606:2800:0220:1:248:1893:25c8:1946]",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 124) + "example",
	} {
		add("fetch-url", "https://"+host+":{port}/")
	}

	// A host in front of, or behind, the host.
	add("fetch-url",
		"https://acme.example@127.0.0.1:{port}/", "https://acme.example:443@127.0.0.1:{port}/", "https://@127.0.0.1:{port}/",
		"https://:@127.0.0.1:{port}/", "https://user:word@acme.example/", "https://127.0.0.1:{port}@acme.example/",
		"https://acme.example%40127.0.0.1:{port}/", `https://acme.example\@127.0.0.1:{port}/`, `https://127.0.0.1:{port}\@acme.example/`,
		"https://acme.example#@127.0.0.1:{port}/", "https://127.0.0.1:{port}#@acme.example/", "https://acme.example/#", "https://acme.example/#a",
		"https://a@b@127.0.0.1:{port}/", "https://acme.example%2f@127.0.0.1:{port}/", "https://acme.example%2f.127.0.0.1:{port}/",
		"https://acme.example%23.bank.example/", "https://acme.example%5c.bank.example/", "https://acme.example%3f.bank.example/")

	// Bytes that are dropped by some, end the URL for others.
	for _, b := range []string{"\x00", "\t", "\n", "\r", " ", "\x7f", "\u00a0", "\u2028", "\ufeff", "\xff", `\`, "\r\nHost: 127.0.0.1\r\n"} {
		add("fetch-url", "https://acme.example"+b+"/", "https://acme.example/"+b, b+"https://acme.example/", "ht"+b+"tps://127.0.0.1:{port}/")
	}

	// No host, or none that is one.
	add("fetch-url", "https:", "https://", "https:///", "https:/127.0.0.1:{port}/", "https:///127.0.0.1:{port}/", "https:127.0.0.1:{port}",
		"https:////127.0.0.1:{port}/", "https://:{port}/", "https://?127.0.0.1", "https://%zz/", "https://acme.example/%zz",
		"https://acme.example/"+strings.Repeat("a", 2048))

	// Other schemes.
	add("fetch-https",
		"http://acme.example/", "HTTP://acme.example/", "http://127.0.0.1:{port}/", "http://[::1]:{port}/", "http://localhost:{port}/",
		"http://v.example:{port}/", "file:///etc/passwd", "ftp://acme.example/", "gopher://127.0.0.1:{port}/_INFO",
		"dict://127.0.0.1:{port}/", "ldap://127.0.0.1:{port}/", "tftp://127.0.0.1/", "sftp://127.0.0.1/", "ws://127.0.0.1:{port}/",
		"wss://acme.example/", "data:text/plain,hello", "javascript:alert(1)", "unix:///var/run/docker.sock", "jar:https://acme.example!/",
		"view-source:https://acme.example/", "httpss://acme.example/", "https+unix://acme.example/", "//acme.example/", "//127.0.0.1:{port}/",
		"/", "", "acme.example", "acme.example:{port}", "mailto:a@acme.example", "about:blank", "did:web:acme.example")
	add("fetch-url", "127.0.0.1:{port}", "ht%74ps://acme.example/", "://acme.example/", ":")

	// Ports.
	for _, p := range []string{"0", "1", "22", "25", "53", "80", "110", "442", "444", "587", "993", "1023", "65536", "99999", "0443", "00443", "1844674407370955205"} {
		add("fetch-port", "https://acme.example:"+p+"/", "https://127.0.0.1:"+p+"/")
	}
	for _, p := range []string{"", "-1", "+443", "443x", "x", "https", "8443:443", "4%34", "４４３"} {
		add("fetch-url", "https://acme.example:"+p+"/")
	}

	// What looks odd and is right.
	add(Answered,
		"https://acme.example", "https://acme.example/", "HTTPS://ACME.example/", "https://acme.example:443/", "https://acme.example:1024/",
		"https://acme.example:8443/a/b?c=d&e=f", "https://acme.example:65535/", "https://acme.example?x", "https://acme.example/?@127.0.0.1:{port}/",
		"https://acme.example/@127.0.0.1:{port}/", "https://acme.example//127.0.0.1:{port}/", "https://acme.example/http://127.0.0.1/",
		"https://acme.example/..%2f..%2f", "https://acme.example/%00", "https://acme.example/?to=%0d%0aHost:%20127.0.0.1",
		"https://xn--bcher-kva.example/", "https://XN--BCHER-KVA.example/", "https://acme.example.bank.example/", "https://[2606:2800:220:1:248:1893:25c8:1946]/")
	return vs
}

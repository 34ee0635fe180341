package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"firsthand/connector/webhook"
	"firsthand/fault"
)

func TestConfig(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(secret)
	files := map[string]string{
		"SECRET":  secretFile(t, secret),
		"TWO":     secretFile(t, secret, secret),
		"FIVE":    secretFile(t, secret, secret, secret, secret, secret),
		"SHORT":   secretFile(t, secret[:23]),
		"LONG":    secretFile(t, make([]byte, 65)),
		"EMPTY":   keyFile(t, "\n"),
		"BARE":    keyFile(t, key),
		"KEY":     keyFile(t, "whsk_"+key),
		"MIXED":   keyFile(t, "whsk_"+base64.StdEncoding.EncodeToString(append(secret[:32:32], secret...))),
		"MISSING": t.TempDir() + "/none",
	}
	tests := []struct {
		name, config string
		ok           bool
	}{
		{"https", `{"url":"https://crm.example/hook","secret_file":"SECRET"}`, true},
		{"all", `{"name":"Flow","url":"https://crm.example:8443/hook?a=b","secret_file":"TWO"}`, true},
		{"on the network at home", `{"url":"https://10.0.0.7/hook","secret_file":"SECRET"}`, true},
		{"loopback", `{"url":"http://127.0.0.1:8080/","secret_file":"SECRET"}`, true},
		{"loopback, IPv6", `{"url":"http://[::1]:8080/","secret_file":"SECRET"}`, true},
		{"localhost", `{"url":"http://localhost:8080/","secret_file":"SECRET"}`, true},
		{"keys", `{"url":"https://crm.example/","key_file":"KEY","peer_keys":["whpk_PUBLIC"]}`, true},

		{"http", `{"url":"http://crm.example/","secret_file":"SECRET"}`, false},
		{"http on the network at home", `{"url":"http://10.0.0.7/","secret_file":"SECRET"}`, false},
		{"a name like localhost", `{"url":"http://localhost.example/","secret_file":"SECRET"}`, false},
		{"another scheme", `{"url":"ftp://crm.example/","secret_file":"SECRET"}`, false},
		{"no host", `{"url":"/hook","secret_file":"SECRET"}`, false},
		{"a password", `{"url":"https://a:b@crm.example/","secret_file":"SECRET"}`, false},
		{"a fragment", `{"url":"https://crm.example/#x","secret_file":"SECRET"}`, false},
		{"no URL", `{"secret_file":"SECRET"}`, false},
		{"no secret", `{"url":"https://crm.example/"}`, false},
		{"no such file", `{"url":"https://crm.example/","secret_file":"MISSING"}`, false},
		{"an empty file", `{"url":"https://crm.example/","secret_file":"EMPTY"}`, false},
		{"no prefix", `{"url":"https://crm.example/","secret_file":"BARE"}`, false},
		{"a short secret", `{"url":"https://crm.example/","secret_file":"SHORT"}`, false},
		{"a long secret", `{"url":"https://crm.example/","secret_file":"LONG"}`, false},
		{"five secrets", `{"url":"https://crm.example/","secret_file":"FIVE"}`, false},
		{"a key for a secret", `{"url":"https://crm.example/","secret_file":"KEY"}`, false},
		{"both", `{"url":"https://crm.example/","secret_file":"SECRET","key_file":"KEY","peer_keys":["whpk_PUBLIC"]}`, false},
		{"no peers", `{"url":"https://crm.example/","key_file":"KEY"}`, false},
		{"peers alone", `{"url":"https://crm.example/","peer_keys":["whpk_PUBLIC"]}`, false},
		{"a secret key for a public one", `{"url":"https://crm.example/","key_file":"KEY","peer_keys":["whsk_PUBLIC"]}`, false},
		{"a key that isn't its own", `{"url":"https://crm.example/","key_file":"MIXED","peer_keys":["whpk_PUBLIC"]}`, false},
		{"unknown member", `{"url":"https://crm.example/","secret_file":"SECRET","retries":3}`, false},
		{"two values", `{"url":"https://crm.example/","secret_file":"SECRET"}{}`, false},
		{"not JSON", `url`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.ReplaceAll(tt.config, "PUBLIC", key)
			for name, file := range files {
				text = strings.ReplaceAll(text, `"`+name+`"`, fmt.Sprintf("%q", file))
			}
			c, err := webhook.New(json.RawMessage(text))
			if (err == nil) != tt.ok || (c == nil) == tt.ok {
				t.Fatalf("New = %v, %v, want success: %t", c, err, tt.ok)
			}
			if err != nil && (fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), key)) {
				t.Errorf("%v: want invalid, and not the key", err)
			}
			shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, c)
			if strings.Contains(shown, key) || strings.Contains(shown, fmt.Sprint(secret[:4])[1:10]) || strings.Contains(shown, string(secret)) {
				t.Errorf("printing the connector prints its secret: %s", shown)
			}
		})
	}
}

package look_test

import (
	"testing"

	"firsthand/internal/look"
)

func TestMarkup(t *testing.T) {
	var m look.Markup
	m.Tags(`<a title="`).Text(`"><b>'&`).Tags(`">`).Text("<script>\x00").Add("<br>").Tags(`</a>`)
	if got, want := string(m.HTML()), `<a title="&#34;&gt;&lt;b&gt;&#39;&amp;">&lt;script&gt;`+"�"+`<br></a>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

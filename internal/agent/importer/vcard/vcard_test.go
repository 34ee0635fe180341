package vcard_test

import (
	"strings"
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/importertest"
	"firsthand/internal/agent/importer/vcard"
)

func TestCards(t *testing.T) {
	const begin, end = "BEGIN:VCARD\nVERSION:3.0\n", "\nEND:VCARD\n"
	tests := []struct{ name, card, want string }{
		{"organisation", begin + "ORG:A;B\nTEL:1" + end, `1 contact "A" org="A" person=false phone="1"`},
		{"person there", begin + "N:B;A\nORG:C" + end, `1 contact "A B" org="C" person=true name="A B"`},
		{"a name that is the organisation's", begin + "FN:C\nORG:C\nADR:;;S;T" + end, `1 contact "C" org="C" person=false address="city: T, street: S"`},
		{"kind", begin + "KIND:org\nFN:A" + end, `1 contact "A" org="A" person=false`},
		{"the preferred comes first", begin + "FN:A\nEMAIL:a\nEMAIL;PREF=50:b\nEMAIL;TYPE=pref:c" + end, `1 contact "A" org="" person=true name="A" email="c" email="b" email="a"`},
		{"group and label", begin + "FN:A\nx.TEL:1\nx.X-ABLabel:Work\ny.TEL:2\ny.X-ABLabel:iPhone\nX-ABLabel:Work\nTEL:3" + end,
			`1 contact "A" org="" person=true name="A" phone.work="1" phone.mobile="2" phone="3"`},
		{"folded", begin + "FN:A\r\n  B\n\tC" + end, `1 contact "A BC" org="" person=true name="A BC"`},
		{"a colon within quotes", begin + "FN:A\nTEL;X=\"a:b;c\";TYPE=\"work,voice\":1" + end, `1 contact "A" org="" person=true name="A" phone.work="1"`},
		{"no name", begin + "EMAIL:a" + end, `1 contact "" org="" person=false email="a"`},
		{"CR alone", strings.ReplaceAll(begin+"FN:A"+end, "\n", "\r"), `1 contact "A" org="" person=true name="A"`},
		{"a line that is too long", begin + "PHOTO:" + strings.Repeat("x\n ", importer.RowLimit) + "\nFN:A" + end, `1 contact "A" org="" person=true name="A"`},
		{"too long a name", begin + "FN:A\nX;" + strings.Repeat("x", 5000) + ":" + end, "1 bad: has a property with a name that is too long"},
		{"too much", begin + "FN:A" + strings.Repeat("\nTEL:"+strings.Repeat("1", 1<<18), 5) + end, "1 bad: is too long"},
		{"a group of contacts", begin + "KIND:group\nFN:A" + end, ""},
	}
	for _, tt := range tests {
		var got []string
		_, found, err := importer.Read(strings.NewReader(tt.card), vcard.Format{})
		if err != nil {
			t.Fatal(err)
		}
		for f, err := range found {
			got = append(got, importertest.Show(f, err))
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%s: %.300s\nwant %s", tt.name, s, tt.want)
		}
	}
}

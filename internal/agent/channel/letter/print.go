package letter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"github.com/boombuler/barcode/qr"
	"github.com/go-fonts/liberation/liberationsansbold"
	"github.com/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
)

// Sizes of letters in points, and the height of their lines in millimetres.
const (
	textSize, textLine   = 10.5, 5.0
	smallSize, smallLine = 8.5, 3.8
	tinySize             = 7.0
	between              = 3.2 // paragraphs
	signature            = 16  // the room to sign
)

const family = "text"

// Print writes letters as one PDF, in their order, each on pages of its own, on
// [channel.A4] or [channel.USLetter]. The same requests give the same bytes. What
// can't be printed is left out, and left says why: an error for each request, nil for
// those in the file. Where none is left the error is [fault.Invalid].
func (c Letter) Print(w io.Writer, paper string, requests []letters.Request) (left []error, err error) {
	sheet, err := paperOf(paper)
	if err != nil {
		return nil, err
	}
	p := newPrinter(sheet)
	left = make([]error, len(requests))
	var made firsthand.Date
	for i := range requests {
		r := &requests[i]
		l, err := c.compose(r)
		if err == nil {
			err = p.letter(&l, r, addressee(r.To))
		}
		if err != nil {
			left[i] = err
			continue
		}
		made = max(made, r.Made)
	}
	if p.pdf.PageCount() == 0 {
		return left, errors.Join(append([]error{fault.Refuse(fault.Invalid, "letter", "nothing that can be printed")}, left...)...)
	}
	// The file says when its last letter was written, and not when it was printed: the
	// same letters are the same file.
	at := time.Unix(0, 0).UTC()
	if made != "" {
		at = made.End().Add(-12 * time.Hour)
	}
	p.pdf.SetCreationDate(at)
	p.pdf.SetModificationDate(at)
	var out bytes.Buffer // an error must not leave half a file behind
	if err := p.pdf.Output(&out); err != nil {
		return left, fmt.Errorf("print letters: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return left, err
}

// A printer lays out letters on one paper.
type printer struct {
	paper
	pdf  *fpdf.Fpdf
	font *sfnt.Font
	buf  sfnt.Buffer
}

func newPrinter(sheet paper) *printer {
	p := &printer{paper: sheet, pdf: fpdf.New("P", "mm", sheet.size, "")}
	p.pdf.SetAutoPageBreak(false, 0)
	p.pdf.SetMargins(0, 0, 0)
	p.pdf.SetCellMargin(0)
	p.pdf.SetCatalogSort(true)
	p.pdf.SetProducer("Firsthand", true)
	p.pdf.AddUTF8FontFromBytes(family, "", slices.Clone(liberationsansregular.TTF))
	p.pdf.AddUTF8FontFromBytes(family, "B", slices.Clone(liberationsansbold.TTF))
	p.font, _ = sfnt.Parse(liberationsansregular.TTF) // it parses, or no test passes
	return p
}

// A line is one line of text that has its place on the page.
type line struct {
	text   string
	bold   bool
	indent float64
	before float64 // room above it
	keep   bool    // it stands on one page with the line before it
}

// letter adds a letter.
func (p *printer) letter(l *letters.Letter, r *letters.Request, to []string) error {
	if missing := p.missing(l, r, to); missing != "" {
		return fault.Tell(fault.Invalid, "a letter can't be printed with "+missing, "write those names in Latin, Greek or Cyrillic letters")
	}
	address, size, err := p.fit(to)
	if err != nil {
		return err
	}
	lines := p.lines(l)
	pages := p.paginate(lines)
	for n, page := range pages {
		p.pdf.AddPage()
		p.marks(n)
		y := p.next
		if n == 0 {
			p.heading(l, r, address, size)
			y = p.text
		}
		for i, ln := range page {
			if i > 0 {
				y += ln.before
			}
			p.write(box{p.left + ln.indent, y, 0, textLine}, textSize, ln.bold, ln.text)
			y += textLine
		}
		if len(pages) > 1 {
			p.foot(fmt.Sprintf("%s   %d/%d", l.Ref, n+1, len(pages)))
		}
	}
	return p.pdf.Error()
}

// heading prints what stands above the text on the first page.
func (p *printer) heading(l *letters.Letter, r *letters.Request, address []string, size float64) {
	y := p.head.y
	if r.From.Name != "" {
		p.write(box{p.head.x, y, p.head.w, textLine}, textSize, true, channel.Clean(r.From.Name))
		y += textLine
	}
	for _, text := range append(slices.Clone(r.From.Lines), r.From.Mail) {
		if text = channel.Clean(text); text != "" && y < p.head.y+p.head.h {
			p.write(box{p.head.x, y, p.head.w, smallLine}, smallSize, false, text)
			y += smallLine + 0.4
		}
	}
	if back := p.backLine(r); p.back.w > 0 && back != "" {
		p.write(p.back, tinySize, false, back)
		p.pdf.SetLineWidth(0.1)
		p.pdf.Line(p.back.x, p.back.y+p.back.h-0.6, p.back.x+p.back.w, p.back.y+p.back.h-0.6)
	}
	// The address stands at the foot of its window, as forms want it.
	height := lineOf(size)
	y = p.window.y + p.window.h - float64(len(address))*height
	if p.back.w > 0 {
		y = min(y, p.window.y+12.7) // below the zone for notes, as long as there is room
	}
	for _, text := range address {
		p.write(box{p.window.x, y, p.window.w, height}, size, false, text)
		y += height
	}
	y = p.info.y
	for _, info := range l.Info {
		p.write(box{p.info.x, y, p.info.w, 3}, tinySize, false, info.Label)
		p.write(box{p.info.x, y + 3, p.info.w, 4}, smallSize, false, info.Text)
		y += 8.2
	}
	p.code(l.Ref)
}

// backLine returns her address on one line, for the case that the post brings the
// letter back.
func (p *printer) backLine(r *letters.Request) string {
	if len(r.From.Lines) == 0 {
		return ""
	}
	return channel.Clean(strings.Join(append([]string{r.From.Name}, r.From.Lines...), " · "))
}

// marks prints fold and punch marks at the left edge, on the first page.
func (p *printer) marks(page int) {
	if page > 0 {
		return
	}
	p.pdf.SetLineWidth(0.1)
	for _, y := range p.folds {
		p.pdf.Line(4, y, 8, y)
	}
	if p.punch > 0 {
		p.pdf.Line(4, p.punch, 10, p.punch)
	}
}

// foot prints what stands at the foot of each page of a letter that has several.
func (p *printer) foot(text string) {
	p.pdf.SetFont(family, "", smallSize)
	w := p.pdf.GetStringWidth(text)
	p.write(box{p.width - p.right - w, p.height - 15, w, smallLine}, smallSize, false, text)
}

// code prints the QR code of the reference, and nothing where there is none.
func (p *printer) code(ref string) {
	if ref == "" {
		return
	}
	code, err := qr.Encode(ref, qr.M, qr.Unicode)
	if err != nil {
		return // the reference stands beside it in letters
	}
	n := code.Bounds().Dx()
	side := p.qr.w / float64(n)
	p.pdf.SetFillColor(0, 0, 0)
	for y := range n {
		for x := 0; x < n; x++ {
			from := x // a run of dark squares is one rectangle, so that no light shines through
			for x < n && dark(code.At(x, y).RGBA()) {
				x++
			}
			if x > from {
				p.pdf.Rect(p.qr.x+float64(from)*side, p.qr.y+float64(y)*side, float64(x-from)*side, side, "F")
			}
		}
	}
}

func dark(r, _, _, _ uint32) bool { return r < 0x8000 }

// lines returns the text of a letter broken into lines.
func (p *printer) lines(l *letters.Letter) (all []line) {
	add := func(text string, bold bool, before float64) {
		p.setFont(textSize, bold)
		for i, raw := range strings.Split(text, "\n") {
			indent := 0.0
			if strings.HasPrefix(raw, "    ") {
				indent = 8
			}
			for j, part := range p.broken(strings.TrimSpace(raw), p.width-p.left-p.right-indent) {
				ln := line{text: part, bold: bold, indent: indent, keep: indent > 0 && j == 0 && i == 1}
				if i == 0 && j == 0 {
					ln.before = before
				}
				all = append(all, ln)
			}
		}
	}
	add(l.Subject, true, 0)
	add(l.Salutation, false, 2*between)
	for _, text := range l.Paragraphs {
		add(text, false, between)
	}
	closing := len(all)
	add(l.Closing, false, between+1)
	if l.Signature != "" {
		at := len(all)
		add(l.Signature, false, signature)
		for i := at; i < len(all); i++ {
			all[i].keep = true
		}
	}
	if closing > 0 {
		all[closing].keep = true // no page has a closing alone
	}
	if len(l.Enclosures) > 0 {
		add(l.Enclosed+"\n"+strings.Join(l.Enclosures, "\n"), false, 2*between)
	}
	return all
}

// paginate parts lines into pages.
func (p *printer) paginate(lines []line) (pages [][]line) {
	var page []line
	y := p.text
	for i := 0; i < len(lines); i++ {
		ln := lines[i]
		if len(page) > 0 && y+ln.before+textLine > p.height-p.bottom {
			cut := len(page)
			for cut > 1 && (cut == len(page) && ln.keep || cut < len(page) && page[cut].keep) {
				cut--
			}
			moved := slices.Clone(page[cut:])
			pages = append(pages, page[:cut])
			page, y = moved, p.next
			for j, m := range page {
				if j > 0 {
					y += m.before
				}
				y += textLine
			}
		}
		if len(page) > 0 {
			y += ln.before
		}
		page = append(page, ln)
		y += textLine
	}
	return append(pages, page)
}

// fit returns the lines of an address as they fit into the window, and the size of
// their letters.
func (p *printer) fit(to []string) (lines []string, size float64, err error) {
	for _, size := range []float64{textSize, 9.5, 8.5, 7.5, 6.5} {
		p.setFont(size, false)
		lines = nil
		for _, text := range to {
			lines = append(lines, p.broken(text, p.window.w)...)
		}
		room := p.window.h
		if p.back.w > 0 && size == textSize {
			room -= 12.7
		}
		if float64(len(lines))*lineOf(size) <= room+0.01 {
			return lines, size, nil
		}
	}
	return nil, 0, fault.Tell(fault.Invalid, "its address is too long for the window of an envelope", "shorten it on its page")
}

// lineOf returns the height of a line in letters of a size: 4.55 mm for the usual
// ones, as DIN 5008 has it.
func lineOf(size float64) float64 { return size * 4.55 / textSize }

// broken breaks text into lines of a width, in words where it can. The font is set.
func (p *printer) broken(text string, width float64) (lines []string) {
	at := ""
	for word := range strings.SplitSeq(text, " ") {
		with := word
		if at != "" {
			with = at + " " + word
		}
		if p.pdf.GetStringWidth(clear(with)) <= width {
			at = with
			continue
		}
		if at != "" {
			lines = append(lines, at)
		}
		at = ""
		for _, r := range word { // a word may be longer than a line
			if at != "" && p.pdf.GetStringWidth(clear(at+string(r))) > width {
				lines, at = append(lines, at), ""
			}
			at += string(r)
		}
	}
	return append(lines, at)
}

func (p *printer) setFont(size float64, bold bool) {
	style := ""
	if bold {
		style = "B"
	}
	p.pdf.SetFont(family, style, size)
}

// write prints one line of text into a box, smaller where it is too long for it.
func (p *printer) write(b box, size float64, bold bool, text string) {
	text = clear(text)
	p.setFont(size, bold)
	if w := p.pdf.GetStringWidth(text); b.w > 0 && w > b.w {
		for size > 4 && p.pdf.GetStringWidth(text) > b.w {
			size -= 0.5
			p.setFont(size, bold)
		}
		for p.pdf.GetStringWidth(text) > b.w {
			r := []rune(text)
			text = string(r[:len(r)*9/10]) + "…"
		}
	}
	p.pdf.Text(b.x, b.y+b.h*0.76, text)
}

// clear returns text as the font has it: composed letters, without joiners.
func clear(text string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if r == '\u200c' || r == '\u200d' || r >= '\ufe00' && r <= '\ufe0f' {
			return -1
		}
		return r
	}, text))
}

// missing returns what the font lacks, or writes from right to left, which nobody
// here lays out; "" if all can be printed.
func (p *printer) missing(l *letters.Letter, r *letters.Request, to []string) string {
	all := slices.Concat([]string{l.Subject, l.Salutation, l.Closing, l.Signature, l.Enclosed, r.From.Name, r.From.Mail}, l.Paragraphs, l.Enclosures, r.From.Lines, to)
	for _, info := range l.Info {
		all = append(all, info.Label, info.Text)
	}
	var missing []rune
	for _, text := range all {
		for _, c := range clear(text) {
			if c == '\n' || slices.Contains(missing, c) {
				continue
			}
			index, err := p.font.GlyphIndex(&p.buf, c)
			if err != nil || index == 0 || unicode.In(c, unicode.Hebrew, unicode.Arabic) {
				missing = append(missing, c)
			}
		}
	}
	if len(missing) > 20 {
		missing = append(missing[:20], '…')
	}
	return string(missing)
}

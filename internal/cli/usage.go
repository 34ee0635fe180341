package cli

import (
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
)

// usage returns the program's usage: what it is, its commands, its globals.
func (p *Program[A]) usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nusage: %s command [flags] [arguments]\n\n", p.Name, p.Short, p.Name)
	b.WriteString(p.Manual())
	if len(p.Globals) > 0 {
		b.WriteString("\nflags of every command:\n")
		b.WriteString(flagList(p.flagSet(map[string]string{}), nil))
	}
	fmt.Fprintf(&b, "\n\"%s help command\" says more about one.\n", p.Name)
	return b.String()
}

// Manual returns the list of commands, a line each. The package comment of the
// command holds the same list, and a test compares them.
func (p *Program[A]) Manual() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, c := range p.Commands {
		fmt.Fprintf(w, "  %s\t%s\n", strings.TrimSpace(c.Name+" "+c.Args), c.Short)
	}
	w.Flush() // to memory
	return b.String()
}

// seeHelp is the usage that goes below an unknown command or flag: short, so
// that the line above stays in sight.
func (p *Program[A]) seeHelp() string {
	return fmt.Sprintf("usage: %s command [flags] [arguments]\n\"%s help\" lists the commands.\n", p.Name, p.Name)
}

// help answers "help" and "help command".
func (p *Program[A]) help(args []string) error {
	if len(args) == 0 {
		return help(p.usage())
	}
	c, err := p.find(args[0])
	if err != nil {
		return err
	}
	c.flags = p.flagSet(map[string]string{})
	c.command.Setup(c.flags)
	return help(c.help())
}

// usageLine is one line: how the command is called.
func (c *call[A]) usageLine() string {
	line := "usage: " + c.program.Name + " " + c.command.Name
	if flagList(c.flags, c.program.Globals) != "" {
		line += " [flags]"
	}
	if c.command.Args != "" {
		line += " " + c.command.Args
	}
	return line + "\n"
}

// help is the command's own help.
func (c *call[A]) help() string {
	var b strings.Builder
	b.WriteString(c.usageLine())
	long := c.command.Long
	if long == "" {
		long = c.command.Short
	}
	fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(long))
	if list := flagList(c.flags, c.program.Globals); list != "" {
		fmt.Fprintf(&b, "\nflags:\n%s", list)
	}
	return b.String()
}

// flagList returns a line for each flag of fs but the globals, sorted by name.
func flagList(fs *flag.FlagSet, except []Global) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fs.VisitAll(func(f *flag.Flag) {
		for _, g := range except {
			if g.Name == f.Name {
				return
			}
		}
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s\t%s", strings.TrimSpace(f.Name+" "+value), usage)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
	w.Flush() // to memory
	return b.String()
}

// similar returns that of names which name may have meant, or "".
func similar(name string, names []string) string {
	best, least := "", 3 // two slips at most, and fewer than letters
	for _, n := range names {
		if d := distance(name, n); d < least && d < len(n) {
			best, least = n, d
		}
	}
	return best
}

// distance counts the slips between a and b: letters that are added, missing,
// wrong, or swapped with their neighbour.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// benchProgress says what is being measured: on a terminal on one line that is written over, elsewhere only when another
// experiment begins. It writes between two measurements, never beside one.
type benchProgress struct {
	w     io.Writer
	width int // of the terminal, 0 if it is none
	now   string
}

func newBenchProgress(w io.Writer) *benchProgress {
	p := &benchProgress{w: w}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		p.width, _, _ = term.GetSize(int(file.Fd()))
	}
	return p
}

func (p *benchProgress) begin(experiment string, number, of int) {
	p.now = fmt.Sprintf("measuring %s (%d of %d)", experiment, number, of)
	if p.width == 0 {
		fmt.Fprintln(p.w, p.now)
		return
	}
	p.line(p.now)
}

func (p *benchProgress) way(name string, round, rounds int) {
	if p.width > 0 {
		p.line(fmt.Sprintf("%s: round %d of %d, %s", p.now, round, rounds, printable(name)))
	}
}

func (p *benchProgress) end() {
	if p.width > 0 {
		p.line("")
	}
}

// line writes over what the line says.
func (p *benchProgress) line(says string) {
	fmt.Fprintf(p.w, "\r\x1b[K%s", text.Trim(says, p.width-1))
}

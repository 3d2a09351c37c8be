package storetest

import (
	"fmt"
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
)

// hostile are aggregate ids that mean something to one kind of store or another.
var hostile = []string{
	"*", ">", "a.b", "a.*", "$SYS", "%", "_", "a%", "'", "'; drop table events; --", `"`, `\`, "a b", " ", " a", "a ", "..",
	"../a", "/etc/passwd", "a/b", "a:b", "NULL", "0", "-1", "1e3", "A", "a", "é", "e\u0301", "😀", "ﬁ", "a\u200bb", "\u202ea",
	"日本語", strings.Repeat("x", engine.MaxNameBytes), strings.Repeat("x", engine.MaxNameBytes-1) + "y",
	strings.Repeat("é", engine.MaxNameBytes/2),
}

func hostileIDs(p *probe) {
	for round := range 2 {
		for i, id := range hostile {
			result := p.stored(newAppend(id, engine.Exactly(engine.Version(round*(i+1))), i+1))
			p.Equal(engine.Version(round*(i+1)+1), result.First, "%q mixes with another aggregate", id)
		}
	}
	for i, id := range hostile {
		p.Len(p.load(id), 2*(i+1), "G3: %q has other events than were appended to it", id)
	}
	p.Empty(p.load("nobody"))
}

func badIDs(p *probe) {
	bad := map[string]string{
		"empty": "", "256 bytes": strings.Repeat("x", engine.MaxNameBytes+1), "NUL": "a\x00b", "newline": "a\nb", "tab": "\t",
		"DEL": "a\x7f", "C1 control": "a\u0085", "invalid UTF-8": "a\xff", "cut UTF-8": "é"[:1], "surrogate": "\xed\xa0\x80",
	}
	for name, id := range bad {
		p.refused(newAppend(id, engine.Any, 1), engine.ErrLimit, "G10: an aggregate id was accepted: "+name)
		p.refused(newAppend(id, engine.NoStream, 0), engine.ErrLimit, "G10: an aggregate id was accepted: "+name)
		a := newAppend("a", engine.Any, 2)
		a.Events[1].Type = id
		p.refused(a, engine.ErrLimit, "G10: an event type was accepted: "+name)
	}
	p.Empty(p.read(0), "G10: a refused append left events")
}

func exactLimits(p *probe) {
	p.stored(newAppend("a", engine.NoStream, engine.MaxAppendEvents))
	p.refused(newAppend("a", engine.Any, engine.MaxAppendEvents+1), engine.ErrLimit, "G10: too many events were accepted")
	payload := func(sizes ...int) engine.Append {
		a := newAppend("b", engine.Any, len(sizes))
		for i, n := range sizes {
			a.Events[i].Data = engine.Raw(`"` + strings.Repeat("x", n-2) + `"`)
		}
		return a
	}
	p.stored(payload(engine.MaxAppendBytes))
	p.stored(payload(engine.MaxAppendBytes/2, engine.MaxAppendBytes/2))
	p.refused(payload(engine.MaxAppendBytes+1), engine.ErrLimit, "G10: too many bytes were accepted")
	p.refused(payload(engine.MaxAppendBytes/2, engine.MaxAppendBytes/2+1), engine.ErrLimit, "G10: too many bytes were accepted")
	p.Len(p.load("a"), engine.MaxAppendEvents, "an append at the limit is not whole")
	p.Len(p.load("b"), 3, "G10: a refused append left events")
	large := make([]engine.Append, 12) // together more than any sensible transaction
	for i := range large {
		large[i] = payload(engine.MaxAppendBytes)
	}
	for _, result := range p.call(large...) {
		p.NoError(result.Err, "each append of a call has its own limit")
	}
	for _, event := range p.load("b")[3:] {
		p.Len(event.Data, engine.MaxAppendBytes, "a large payload was cut")
	}
}

func contradictions(p *probe) {
	both := newAppend("a", engine.NoStream, 1)
	both.Rejection = "and accepted"
	p.refused(both, engine.ErrLimit, "an append with events and a rejection was accepted")
	foreign := newAppend("a", engine.NoStream, 2)
	foreign.Events[1].Subject = "b"
	p.refused(foreign, engine.ErrLimit, "an event of another aggregate was accepted")
	p.Empty(p.read(0), "a refused append left events")
}

func metadataLimits(p *probe) {
	attributes := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprint("name", i)] = strings.Repeat("v", engine.MaxNameBytes)
		}
		return m
	}
	full := newAppend("a", engine.NoStream, 1)
	full.Events[0].Metadata = attributes(engine.MaxMetadata)
	full.Events[0].Metadata["name0"] = ""
	delete(full.Events[0].Metadata, "name1")
	full.Events[0].Metadata[strings.Repeat("n", engine.MaxNameBytes)] = "\x00\n\x7f" // a value may hold anything that is UTF-8
	p.stored(full)
	p.Equal(full.Events[0].Metadata, p.load("a")[0].Metadata, "metadata at the limit did not come back as written")
	long := strings.Repeat("x", engine.MaxNameBytes+1)
	for why, metadata := range map[string]map[string]string{
		"too many attributes": attributes(engine.MaxMetadata + 1), "a long name": {long: "v"}, "a long value": {"n": long},
		"an empty name": {"": "v"}, "a control character in a name": {"a\nb": "v"}, "a name that is not UTF-8": {"\xff": "v"},
		"a value that is not UTF-8": {"n": "\xff"},
	} {
		bad := newAppend("a", engine.Any, 2)
		bad.Events[1].Metadata = metadata
		p.refused(bad, engine.ErrLimit, "G10: metadata was accepted with "+why)
	}
	p.Len(p.load("a"), 1, "G10: a refused append left events")
}

func badAttributes(p *probe) {
	long := strings.Repeat("x", engine.MaxNameBytes+1)
	for _, value := range []string{long, "a\nb", "\xff", "\x00"} {
		for what, set := range map[string]func(m *engine.Message){
			"type": func(m *engine.Message) { m.Type = value }, "source": func(m *engine.Message) { m.Source = value },
			"content type": func(m *engine.Message) { m.ContentType = value },
			"schema":       func(m *engine.Message) { m.Schema = value },
			"traceparent":  func(m *engine.Message) { m.TraceParent = value },
		} {
			bad := newAppend("a", engine.Any, 2)
			set(&bad.Events[1].Message)
			p.refused(bad, engine.ErrLimit, fmt.Sprintf("G10: %s %.20q was accepted", what, value))
		}
	}
	rejection := newAppend("a", engine.Any, 0)
	rejection.Rejection = strings.Repeat("x", engine.MaxAppendBytes+1)
	p.refused(rejection, engine.ErrLimit, "G10: a rejection that is too long was accepted")
	p.Empty(p.read(0), "G10: a refused append left events")
}

package storetest_test

// caught says for every check which canaries it catches, by their flaws. Each rule has at least one.
var caught = []struct {
	check string
	flaws []string
}{
	{"an empty store is empty", []string{"an empty log has an end", "no name"}},
	{"versions start at 1 and have no gap", []string{"versions start at 0", "versions have gaps"}},
	{"positions increase in the sequence of the log", []string{
		"positions go back", "a result has the position of its first event", "stale log", "the end is late",
	}},
	{"all fields of a message come back as written", []string{
		"metadata is lost", "time is kept in microseconds", "the correlation id is lost", "the schema is lost",
		"the traceparent is lost",
	}},
	{"payload bytes come back as written", []string{
		"payloads are trimmed", "payloads are made UTF-8", "payloads end at a NUL", "large payloads are cut",
	}},
	{"an append without events answers the version", []string{
		"an append without events is unconditional", "an append without events takes a version",
	}},
	{"a call without appends answers nothing", []string{"an empty call has a result"}},
	{"the appends of one call are independent", []string{
		"one failure fails the call", "results come in another sequence",
	}},
	{"the appends of one call are applied in sequence", []string{
		"a call is applied backwards", "a call is checked before it is applied",
	}},
	{"an append behind a failed one of its aggregate conflicts", []string{"a conflict counts for the next"}},
	{"an append that is chained conflicts unless the one before it is stored", []string{
		"Chained is ignored", "an append that is bad breaks no chain", "what is not chained breaks too",
		"a broken chain keeps the command id", "a conflict has no numbers", "a chain breaks at another version only",
	}},
	{"a chain breaks to its end", []string{"a chain breaks only once", "Chained is ignored"}},
	{"a chain goes on behind what has no events", []string{
		"a chain breaks behind a rejection", "a chain breaks behind an append without events",
	}},
	{"a command id is looked at before the chain", []string{
		"a chain is looked at before the command id", "a duplicate breaks no chain",
	}},
	{"expected never holds for no version", []string{
		"Never is a version", "Never is an empty stream", "Never holds for a rejection",
		"Never holds without events", "Never keeps the command id", "a conflict has wrong numbers",
	}},
	{"expected never asks for a command id", []string{
		"Never is answered unasked", "a command id answers any digest", "a command id answers any aggregate",
		"a repeat loses the reason",
	}},
	{"a refused append leaves none of its events", []string{
		"a bad event leaves those before it", "a conflict takes a version",
	}},
	{"a large call is stored whole", []string{"a large call is cut"}},
	{"expected no stream", []string{"NoStream is not checked"}},
	{"expected exact version", []string{
		"stale read",
		"an exact version is not checked", "an exact version is a minimum", "lost update",
	}},
	{"expected any version", []string{"Any demands an empty stream"}},
	{"a conflict names expected and actual version", []string{
		"a conflict has no numbers", "a conflict has wrong numbers",
	}},
	{"of concurrent appends with one expected version one wins", []string{"two look at the version at once"}},
	{"concurrent use keeps every stream whole", []string{"two look at the version at once"}},
	{"a command id answers its first result", []string{
		"a command is stored twice", "old command ids are forgotten", "a repeat is not marked",
		"a repeat answers the version of now", "a repeat loses the position",
	}},
	{"a command id is looked at before the version", []string{"the version is looked at before the command id"}},
	{"a command id counts within one call", []string{"a command id does not count within its call"}},
	{"a command id of a failed append is free", []string{"a conflict keeps the command id"}},
	{"a command id of another aggregate is refused", []string{
		"a command id is each aggregate's own", "a command id answers any aggregate",
	}},
	{"a command id of another digest is refused", []string{
		"a command id answers any digest", "a reused id has no names",
	}},
	{"a digest of zero is compared with nothing", []string{
		"a digest of zero is compared", "a repeat replaces the digest",
	}},
	{"a zero command id is no id", []string{"a zero command id is kept"}},
	{"a rejection is kept", []string{"a rejection is not kept", "a repeat loses the reason"}},
	{"a rejection is conditional on the version", []string{"a rejection is unconditional"}},
	{"concurrent repeats of a command store it once", []string{"two look for a command id at once"}},
	{"load starts at a version, inclusive", []string{"Load is exclusive", "Load ignores the version"}},
	{"read starts behind a position, exclusive", []string{"Read is inclusive", "Read gives a page only"}},
	{"an iteration can be broken off and repeated", []string{
		"breaking off leaks", "an iteration goes on when it is broken off", "an iteration runs once",
	}},
	{"an iteration may use the store", []string{"an iteration holds the store"}},
	{"an iteration ends with its context", []string{
		"an iteration ignores its context", "an iteration ends in silence", "an iteration goes on behind its error",
	}},
	{"a reader beside writers sees every event once, in sequence", []string{"unsafe position"}},
	{"a load beside writers is a prefix", []string{"Load goes back", "unsafe position"}},
	{"no half append is seen", []string{"half an append is seen"}},
	{"follow catches up and goes on live", []string{"Wait does not wake"}},
	{"wait wakes", []string{"Wait does not wake"}},
	{"wait ends with its context and with the store", []string{
		"Wait wakes without an event", "Wait hides that its context ended", "Wait gives up",
		"closing does not end Wait",
	}},
	{"hostile aggregate ids do not mix", []string{
		"aggregate ids are folded", "aggregate ids are trimmed", "aggregate ids are cut",
	}},
	{"bad aggregate ids are refused", []string{
		"unchecked: aggregate id", "unchecked: engine: type", "limits are no LimitError",
	}},
	{"the limits of an append are exact", []string{"unchecked: events, 4096", "unchecked: payload bytes"}},
	{"the limits of metadata are exact", []string{
		"unchecked: metadata has", "unchecked: metadata name", "unchecked: engine: metadata n ",
	}},
	{"other attributes that are out of bounds are refused", []string{
		"unchecked: engine: source", "unchecked: content type", "unchecked: engine: schema",
		"unchecked: traceparent",
	}},
	{"an append that contradicts itself is refused", []string{
		"unchecked: is not the aggregate", "unchecked: both a rejection",
	}},
	{"a context that is done stores nothing", []string{"Append ignores its context", "End ignores its context"}},
	{"a closed store answers ErrClosed", []string{
		"a closed store appends", "a closed store is read", "a closed store has an end",
		"a closed store is waited for", "closing twice fails",
	}},
	{"a snapshot comes back as written", []string{"snapshots are trimmed"}},
	{"the latest snapshot up to a version is found", []string{
		"the oldest snapshot is given", "a snapshot above the version is given", "no snapshot is an error",
	}},
	{"a snapshot is replaced", []string{"a snapshot is not replaced"}},
	{"a snapshot beyond the stream is refused", []string{"a snapshot may be of the future"}},
	{"the limits of a snapshot are exact", []string{"a snapshot is not checked"}},
	{"a snapshot is no event", []string{"a snapshot takes a position"}},
	{"a snapshot obeys its context and the store's end", []string{
		"SaveSnapshot ignores its context", "LoadSnapshot ignores its context", "a closed store keeps snapshots",
		"a closed store gives snapshots",
	}},
	{"a dead letter comes back as written", []string{
		"letters lose their causes", "letters lose their stack", "letters keep their error", "letters lose where they come from",
		"letters lose the payload's bytes", "no letter is an error",
	}},
	{"dead letters are read in the sequence in which they were kept", []string{
		"letters are read backwards", "letters are read from their number on", "letters have no numbers",
	}},
	{"a dead letter is no event", []string{"a letter takes a position", "a letter takes a version"}},
	{"a stored command is answered instead of a dead letter", []string{
		"a letter is kept of a stored command", "what bears the id of a command is lost", "a command id answers any digest",
	}},
	{"a stored command has no dead letter any more", []string{
		"a stored command leaves its letter", "a rejected command leaves its letter", "a repeat leaves the letter",
		"a conflict removes the letter",
	}},
	{"a dead letter that is kept again stays in its place", []string{
		"a letter moves when it is kept again", "a letter is not renewed", "a letter takes another aggregate's place",
		"failing again frees the aggregate",
	}},
	{"a dead letter that only waits again keeps what is known", []string{
		"a letter that waits again is renewed", "a skipped letter does not wait",
	}},
	{"a dead letter breaks a chain", []string{
		"Chained is ignored", "a letter ignores its chain", "a letter breaks the chain of letters",
	}},
	{"an append that contradicts its dead letter is refused", []string{
		"unchecked: something else", "unchecked: no id or no command", "unchecked: a state that is none",
		"unchecked: that others wait for", "Append ignores its context",
	}},
	{"an aggregate is parked behind its first letter", []string{
		"parked behind the last letter", "every letter parks", "a letter parks all aggregates", "letters that wait park nobody",
	}},
	{"dead letters are dropped", []string{
		"dropping leaves the letter", "dropping counts what it was asked for", "dropping stops behind the first",
	}},
	{"a dead letter is edited", []string{
		"an edit changes nothing", "an edit of nothing is none", "an edit takes any command", "an edit takes any id",
		"an edit skips the letter", "an edited letter keeps its id", "an edited letter keeps its aggregate",
	}},
	{"dead letters have a limit", []string{"letters have no limit", "a letter that is there takes more room"}},
	{"an iteration over dead letters may use the store and ends with it", []string{
		"an iteration over letters holds the store", "letters that come are read too", "DeadLetter ignores its context",
		"an iteration over letters ignores its context", "a closed store gives letters",
	}},
	{"random histories answer as the model does", []string{
		"Chained is ignored", "Never is a version",
		"the id of an append without events is not kept", "a command is stored twice",
	}},
	{"events are there after reopening", []string{"reopening loses the last event", "reopening moves positions"}},
	{"versions and positions go on after reopening", []string{
		"reopening forgets versions", "reopening forgets the end",
	}},
	{"command ids answer their first result after reopening", []string{
		"reopening forgets command ids", "reopening forgets reasons",
		"the id of an append without events is not kept",
	}},
	{"digests and aggregates of command ids are known after reopening", []string{
		"reopening forgets digests", "reopening forgets whose id it is",
	}},
	{"snapshots are there after reopening", []string{"reopening forgets snapshots"}},
	{"dead letters are there after reopening", []string{
		"reopening forgets letters", "reopening gives numbers again", "reopening forgets who is parked",
		"reopening loses the bytes of letters",
	}},
	{"a reader resumes after reopening", []string{"reopening moves positions"}},
	{"reopening many times loses nothing", []string{"reopening loses the last event"}},
	{"machine", []string{
		"lost update", "partial append", "a command is stored twice",
		"the version is looked at before the command id", "reopening forgets command ids", "positions go back",
		"a rejection is not kept", "a bad event leaves those before it", "the oldest snapshot is given",
		"Append ignores its context", "Chained is ignored", "a chain breaks only once", "a duplicate breaks no chain",
		"a chain breaks behind a rejection", "an append that is bad breaks no chain",
		"a chain is looked at before the command id", "Never is a version", "Never is an empty stream",
		"Never is answered unasked", "Never keeps the command id",
	}},
	{"differential", []string{
		"lost update", "partial append", "a command is stored twice", "the schema is lost",
		"a command id answers any digest", "reopening moves positions", "Chained is ignored", "Never is a version",
	}},
	{"linearizable", []string{
		"lost update", "partial append", "stale read", "a command is stored twice", "half an append is seen",
		"a failed append is stored", "a cancelled append is stored", "two look at the version at once",
		"versions have gaps", "results come in another sequence",
	}},
	{"long", []string{
		"lost update", "partial append", "stale read", "a command is stored twice", "half an append is seen",
		"unsafe position", "publish before persist", "a failed append is stored", "positions go back",
		"old command ids are forgotten", "stale log",
	}},
	{"refused", []string{"a conflict is remembered", "a bad append is remembered"}},
}

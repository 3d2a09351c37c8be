package pipeline

import "github.com/orchestrix-go/orchestrix/engine"

// claim is what a command has to do with limits, from its admission to its outcome.
type claim struct {
	keys   []string // for each limit; meaningless where it does not apply
	groups []*group // that it is in, set when it enters
	held   int      // of the groups: in how many it has a place
	typ    string   // its type
	paid   bool     // for its next attempt
	err    error    // of Group, which ends the command
	free   bool     // it needs no token: it only decides again
}

// claims says in which groups commands are to be. Nil when there are no limits.
func (p *Pipeline) claims(cmds ...*engine.Command) []*claim {
	if p.lanes.limits == nil {
		return nil
	}
	all := make([]*claim, len(cmds))
	for i, cmd := range cmds {
		all[i] = &claim{}
		route, err := p.registry.Route(cmd)
		if cmd.Defect != nil || err != nil {
			continue // it ends for that
		}
		c := all[i]
		c.typ, c.keys = route.Type, make([]string, len(p.lanes.limits.list))
		c.err = caught(func() error {
			for i, l := range p.lanes.limits.list {
				if l.Group != nil && l.isFor(c) {
					c.keys[i] = l.Group(cmd)
				}
			}
			return nil
		})
	}
	return all
}

// assign finds the groups of a command that has not yet entered.
func (ls *limits) assign(c *claim) {
	if c.groups != nil || c.keys == nil || c.err != nil {
		return
	}
	c.groups = make([]*group, 0, len(ls.list))
	for i, l := range ls.list {
		if l.isFor(c) {
			c.groups = append(c.groups, l.group(c.keys[i]))
		}
	}
}

// payBack gives back the tokens of a command that waits for something else: those who wait must not save them up.
func (c *claim) payBack() {
	if c.free {
		return
	}
	c.paid = false
	for _, g := range c.groups {
		g.payBack()
	}
}

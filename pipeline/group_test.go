package pipeline

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Groups are forgotten when they are as if they were new, and never are more known than may be.
func TestGroupsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limit{Limit: Limit{Rate: 10, Burst: 1, Share: 9, Groups: 1000}, groups: map[string]*group{}}
		busy := l.group("busy")
		busy.load++
		for i := range 20_000 {
			require.Zero(t, l.group(fmt.Sprint(i)).pay(time.Now()))
			time.Sleep(time.Millisecond) // a token comes back in 100
		}
		require.LessOrEqual(t, len(l.groups), 2*(100+1)+64)
		require.Same(t, busy, l.group("busy"))
		require.Nil(t, l.crowd)
		for i := range 3000 {
			l.group(fmt.Sprint(i)).load++
		}
		require.Len(t, l.groups, 1000)
		require.Same(t, l.crowd, l.group("one more"), "the last ones have the limit together")
		require.Same(t, busy, l.group("busy"))
	})
}

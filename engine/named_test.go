package engine

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// However many names there are, each is found and gives what was entered for it last; no other is.
func TestNamed(t *testing.T) {
	var n named[int]
	_, ok := n.get("")
	require.False(t, ok)
	for i := range 3 * few {
		for name := range i { // all before it again, with something new
			n.set(fmt.Sprint(name), 100*i+name)
		}
		n.set(fmt.Sprint(i), 100*i+i)
		for name := range i + 1 {
			got, ok := n.get(fmt.Sprint(name))
			require.True(t, ok)
			require.Equal(t, 100*i+name, got)
		}
		_, ok := n.get(fmt.Sprint(i + 1))
		require.False(t, ok)
	}
}

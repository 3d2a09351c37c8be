package memory

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStreams finds every stream again by its name, and no other one, after their list has grown.
func TestStreams(t *testing.T) {
	s := newStreams()
	opened := map[string]*stream{}
	for n := range 10 * pageItems {
		name := fmt.Sprint("order-", n)
		require.Nil(t, s.find(name, s.hash(name)))
		opened[name] = s.open(name, s.hash(name))
	}
	for name, target := range opened {
		require.Same(t, target, s.find(name, s.hash(name)))
		require.Equal(t, name, target.name)
	}
}

// TestStreamsOfOneHash tells names apart whose hashes are the same.
func TestStreamsOfOneHash(t *testing.T) {
	s := newStreams()
	const hash = 0xfedcba<<entryBits | 0x17
	one, other := s.open("order-1", hash), s.open("order-2", hash)
	require.Same(t, one, s.find("order-1", hash))
	require.Same(t, other, s.find("order-2", hash))
	require.Nil(t, s.find("order-3", hash))
}

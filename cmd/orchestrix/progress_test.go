package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCounted(t *testing.T) {
	for n, says := range map[int]string{0: "0 letters", 1: "1 letter", 2: "2 letters", 1234567: "1,234,567 letters"} {
		require.Equal(t, says, counted(n, "letter"))
	}
}

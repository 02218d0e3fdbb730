//go:build slow

package browser_test

import "testing"

func TestSlowTwentySessionsAreUsedAtOnce(t *testing.T) { useAtOnce(t, 20) }

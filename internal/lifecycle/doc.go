// Package lifecycle holds no code: its tests follow a plugin through its life as a real process, and above all to its
// ends. The test binary is the plugin, too: the tests start it again as a child.
package lifecycle

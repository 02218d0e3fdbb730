package pack

import _ "embed"

// launcher is the Python module that the host starts.
//
//go:embed launcher/main.py
var launcher []byte

// Entries that make the package startable, and the entrypoint of the manifest
// that they stand for.
const (
	entrypoint       = "main"
	launcherName     = "main.py"
	requirementsName = "requirements.txt"
)

// Package pack turns the folder of a Go plugin into a package (.difypkg) that
// Dify installs, and checks packages.
//
// A package is a zip archive. The host unpacks it into a folder and starts
// python -m main there. Go programs fit into that frame like this:
//
//	manifest.yaml, provider/...   the declarations, as they stand in the folder
//	_assets/...                   icons
//	README.md, readme/...         documentation; PRIVACY, LICENSE and the like
//	binaries.lzma                 one program per processor, compressed together
//	binaries.txt                  their sizes and SHA-256s, in order
//	main.py                       the launcher: unpacks one program, becomes it
//	requirements.txt              empty: the host insists on it
//
// Nothing else goes in: no sources, no tests, no .env. A .difyignore at the
// root of the folder, in the syntax of .gitignore, keeps out more.
//
// # One archive
//
// The programs for two processors have much in common, such as texts and the
// tables of the Go runtime. Compressed as one stream of LZMA, the second one
// costs a good part less than it would alone. LZMA is what Python, which has
// to unpack it, brings along.
//
// # Same input, same bytes
//
// A package depends on the plugin's folder, the module and the Go version
// only: not on where the folder lies, nor on time, user or Git. Whoever has the
// sources can build the package again and compare.
//
// # Refusals
//
// [Build] and [Check] refuse what the host, Dify or the launcher would refuse
// later, with all reasons at once. The error is then of type [Problems].
package pack

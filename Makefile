# Everything here is a plain Go command too; see README.md and .ci/run.

.PHONY: run test race slow lint breakage pack bench

run: ## start the local cloud and the drive, and show what it does
	go run ./cmd/difyplugin run

test: ## the fast tests
	go test ./...

race: ## the fast tests under the race detector
	go test -race ./...

slow: ## tests that take minutes: long waits, large files, memory
	go test -tags slow -run Slow -timeout 15m ./...

breakage: ## prove that each rule has a test that fails without it
	go run ./internal/breakage

lint: ## formatting, vet, staticcheck
	test -z "$$(go tool -modfile=tools/go.mod gofumpt -l .)"
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...

pack: ## the packages that Dify installs
	for plugin in plugins/*/manifest.yaml; do go run ./cmd/difyplugin pack "$$(dirname "$$plugin")"; done

bench: ## one table of measurements, against baselines of the same run
	go run ./internal/bench

# Everything here is a plain Go command too; see README.md and .ci/run.

.PHONY: run test race slow lint breakage build bench pack

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

build: ## the plugins for both architectures
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -trimpath -ldflags '-s -w' -o dist/amd64/ ./plugins/...
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -ldflags '-s -w' -o dist/arm64/ ./plugins/...

bench: ## benchmarks
	go test -run '^$$' -bench . -benchmem ./...

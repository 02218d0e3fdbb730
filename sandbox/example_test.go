package sandbox_test

import (
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/cloudplugins/difyplugin/sandbox"
)

// A client that goes through the sandbox reaches the stand-in under the
// service's real name. For a child process, append Environ to its environment
// instead.
func Example() {
	sb, err := sandbox.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	err = sb.Handle("*.weather.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "sunny in %s", r.Host)
	}))
	if err != nil {
		log.Fatal(err)
	}

	transport := sb.Transport()
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://guangzhou.weather.example/today")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", body)
	for _, request := range sb.Requests() {
		fmt.Println(request.Method, request.Host, request.Path)
	}
	// Output:
	// sunny in guangzhou.weather.example
	// GET guangzhou.weather.example /today
}

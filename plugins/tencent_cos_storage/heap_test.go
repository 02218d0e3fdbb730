package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/cloudplugins/difyplugin/plugin"
)

// dumpName is the file in the plugin's folder that receives what was reachable in its memory.
const dumpName = "heap.dump"

// serveAndDump serves the plugin until its input ends and then writes down everything that it still holds, after its
// idle connections have closed as they do by themselves in a while.
func serveAndDump() int {
	var shared http.RoundTripper
	held := newDrive(func(official func(string) bool) (http.RoundTripper, error) {
		transport, err := plugin.Transport(official)
		shared = transport
		return transport, err
	})
	served, err := plugin.New(declarations, plugin.Drive("tencent_cos_storage", held))
	if err == nil {
		err = served.Serve(context.Background(), os.Stdin, os.Stdout, os.Stderr, nil)
	}
	if err == nil {
		(&http.Client{Transport: shared}).CloseIdleConnections()
		err = dump()
	}
	runtime.KeepAlive(held)
	runtime.KeepAlive(served)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func dump() error {
	for range 3 { // pools give their content up in two collections
		runtime.GC()
	}
	file, err := os.Create(dumpName)
	if err != nil {
		return err
	}
	debug.WriteHeapDump(file.Fd())
	return file.Close()
}

package account_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// dumpName is the file in the plugin's folder that receives what was reachable in its memory.
const dumpName = "heap.dump"

// serveAndDump serves the plugin until its input ends and then writes down everything that it still holds, after its
// idle connections have closed and its temporary keys are gone, as they are by themselves in a while.
func serveAndDump() int {
	transport, err := plugin.Transport(account.Official)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	held := account.NewProcess(transport)
	served, err := plugin.New(declarations(), parts()...)
	if err == nil {
		err = served.Serve(held.Context(context.Background()), os.Stdin, os.Stdout, os.Stderr, nil)
	}
	if err == nil {
		held.Close()
		(&http.Client{Transport: transport}).CloseIdleConnections()
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

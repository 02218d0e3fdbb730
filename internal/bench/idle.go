package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/cloudplugins/difyplugin/host"
)

// idleAfter is when the memory of an idle process is looked at: ten seconds after its last call the SDK returns what
// it does not need, and that may take a moment.
const idleAfter = 12 * time.Second

// idleEcho returns the memory, and the anonymous part of it, of a program that answered one call of the tool echo.
func idleEcho(ctx context.Context, command host.Command) ([]float64, error) {
	c, err := started(ctx, command)
	if err != nil {
		return nil, err
	}
	defer c.kill()
	if err := c.write(echoRequest("first")); err != nil {
		return nil, err
	}
	if err := c.end("first"); err != nil {
		return nil, err
	}
	return idleMemory(ctx, c.cmd.Process.Pid)
}

// idleShipped is the same of the shipped plugin, after it passed a small file on.
func (w *workshop) idleShipped(ctx context.Context) ([]float64, error) {
	dify, err := w.newUploads()
	if err != nil {
		return nil, err
	}
	defer dify.close()
	p, cloud, err := w.shippedPlugin(ctx, dify)
	if err != nil {
		return nil, err
	}
	defer p.Close() // how it ends is not measured
	if _, err := p.Download(ctx, cloud.caller(), filepath.Base(shipped), cloud.account.Backups, smallObject); err != nil {
		return nil, err
	}
	return idleMemory(ctx, p.PID())
}

func idleMemory(ctx context.Context, pid int) ([]float64, error) {
	timer := time.NewTimer(idleAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
		return memory(pid, "VmRSS", "RssAnon")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// facts is one line about the machine and what else it did. before is the load average at the start.
func (w *workshop) facts(before string) string {
	facts := []string{
		processor(), fmt.Sprintf("%d cores", runtime.NumCPU()), runtime.GOOS + "/" + runtime.GOARCH, runtime.Version(),
	}
	if python, made := w.python.made(); made {
		facts = append(facts, "Python "+python.version)
	}
	if sdk, made := w.sdk.made(); made {
		facts = append(facts, fmt.Sprintf("dify_plugin %s (installed with pip in %s)", sdk.release, seconds(sdk.took.Seconds())))
	}
	return strings.Join(append(facts, fmt.Sprintf("load average %s before and %s after", before, loadAverage())), ", ") + "."
}

// processor is the model of the CPU, where the kernel tells it.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}
	return processorModel(info)
}

func processorModel(info []byte) string {
	for line := range bytes.Lines(info) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(bytes.TrimSpace(name)) == "model name" {
			return oneLine(string(value))
		}
	}
	return "unknown CPU" // ARM kernels tell numbers only
}

// loadAverage is that of the last minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

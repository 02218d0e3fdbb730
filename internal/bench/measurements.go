package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/pack"
)

// runs says how often and how long each is done.
type runs struct {
	start, idle, trips, files, large, install int

	tripLength  time.Duration
	inlineFiles int
}

func numbers(quick bool) runs {
	if quick {
		return runs{start: 7, idle: 1, trips: 3, files: 3, large: 1, install: 1, tripLength: 500 * time.Millisecond, inlineFiles: 16}
	}
	return runs{start: 21, idle: 3, trips: 5, files: 7, large: 3, install: 3, tripLength: 2 * time.Second, inlineFiles: 64}
}

// measurements are all that the command knows, in the order of the table.
func measurements(w *workshop, quick bool) []measurement {
	n := numbers(quick)
	return []measurement{
		w.startOfMinimal(n), w.startOfShipped(n), w.startOfPackage(n),
		w.idleMinimal(n), w.idleOfShipped(n),
		w.trips(n, 1), w.trips(n, 32), w.trips(n, 1000),
		w.inline(n), w.uploaded(n), w.largeMinimal(n), w.largeShipped(n),
		w.sizes("amd64"), w.sizes("arm64"), w.packageSize(), w.installation(n),
		w.startOfAWS(n), w.idleOfAWS(n), w.packageSizeOfAWS(), w.firstEvaluation(n), w.corpus(n), w.frames(n),
	}
}

const (
	largestIdle       = 15 * mib
	largestPackage    = 6 * mib
	largestAWSPackage = 12 * mib
	largestBinary     = 10_000_000
)

// with is an experiment on a program of the module.
func (w *workshop) with(pkg string, do func(context.Context, host.Command) ([]float64, error)) experiment {
	return func(ctx context.Context) ([]float64, error) {
		command, err := w.program(ctx, pkg)
		if err != nil {
			return nil, err
		}
		return do(ctx, command)
	}
}

// withPython is an experiment on the Python side of a plugin under testdata.
func (w *workshop) withPython(name string, do func(context.Context, host.Command) ([]float64, error)) experiment {
	return func(ctx context.Context) ([]float64, error) {
		command, err := w.pythonPlugin(name)
		if err != nil {
			return nil, err
		}
		return do(ctx, command)
	}
}

// startTime is from before the process exists to its first heartbeat.
func startTime(ctx context.Context, command host.Command) ([]float64, error) {
	began := time.Now()
	c, err := started(ctx, command)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	c.kill()
	return []float64{took.Seconds()}, nil
}

func (w *workshop) startOfMinimal(n runs) measurement {
	return measurement{
		name: "start of a minimal plugin", runs: n.start, warm: true,
		rows:   []row{{name: "Start to first heartbeat, minimal plugin", unit: seconds, target: target{limit: 0.010}}},
		plugin: w.with(testdata+"echo", startTime),
		bare:   w.with(testdata+"stream", startTime),
		python: w.withPython("echo", startTime),
	}
}

func (w *workshop) startOfShipped(n runs) measurement {
	return measurement{
		name: "start of the shipped plugin", runs: n.start, warm: true,
		rows:   []row{{name: "Start to first heartbeat, tencent_cos_storage", unit: seconds, target: target{limit: 0.010}}},
		plugin: w.with(shipped, startTime),
		bare:   w.with(testdata+"stream", startTime),
	}
}

// startOfPackage warms up: the first start unpacks the program, later ones find it.
func (w *workshop) startOfPackage(n runs) measurement {
	return measurement{
		name: "start of the package", runs: n.start, warm: true,
		rows: []row{{name: "Start to first heartbeat, its package, warm (python -m main)", unit: seconds, target: target{limit: 0.060}}},
		plugin: func(ctx context.Context) ([]float64, error) {
			command, err := w.launcher()
			if err != nil {
				return nil, err
			}
			return startTime(ctx, command)
		},
		bare: func(ctx context.Context) ([]float64, error) {
			command, err := w.bareLauncher(ctx)
			if err != nil {
				return nil, err
			}
			return startTime(ctx, command)
		},
		python: w.withPython("echo", startTime),
	}
}

func idleRows(of string) []row {
	return []row{
		{name: "Idle memory, " + of, unit: mebibytes, target: target{limit: largestIdle}},
		{name: "– anonymous part of it", unit: mebibytes},
	}
}

func (w *workshop) idleMinimal(n runs) measurement {
	return measurement{
		name: "idle memory of a minimal plugin", runs: n.idle, together: true,
		rows:   idleRows("minimal plugin after a call"),
		plugin: w.with(testdata+"echo", idleEcho),
		bare:   w.with(testdata+"stream", idleEcho),
		python: w.withPython("echo", idleEcho),
	}
}

func (w *workshop) idleOfShipped(n runs) measurement {
	return measurement{
		name: "idle memory of the shipped plugin", runs: n.idle, together: true,
		rows:   idleRows("tencent_cos_storage after a download"),
		plugin: w.idleShipped,
	}
}

func (w *workshop) trips(n runs, inFlight int) measurement {
	trips := func(ctx context.Context, command host.Command) ([]float64, error) {
		return roundTrips(ctx, command, inFlight, n.tripLength/4, n.tripLength)
	}
	return measurement{
		name: fmt.Sprintf("round trips with %d in flight", inFlight), runs: n.trips,
		rows: []row{
			{name: fmt.Sprintf("Calls of a trivial tool, %d in flight", inFlight), unit: perSecond},
			{name: "– median time of a call", unit: seconds},
			{name: "– 99th percentile", unit: seconds},
		},
		plugin: w.with(testdata+"echo", trips),
		bare:   w.with(testdata+"stream", trips),
		python: w.withPython("echo", trips),
	}
}

func (w *workshop) inline(n runs) measurement {
	plugin := func(ctx context.Context, command host.Command) ([]float64, error) {
		return inlineFiles(ctx, command, n.inlineFiles)
	}
	return measurement{
		name: "inline files", runs: n.files, warm: true,
		rows: []row{{
			name: fmt.Sprintf("Files of %s in one line each", megabytes(inlineSize)), unit: mebibytesPerSecond,
			target: target{limit: 0.5, ratio: true, atLeast: true},
		}},
		plugin: w.with(testdata+"drive", plugin),
		bare: w.with(testdata+"stream", func(ctx context.Context, command host.Command) ([]float64, error) {
			return bareFiles(ctx, command, n.inlineFiles)
		}),
		python: w.withPython("drive", plugin),
	}
}

func (w *workshop) uploaded(n runs) measurement {
	const size = 64 * mib
	plugin := func(ctx context.Context, command host.Command) ([]float64, error) {
		return w.uploadedFile(ctx, command, size)
	}
	return measurement{
		name: "uploaded file of 64 MiB", runs: n.files, warm: true,
		rows: []row{
			{name: "Uploaded file of 64 MiB", unit: mebibytesPerSecond},
			{name: "– peak memory", unit: mebibytes},
		},
		plugin: w.with(testdata+"drive", plugin),
		bare: w.with(testdata+"post", func(ctx context.Context, command host.Command) ([]float64, error) {
			return w.bareUpload(ctx, command, size)
		}),
		python: w.withPython("drive", plugin),
	}
}

// largeMinimal leaves the Python SDK out: it takes a file as one value, and would need all of the memory.
func (w *workshop) largeMinimal(n runs) measurement {
	const size = 1 << 30
	return measurement{
		name: "file of 1 GiB, minimal plugin", runs: n.large,
		rows: []row{
			{name: "Uploaded file of 1 GiB", unit: mebibytesPerSecond},
			{name: "– peak memory", unit: mebibytes},
		},
		plugin: w.with(testdata+"drive", func(ctx context.Context, command host.Command) ([]float64, error) {
			return w.uploadedFile(ctx, command, size)
		}),
		bare: w.with(testdata+"post", func(ctx context.Context, command host.Command) ([]float64, error) {
			return w.bareUpload(ctx, command, size)
		}),
		python: func(context.Context) ([]float64, error) {
			return nil, unavailable("it takes a whole file as one value, in memory")
		},
	}
}

func (w *workshop) largeShipped(n runs) measurement {
	return measurement{
		name: "object of 1 GiB, shipped plugin", runs: min(n.large, 1),
		rows: []row{
			{name: "Object of 1 GiB from COS to Dify, tencent_cos_storage", unit: mebibytesPerSecond},
			{name: "– peak memory", unit: mebibytes},
		},
		plugin: w.shippedLarge,
	}
}

// sizes compares with the bare program that uploads, since it needs the same HTTP client.
func (w *workshop) sizes(arch string) measurement {
	return measurement{
		name: "size of the binary for " + arch, runs: 1,
		rows: []row{{
			name: "Stripped binary of tencent_cos_storage, " + arch, unit: megabytes, target: target{limit: largestBinary},
		}},
		plugin: func(ctx context.Context) ([]float64, error) { return w.binarySize(ctx, shipped, arch) },
		bare:   func(ctx context.Context) ([]float64, error) { return w.binarySize(ctx, testdata+"post", arch) },
	}
}

func (w *workshop) binarySize(ctx context.Context, pkg, arch string) ([]float64, error) {
	binary := filepath.Join(w.scratch, filepath.Base(pkg)+"-"+arch)
	if err := w.compile(ctx, pkg, binary, "GOOS=linux", "GOARCH="+arch); err != nil {
		return nil, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return nil, err
	}
	return []float64{float64(info.Size())}, nil
}

func (w *workshop) packageSize() measurement {
	return sizeOfPackage(filepath.Base(shipped), &w.packed, largestPackage)
}

func (w *workshop) packageSizeOfAWS() measurement {
	return sizeOfPackage(filepath.Base(awsTools), &w.packedAWS, largestAWSPackage)
}

func sizeOfPackage(plugin string, packed *lazy[*pack.Result], limit float64) measurement {
	return measurement{
		name: "size of the package of " + plugin, runs: 1,
		rows: []row{{name: "Package of " + plugin + ", amd64 and arm64", unit: mebibytes, target: target{limit: limit}}},
		plugin: func(context.Context) ([]float64, error) {
			result, err := packed.get()
			if err != nil {
				return nil, err
			}
			return []float64{float64(result.Packed)}, nil
		},
	}
}

func (w *workshop) installation(n runs) measurement {
	return measurement{
		name: "installation", runs: n.install,
		rows:   []row{{name: "Installation in the daemon, tencent_cos_storage", unit: seconds, target: target{limit: 2}}},
		plugin: w.installTime,
	}
}

//go:build slow

package main

import (
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/internal/shipped"
	standin "github.com/cloudplugins/difyplugin/sandbox/cos"
)

const mib = 1 << 20

// installed is the plugin as it ships, in front of a cloud.
type installed struct {
	*cloud
	*shipped.Plugin
}

func install(t *testing.T) *installed {
	t.Helper()
	c := newCloud(t)
	return &installed{c, shipped.Start(t, "tencent_cos_storage", c.box.Environ()...)}
}

func TestSlowAnObjectOfOneGiBPassesInFortyMiB(t *testing.T) {
	p := install(t)
	bucket := p.bucket(t, "large", "ap-guangzhou")
	const size = 1 << 30
	if err := p.PutGenerated(bucket, "backup.bin", size, 1, standin.Meta{}); err != nil {
		t.Fatal(err)
	}
	file, err := p.Download(t.Context(), as(), datasource, bucket, "backup.bin")
	if err != nil {
		t.Fatal(err)
	}
	if file.Size != size {
		t.Errorf("%d bytes arrived", file.Size)
	}
	peak := p.Peak(t)
	t.Logf("at most %d MiB resident", peak/mib)
	if peak > 40*mib {
		t.Errorf("%d MiB resident, more than 40", peak/mib)
	}
}

func TestSlowTwoHundredSmallFilesAtOnceShareOneBudget(t *testing.T) {
	p := install(t)
	bucket := p.bucket(t, "many", "ap-guangzhou", "tiny.txt")
	const size = 3_900_000 // the largest that fit into one line, nearly
	if err := p.PutGenerated(bucket, "small.bin", size, 2, standin.Meta{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Download(t.Context(), as(), datasource, bucket, "tiny.txt"); err != nil {
		t.Fatal(err)
	}
	idle := p.Resident(t)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			file, err := p.Download(t.Context(), as(), datasource, bucket, "small.bin")
			if err != nil {
				t.Error(err)
				return
			}
			if file.Size != size {
				t.Errorf("%d bytes arrived", file.Size)
			}
		})
	}
	wg.Wait()
	peak := p.Peak(t)
	t.Logf("%d MiB resident when idle, at most %d MiB", idle/mib, peak/mib)
	if peak > idle+64*mib {
		t.Errorf("%d MiB resident at most, more than %d when idle and the budget of 64", peak/mib, idle/mib)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func silent(string, ...any) {}

// counting returns its name's runs in order, and writes them down.
func counting(order *[]string, name string, figures ...float64) experiment {
	return func(context.Context) ([]float64, error) {
		*order = append(*order, name)
		return figures, nil
	}
}

func TestThoseComparedTakeTurnsAndTheWarmUpDoesNotCount(t *testing.T) {
	var order []string
	m := measurement{
		name: "m", runs: 2, warm: true, rows: []row{{name: "first"}, {name: "second"}},
		plugin: counting(&order, "plugin", 1, 10),
		bare:   counting(&order, "bare", 2, 20),
		python: counting(&order, "python", 3, 30),
	}
	r, err := measure(t.Context(), []measurement{m}, silent)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "plugin bare python plugin bare python plugin bare python" {
		t.Errorf("the runs were %s", got)
	}
	want := [][]series{{{1, 1}, {2, 2}, {3, 3}}, {{10, 10}, {20, 20}, {30, 30}}}
	for i, row := range r.rows {
		if diff := cmp.Diff(want[i], []series{row.plugin, row.bare, row.python}); diff != "" {
			t.Errorf("row %s: -want +got\n%s", row.name, diff)
		}
	}
}

func TestRunsThatMostlyWaitHappenTogether(t *testing.T) {
	const runs = 3
	var come atomic.Int32
	all := make(chan struct{})
	m := measurement{
		name: "m", runs: runs, together: true, rows: []row{{name: "row"}},
		plugin: func(ctx context.Context) ([]float64, error) {
			if come.Add(1) == runs {
				close(all)
			}
			select {
			case <-all:
				return []float64{1}, nil
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		},
	}
	r, err := measure(t.Context(), []measurement{m}, silent)
	if err != nil || len(r.rows[0].plugin) != runs {
		t.Errorf("%v, %v", r.rows, err)
	}
}

func TestABaselineThatFailsIsANoteAndAPluginThatFailsIsAnError(t *testing.T) {
	failing := func(text string) experiment {
		return func(context.Context) ([]float64, error) { return nil, errors.New(text) }
	}
	without := func(text string) experiment {
		return func(context.Context) ([]float64, error) { return nil, unavailable(text) }
	}
	works := func(context.Context) ([]float64, error) { return []float64{1}, nil }
	rows := []row{{name: "row"}}
	r, err := measure(t.Context(), []measurement{
		{name: "one", runs: 2, rows: rows, plugin: works, python: failing("no\nluck")},
		{name: "two", runs: 2, rows: rows, plugin: without("there is no daemon")},
		{name: "three", runs: 2, rows: rows, plugin: failing("out of cheese")},
	}, silent)
	if err == nil || !strings.Contains(err.Error(), "three: out of cheese") || strings.Contains(err.Error(), "luck") {
		t.Errorf("the error is %v", err)
	}
	want := []string{"The Python SDK failed at one: no luck.", "The plugin is not measured for two: there is no daemon."}
	if diff := cmp.Diff(want, r.notes); diff != "" {
		t.Errorf("notes: -want +got\n%s", diff)
	}
	var got []int
	for _, row := range r.rows {
		got = append(got, len(row.plugin), len(row.python))
	}
	if diff := cmp.Diff([]int{2, 0, 0, 0, 0, 0}, got); diff != "" {
		t.Errorf("figures: -want +got\n%s", diff)
	}
}

func TestAFailureInALaterRunLeavesNoHalfSeries(t *testing.T) {
	run := 0
	m := measurement{name: "m", runs: 3, rows: []row{{name: "row"}}, plugin: func(context.Context) ([]float64, error) {
		if run++; run == 2 {
			return nil, errors.New("once")
		}
		return []float64{1}, nil
	}}
	r, err := measure(t.Context(), []measurement{m}, silent)
	if err == nil || run != 2 || len(r.rows[0].plugin) != 0 {
		t.Errorf("%d runs, %v, %v", run, r.rows[0].plugin, err)
	}
}

func TestNothingIsMeasuredAfterAnInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var order []string
	stopping := measurement{name: "one", runs: 1, rows: []row{{name: "row"}}, plugin: func(context.Context) ([]float64, error) {
		cancel()
		return []float64{1}, nil
	}}
	after := measurement{name: "two", runs: 1, rows: []row{{name: "row"}}, plugin: counting(&order, "two", 1)}
	r, err := measure(ctx, []measurement{stopping, after}, silent)
	if !errors.Is(err, context.Canceled) || len(order) != 0 || len(r.rows) != 1 {
		t.Errorf("%v, %v, %d rows", err, order, len(r.rows))
	}
}

func TestEveryMeasurementHasANameOfItsOwnARunAndAPlugin(t *testing.T) {
	for _, quick := range []bool{true, false} {
		names := map[string]bool{}
		for _, m := range measurements(&workshop{}, quick) {
			if names[m.name] || m.name == "" || m.runs < 1 || m.plugin == nil || len(m.rows) == 0 {
				t.Errorf("%+v", m)
			}
			names[m.name] = true
			for _, row := range m.rows {
				if row.name == "" || row.unit == nil {
					t.Errorf("%s has the row %+v", m.name, fmt.Sprint(row))
				}
			}
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// measurement is one experiment, done by the plugin and by what it is compared with, and the rows that come of it.
type measurement struct {
	name string
	rows []row // one for each figure that the experiment returns, in their order
	runs int
	// warm has each do the experiment once before it counts.
	warm bool
	// together does all runs at once. It is for experiments that mostly wait.
	together bool
	// bare and python may be nil.
	plugin, bare, python experiment
}

// experiment does something once and returns its figures.
type experiment func(ctx context.Context) ([]float64, error)

// unavailable is the error of an experiment that this machine has no means for. The text says which.
type unavailable string

func (u unavailable) Error() string { return string(u) }

// measure does all measurements. The error holds those of the plugin; a baseline that fails is left out with a note.
func measure(ctx context.Context, all []measurement, say func(format string, args ...any)) (report, error) {
	var r report
	var failures []error
	for _, m := range all {
		if ctx.Err() != nil {
			return r, errors.Join(append(failures, ctx.Err())...)
		}
		say("%s, %d runs", m.name, m.runs)
		subjects := m.subjects()
		m.conduct(ctx, subjects)
		for _, s := range subjects {
			var missing unavailable
			switch {
			case s.err == nil:
			case errors.As(s.err, &missing):
				r.note(fmt.Sprintf("%s is not measured for %s: %s.", s.label, m.name, missing))
			case s.required:
				failures = append(failures, fmt.Errorf("%s: %w", m.name, s.err))
			default:
				r.note(fmt.Sprintf("%s failed at %s: %v.", s.label, m.name, oneLine(s.err.Error())))
			}
		}
		r.rows = append(r.rows, m.filled(subjects)...)
	}
	return r, errors.Join(failures...)
}

// subject is one of those that a measurement compares.
type subject struct {
	label    string
	required bool
	try      experiment
	into     func(*row) *series

	err     error
	figures [][]float64 // by run
}

// subjects are those that take part.
func (m measurement) subjects() []*subject {
	all := []*subject{
		{label: "The plugin", required: true, try: m.plugin, into: func(r *row) *series { return &r.plugin }},
		{label: "Bare Go", required: true, try: m.bare, into: func(r *row) *series { return &r.bare }},
		{label: "The Python SDK", try: m.python, into: func(r *row) *series { return &r.python }},
	}
	var some []*subject
	for _, s := range all {
		if s.try != nil {
			some = append(some, s)
		}
	}
	return some
}

// conduct does the runs in turns, so that what else the machine does hits all alike. Who failed once is out.
func (m measurement) conduct(ctx context.Context, subjects []*subject) {
	if m.together {
		m.conductTogether(ctx, subjects)
		return
	}
	for run := range m.rounds() {
		for _, s := range subjects {
			if s.err != nil {
				continue
			}
			figures, err := s.run(ctx)
			if counts := run > 0 || !m.warm; counts && err == nil {
				s.figures = append(s.figures, figures)
			}
			s.err = err
		}
	}
}

func (m measurement) rounds() int {
	if m.warm {
		return m.runs + 1
	}
	return m.runs
}

func (m measurement) conductTogether(ctx context.Context, subjects []*subject) {
	var wg sync.WaitGroup
	for _, s := range subjects {
		var mu sync.Mutex
		for range m.runs {
			wg.Go(func() {
				figures, err := s.run(ctx)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					s.err = err
					return
				}
				s.figures = append(s.figures, figures)
			})
		}
	}
	wg.Wait()
}

func (s *subject) run(ctx context.Context) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.try(ctx)
}

// filled are the rows with their figures.
func (m measurement) filled(subjects []*subject) []row {
	rows := make([]row, len(m.rows))
	for i, row := range m.rows {
		for _, s := range subjects {
			if s.err != nil {
				continue // half a series is none
			}
			for _, figures := range s.figures {
				into := s.into(&row)
				*into = append(*into, figures[i])
			}
		}
		rows[i] = row
	}
	return rows
}

package plugin

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Two hundred downloads at once share one budget: what one reads is memory until its line is written.
func TestInlineFilesShareABudget(t *testing.T) {
	const files, size = 200, 1 << 18
	synctest.Test(t, func(t *testing.T) {
		p := &Plugin{budget: newBudget(inlineBudget)}
		gate := make(chan struct{})
		var reading, finished atomic.Int64
		for range files {
			go func() {
				f := badBody(size, size, io.EOF)
				open := f.Open
				f.Open = func(ctx context.Context) (io.ReadCloser, error) {
					reading.Add(1)
					<-gate
					return open(ctx)
				}
				line, err := p.encode(t.Context(), f)
				if err != nil {
					t.Error(err)
					return
				}
				reading.Add(-1)
				finished.Add(1)
				p.budget.release(line)
			}()
		}
		fit := int64(inlineBudget / (len("before") + (size+2)/3*4 + len("after")))
		for done := int64(0); done < files; done++ {
			synctest.Wait() // as many as fit are reading, the others wait
			if now := reading.Load(); now != min(fit, files-done) || finished.Load() != done {
				t.Fatalf("%d files are read at once and %d are done, want %d and %d", now, finished.Load(), min(fit, files-done), done)
			}
			gate <- struct{}{}
		}
		synctest.Wait()
		if !p.budget.left.TryAcquire(inlineBudget) {
			t.Error("the budget was not given back")
		}
	})
}

// encode is what a download does before it writes its line.
func (p *Plugin) encode(ctx context.Context, f File) (*inlineBuffer, error) {
	call := &Call{plugin: p}
	return call.encodeInline(ctx, f, []byte("before"), []byte("after"), int(f.Size+2)/3*4)
}

func TestWaitingForMemoryEndsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Plugin{budget: newBudget(1000)}
		first, err := p.encode(t.Context(), Bytes("a", "", make([]byte, 600)))
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("the call is over")
		ctx, cancel := context.WithCancelCause(t.Context())
		waiting := make(chan error)
		go func() {
			f := Bytes("b", "", make([]byte, 600))
			f.Open = func(context.Context) (io.ReadCloser, error) { t.Error("opened without memory"); return nil, io.EOF }
			_, err := p.encode(ctx, f)
			waiting <- err
		}()
		synctest.Wait()
		cancel(cause)
		if err := <-waiting; !errors.Is(err, cause) || !strings.Contains(err.Error(), `send file "b": wait for memory`) {
			t.Errorf("error = %v", err)
		}
		p.budget.release(first)
		third, err := p.encode(t.Context(), Bytes("c", "", make([]byte, 600)))
		if err != nil {
			t.Fatal(err)
		}
		p.budget.release(third)
	})
}

func TestAFileLargerThanTheWholeBudgetGoesAlone(t *testing.T) {
	p := &Plugin{budget: newBudget(100)}
	line, err := p.encode(t.Context(), Bytes("a", "", make([]byte, 600)))
	if err != nil {
		t.Fatal(err)
	}
	if p.budget.left.TryAcquire(1) {
		t.Error("something else fits beside it")
	}
	p.budget.release(line)
	if line.buf != nil {
		t.Error("the file's bytes are still reachable")
	}
}

func TestMemoryIsGivenBackAfterAFailure(t *testing.T) {
	p := &Plugin{budget: newBudget(1000)}
	for _, f := range []File{badBody(100, 50, io.EOF), badBody(100, 300, io.EOF), badBody(100, 100, io.ErrUnexpectedEOF), badBody(-1, 3000, io.EOF)} {
		call := &Call{plugin: p}
		if _, err := call.encodeInline(t.Context(), f, nil, nil, 136); err == nil {
			t.Error("no error")
		}
	}
	if !p.budget.left.TryAcquire(1000) {
		t.Error("the budget was not given back")
	}
}

// A line's memory is set aside once; a body of the wrong length must not make it grow.
func TestALineNeverGrows(t *testing.T) {
	for _, size := range []int64{0, 1, 2, 3, 100, 1022, 1023, 1024} {
		for _, got := range []int64{size, size + 1, size + 5000} {
			encoded := int(size+2) / 3 * 4
			line := &inlineBuffer{buf: make([]byte, 0, 3+encoded+5)}
			_ = fillInline(t.Context(), badBody(size, got, io.EOF), line, []byte("abc"), []byte("defgh"), encoded)
			if cap(line.buf) != 3+encoded+5 {
				t.Errorf("%d of %d bytes: a line of %d bytes grew to %d", got, size, 3+encoded+5, cap(line.buf))
			}
		}
	}
}

package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// declarations are those of a plugin that the server accepts.
func declarations() transport.Declarations {
	return transport.Declarations{
		Manifest: json.RawMessage("{\"author\":\"acme\",\"name\":\"godebug\",\"icon\":\"icon.svg\",\n" +
			`"meta":{"runner":{"language":"python","version":"3.12","entrypoint":"main"}}}`),
		Tools: json.RawMessage(`[ {"identity": {"name":"t","icon":"icon.svg"}, "credentials_schema": [], "tools": [{"note":"a < b & c"}]} ]`),
		Assets: fstest.MapFS{
			"icon.svg":        {Data: []byte("<svg/>")},
			"photo.png":       {Data: photo},
			"empty.txt":       {},
			"exact.bin":       {Data: photo[:8192]},
			"folder/deep.svg": {Data: []byte("not sent")},
		},
	}
}

// photo fills two pieces and a part of a third.
var photo = bytes.Repeat([]byte{0, 0xff, '\n', '{', 7}, 4000)

// debugRig runs a debug transport whose connections are pipes into the test.
type debugRig struct {
	conns  chan net.Conn
	status *lockedBuffer
	stop   context.CancelFunc
	result chan error

	mu    sync.Mutex
	dials []time.Time
}

// dialed counts an attempt to connect, from 0.
func (r *debugRig) dialed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dials = append(r.dials, time.Now())
	return len(r.dials) - 1
}

func (r *debugRig) attempts() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.dials)
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func startDebug(t *testing.T, handle transport.Handler, change func(*transport.Debug)) *debugRig {
	t.Helper()
	return startUnreliableDebug(t, handle, change, func(int) error { return nil })
}

// startUnreliableDebug lets attempts to connect fail, by their number.
func startUnreliableDebug(t *testing.T, handle transport.Handler, change func(*transport.Debug), fail func(attempt int) error) *debugRig {
	t.Helper()
	rig := &debugRig{conns: make(chan net.Conn, 100), status: &lockedBuffer{}, result: make(chan error, 1)}
	debug := &transport.Debug{
		Address: "dify.example:5003", Key: debugKey, Declarations: declarations(), Err: rig.status,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			if err := fail(rig.dialed()); err != nil {
				return nil, err
			}
			near, far := net.Pipe()
			rig.conns <- far
			return near, nil
		},
	}
	if change != nil {
		change(debug)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rig.stop = cancel
	t.Cleanup(cancel)
	go func() { rig.result <- debug.Serve(ctx, handle) }()
	return rig
}

// admitted is the next plugin that connects and is let in.
func (r *debugRig) admitted(t *testing.T) *debugPeer {
	t.Helper()
	p, err := admit(<-r.conns)
	if err != nil {
		t.Fatalf("the server refuses the plugin: %v", err)
	}
	return p
}

// finish stops the transport and returns what Serve returned.
func (r *debugRig) finish() error {
	r.stop()
	return <-r.result
}

// ended returns what Serve returned by itself.
func (r *debugRig) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.result:
		return err
	case <-time.After(time.Hour):
		t.Error("Serve goes on, want an end")
		return r.finish()
	}
}

func request(id, data string) string {
	return `{"session_id":"` + id + `","conversation_id":null,"event":"request","data":` + data + `}`
}

// next fails the test when the plugin sends nothing or something else.
func (p *debugPeer) next(t *testing.T, want string) {
	t.Helper()
	var e wire.Event
	select {
	case e = <-p.events:
	case <-p.gone:
		select {
		case e = <-p.events: // the last words before the end
		default:
			t.Fatalf("the plugin closed the connection instead of sending %q", want)
		}
	}
	if got := summary(e); got != want {
		t.Fatalf("the plugin sent %q, want %q", got, want)
	}
}

// greet answers with the request's data.
func greet(_ context.Context, in wire.Inbound, out *transport.Session) {
	_ = out.Stream(map[string]any{"echo": in.Data})
}

func TestAPluginRegistersAsTheServerDemands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startDebug(t, greet, func(d *transport.Debug) {
			d.Declarations.Endpoints = json.RawMessage(" [ ] ")
			d.Declarations.Datasources = json.RawMessage("null")
		})
		p := rig.admitted(t)
		wantOrder := []string{
			"handshake", "manifest_declaration", "tool_declaration",
			"asset_chunk",                               // exact.bin is one whole piece; empty.txt, which has no bytes, is not sent
			"asset_chunk",                               // icon.svg
			"asset_chunk", "asset_chunk", "asset_chunk", // photo.png
			"end",
		}
		if diff := cmp.Diff(wantOrder, p.order); diff != "" {
			t.Errorf("messages of the opening (-want +got):\n%s", diff)
		}
		wantAssets := map[string]string{"icon.svg": "<svg/>", "photo.png": string(photo), "exact.bin": string(photo[:8192])}
		gotAssets := map[string]string{}
		for name, content := range p.assets {
			gotAssets[name] = string(content)
		}
		if diff := cmp.Diff(wantAssets, gotAssets); diff != "" {
			t.Errorf("assets (-want +got):\n%s", diff)
		}
		for name, chunks := range p.chunks {
			for i, c := range chunks {
				if len(c.Data) > 8192 {
					t.Errorf("%s: piece %d holds %d bytes, want at most 8192", name, i, len(c.Data))
				}
				if last := i == len(chunks)-1; c.End != last {
					t.Errorf("%s: piece %d of %d has end %t, want %t", name, i, len(chunks), c.End, last)
				}
			}
		}
		if want := `[{"identity":{"name":"t","icon":"icon.svg"},"credentials_schema":[],"tools":[{"note":"a < b & c"}]}]`; string(p.data["tool_declaration"]) != want {
			t.Errorf("tools are declared as %s, want %s", p.data["tool_declaration"], want)
		}
		synctest.Wait()
		if p.beats.Load() != 1 {
			t.Errorf("%d heartbeats after the opening, want 1 at once", p.beats.Load())
		}
		if err := rig.finish(); !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v, want the cause of its context", err)
		}
		if want := "difyplugin: connected to dify.example:5003 as acme/godebug\n"; rig.status.String() != want {
			t.Errorf("people were told %q, want %q", rig.status, want)
		}
	})
}

func TestADatasourceOrAnEndpointAloneCanBeRegistered(t *testing.T) {
	for _, kind := range []string{"datasource_declaration", "endpoint_declaration"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rig := startDebug(t, greet, func(d *transport.Debug) {
					d.Declarations.Tools = nil
					one := json.RawMessage(`[{"identity":{"icon":"icon.svg"}}]`)
					if kind == "datasource_declaration" {
						d.Declarations.Datasources = one
					} else {
						d.Declarations.Endpoints = one
					}
				})
				p := rig.admitted(t)
				if p.data[kind] == nil {
					t.Errorf("declared were %v", p.order)
				}
				_ = rig.finish()
			})
		})
	}
}

func TestRequestsOnADebugConnectionAreAnsweredAsOnStandardInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startDebug(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
			switch string(in.Data) {
			case `"echo"`:
				greet(ctx, in, out)
			case `"panic"`:
				panic("a secret")
			case `"ask"`:
				for reply, err := range out.Invoke(ctx, "storage", map[string]string{"opt": "get"}) {
					_ = out.Stream(map[string]string{"got": fmt.Sprint(reply.Event, " ", reply.Message, string(reply.Data), err)})
				}
			}
		}, nil)
		p := rig.admitted(t)

		p.post(t, request("S1", `"echo"`))
		p.next(t, `S1 stream {"echo":"echo"}`)
		p.next(t, "S1 end")

		p.post(t, request("S2", `"panic"`))
		if e := <-p.events; e.Event != wire.EventLog || strings.Contains(string(e.Data), "a secret") {
			t.Errorf("after a panic came %s %s, want a log line without the panic's value", e.Event, e.Data)
		}
		p.next(t, "S2 error the plugin broke down by a fault of its own, which the host's log describes; report it to the plugin's author")
		p.next(t, "S2 end")

		p.post(t, request("S3", `"ask"`))
		id := p.call(t)
		p.post(t, `{"session_id":"S3","event":"backwards_response","data":{"backwards_request_id":"`+id+`","event":"response","message":"struct","data":{"data":"31"}}}`)
		p.post(t, `{"session_id":"S3","event":"backwards_response","data":{"backwards_request_id":"`+id+`","event":"error","message":"no room","data":null}}`)
		p.post(t, `{"session_id":"S3","event":"backwards_response","data":{"backwards_request_id":"`+id+`","event":"end","message":"","data":null}}`)
		p.next(t, `S3 stream {"got":"response struct{\"data\":\"31\"}<nil>"}`)
		p.next(t, `S3 stream {"got":"error no roomnull<nil>"}`)
		p.next(t, "S3 end")

		p.post(t, `{"session_id":"S4","event":"request","data":`)
		p.next(t, "error")
		p.post(t, `{"session_id":"S5","event":"news","data":{}}`)
		p.next(t, "S5 error read the host's line: its event is neither request nor backwards_response")
		p.next(t, "S5 end")
		_ = rig.finish()
	})
}

func (p *debugPeer) post(t *testing.T, line string) {
	t.Helper()
	if err := p.send(line); err != nil {
		t.Fatalf("the plugin does not read: %v", err)
	}
}

// call takes a call back into Dify and returns its id.
func (p *debugPeer) call(t *testing.T) string {
	t.Helper()
	e := <-p.events
	var m struct{ Data wire.Invoke }
	if err := json.Unmarshal(e.Data, &m); err != nil || m.Data.ID == "" {
		t.Fatalf("the plugin sent %s, want a call back", e.Data)
	}
	return m.Data.ID
}

func TestHeartbeatsGoOnWhileADebuggedPluginIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startDebug(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
			<-time.After(10 * time.Minute)
			greet(ctx, in, out)
		}, nil)
		p := rig.admitted(t)
		p.post(t, request("S1", `1`))
		p.next(t, `S1 stream {"echo":1}`)
		p.next(t, "S1 end")
		if got := p.beats.Load(); got < 60 || got > 61 {
			t.Errorf("%d heartbeats in 10 minutes, want one every 10 s", got)
		}
		_ = rig.finish()
	})
}

func TestALostConnectionCancelsItsRequestsAndThePluginRegistersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		causes := make(chan error, 1)
		rig := startDebug(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
			if string(in.Data) == `"wait"` {
				<-ctx.Done()
				causes <- context.Cause(ctx)
				_ = out.Stream("too late")
				return
			}
			greet(ctx, in, out)
		}, nil)
		first := rig.admitted(t)
		first.post(t, request("S1", `"wait"`))
		synctest.Wait()
		lost := time.Now()
		first.close()
		if err := <-causes; !errors.Is(err, transport.ErrDisconnected) {
			t.Errorf("the request was cancelled with %v, want %v", err, transport.ErrDisconnected)
		}

		second := rig.admitted(t)
		if pause := time.Since(lost); pause < 500*time.Millisecond || pause > time.Second {
			t.Errorf("the plugin came back after %s, want 0.5 s to 1 s", pause)
		}
		if diff := cmp.Diff(first.order, second.order); diff != "" {
			t.Errorf("the second registration differs from the first (-first +second):\n%s", diff)
		}
		if diff := cmp.Diff(first.assets, second.assets); diff != "" {
			t.Errorf("assets of the second registration (-first +second):\n%s", diff)
		}
		second.post(t, request("S1", `2`)) // the same id is free again, and nothing of the lost request comes here
		second.next(t, `S1 stream {"echo":2}`)
		second.next(t, "S1 end")
		_ = rig.finish()
		for _, want := range []string{"disconnected from Dify's debug server at dify.example:5003: the server closed the connection; retrying in "} {
			if !strings.Contains(rig.status.String(), want) {
				t.Errorf("people were told %q, want a line with %q", rig.status, want)
			}
		}
	})
}

func TestPausesGrowFromOneToThirtySecondsAndStartAnewAfterAGoodConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startUnreliableDebug(t, greet, nil, func(attempt int) error {
			if attempt < 9 {
				return errors.New("connection refused")
			}
			return nil
		})
		p := rig.admitted(t)
		dials := rig.attempts()
		full := []float64{1, 2, 4, 8, 16, 30, 30, 30, 30}
		spread := map[float64]bool{}
		for i, want := range full {
			got := dials[i+1].Sub(dials[i]).Seconds()
			if got < want/2 || got > want {
				t.Errorf("pause %d was %.2f s, want %.1f s to %.1f s", i+1, got, want/2, want)
			}
			spread[got/want] = true
		}
		if len(spread) < 3 {
			t.Errorf("pauses are always the same part of their length: %v", spread)
		}

		<-time.After(29 * time.Second)
		p.close()
		lost := time.Now()
		p = rig.admitted(t)
		if pause := time.Since(lost); pause < 15*time.Second {
			t.Errorf("after a connection of 29 s the pause was %s, want at least 15 s", pause)
		}
		<-time.After(30 * time.Second)
		p.close()
		lost = time.Now()
		rig.admitted(t)
		if pause := time.Since(lost); pause > time.Second {
			t.Errorf("after a connection of 30 s the pause was %s, want at most 1 s", pause)
		}
		_ = rig.finish()
		if want := "difyplugin: cannot connect to Dify's debug server at dify.example:5003: connection refused; retrying in "; !strings.HasPrefix(rig.status.String(), want) {
			t.Errorf("people were told %q, want it to start with %q", rig.status, want)
		}
	})
}

func TestARefusalEndsServeWithTheServersWords(t *testing.T) {
	tests := []struct {
		name   string
		change func(*transport.Debug)
		want   string
	}{
		{
			"a key that the server does not know",
			func(d *transport.Debug) { d.Key = "another-key" },
			"handshake failed, invalid key",
		},
		{
			"a plugin without anything in it",
			func(d *transport.Debug) { d.Declarations.Tools = json.RawMessage("[]") },
			"no registration transferred, cannot initialize",
		},
		{
			"an icon that is no asset",
			func(d *transport.Debug) { d.Declarations.Assets = fstest.MapFS{} },
			"assets remap failed, invalid assets data, cannot remap: file not found: icon.svg",
		},
		{
			"no assets at all",
			func(d *transport.Debug) { d.Declarations.Assets = nil },
			"assets remap failed, invalid assets data, cannot remap: file not found: icon.svg",
		},
		{
			"a folder of assets that does not exist",
			func(d *transport.Debug) { d.Declarations.Assets = missingFolder{} },
			"assets remap failed, invalid assets data, cannot remap: file not found: icon.svg",
		},
		{
			"a language other than python",
			func(d *transport.Debug) {
				d.Declarations.Manifest = json.RawMessage(`{"meta":{"runner":{"language":"go"}}}`)
			},
			"handshake failed, invalid plugin declaration: Key: 'PluginDeclaration.Meta.Runner.Language' " +
				"Error:Field validation for 'Language' failed on the 'is_available_language' tag",
		},
		{
			"tools without a list of credentials",
			func(d *transport.Debug) { d.Declarations.Tools = json.RawMessage(`[{"identity":{}}]`) },
			"tools register failed, invalid tools declaration: failed to unmarshal credentials_schema as array: unexpected end of JSON input",
		},
	}
	for _, test := range tests {
		t.Run(test.name+" over a pipe", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rig := startDebug(t, greet, test.change)
				if _, err := admit(<-rig.conns); err == nil {
					t.Fatal("the server let the plugin in")
				}
				wantRefusal(t, rig.ended(t), test.want)
				if n := len(rig.attempts()); n != 1 {
					t.Errorf("the plugin connected %d times, want once", n)
				}
			})
		})
		t.Run(test.name+" over TCP", func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			rig := startDebug(t, greet, func(d *transport.Debug) {
				test.change(d)
				d.Dial, d.Address = nil, listener.Addr().String()
			})
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := admit(conn); err == nil {
				t.Fatal("the server let the plugin in")
			}
			wantRefusal(t, <-rig.result, test.want)
		})
	}
}

// missingFolder is what fs.Sub makes of a name that nothing has.
type missingFolder struct{}

func (missingFolder) Open(string) (fs.File, error) { return nil, fs.ErrNotExist }

func wantRefusal(t *testing.T, err error, text string) {
	t.Helper()
	var refused *transport.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("Serve returned %v, want a refusal", err)
	}
	if refused.Text != text {
		t.Errorf("the refusal is %q, want %q", refused.Text, text)
	}
	if !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), debugKey) {
		t.Errorf("the error %q must quote the server and hold no key", err)
	}
}

func TestAServerThatIsFullRefusesBeforeItReadsAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startDebug(t, greet, nil)
		conn := <-rig.conns
		fmt.Fprintf(conn, "server is busy now, please try again later\n")
		conn.Close()
		wantRefusal(t, rig.ended(t), "server is busy now, please try again later")
	})
}

func TestARefusalNeedsNoNewlineAndNeverShowsTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startDebug(t, greet, nil)
		conn := <-rig.conns
		fmt.Fprintf(conn, "\r\n\r\nno tenant for key %s\r\nsecond line", debugKey)
		conn.Close()
		wantRefusal(t, rig.ended(t), "no tenant for key [key]")
		if strings.Contains(rig.status.String(), debugKey) {
			t.Errorf("people were told the key: %q", rig.status)
		}
	})
}

func TestARefusalIsKeptUpToFourKiB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startDebug(t, greet, nil)
		conn := <-rig.conns
		fmt.Fprintln(conn, strings.Repeat("x", 1<<20))
		conn.Close()
		wantRefusal(t, rig.ended(t), strings.Repeat("x", 4<<10))
	})
}

func TestWordsFollowedByARequestAreNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startDebug(t, greet, nil)
		p := rig.admitted(t)
		p.post(t, "a greeting")
		p.post(t, request("S1", `1`))
		p.next(t, `S1 stream {"echo":1}`)
		p.next(t, "S1 end")
		p.close()
		rig.admitted(t)
		if err := rig.finish(); !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v, want the cause of its context", err)
		}
	})
}

func TestWordsAtTheEndOfALongConnectionAreARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		causes := make(chan error, 1)
		rig := startDebug(t, func(ctx context.Context, _ wire.Inbound, _ *transport.Session) {
			<-ctx.Done()
			causes <- context.Cause(ctx)
		}, nil)
		p := rig.admitted(t)
		p.post(t, request("S1", `1`))
		<-time.After(time.Hour)
		p.post(t, "the tenant was deleted")
		p.close()
		wantRefusal(t, rig.ended(t), "the tenant was deleted")
		if err := <-causes; !errors.Is(err, transport.ErrDisconnected) {
			t.Errorf("the request was cancelled with %v, want %v", err, transport.ErrDisconnected)
		}
	})
}

func TestADebugConnectionTakesLinesOfAnyLength(t *testing.T) {
	big := `"` + strings.Repeat("x", 6<<20) + `"`
	synctest.Test(t, func(t *testing.T) {
		rig := startDebug(t, func(_ context.Context, in wire.Inbound, out *transport.Session) {
			_ = out.Stream(len(in.Data))
			_ = out.Line([]byte(`{"event":"session","session_id":"S1","data":{"type":"stream","data":` + big + "}}\n"))
		}, nil)
		p := rig.admitted(t)
		p.post(t, request("S1", big))
		p.next(t, fmt.Sprintf("S1 stream %d", len(big)))
		p.next(t, "S1 stream "+big)
		p.next(t, "S1 end")
		_ = rig.finish()
	})
}

func TestALimitOnLinesHoldsOnADebugConnectionToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := make(chan error, 1)
		rig := startDebug(t, func(_ context.Context, in wire.Inbound, out *transport.Session) {
			failures <- out.Stream(map[string]string{"long": strings.Repeat("x", 20_000)})
			long := strings.Repeat("y", 20_000)
			out.Finish(&wire.Error{Type: "InvokeError", Message: long, Args: map[string]any{"description": long}})
		}, func(d *transport.Debug) { d.MaxLine = 16 << 10 })
		p := rig.admitted(t)
		p.post(t, request("S1", `1`))
		var long *transport.LineTooLongError
		if err := <-failures; !errors.As(err, &long) || long.Limit != 16<<10 {
			t.Errorf("Stream returned %v, want a line that is too long", err)
		}
		p.next(t, "S1 error the request failed; the words that say why are longer than the host's longest line")
		p.next(t, "S1 end")
		_ = rig.finish()
	})
}

func TestAServerThatDoesNotReadIsGivenUp(t *testing.T) {
	t.Run("before the handshake after 10 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			rig := startDebug(t, greet, nil)
			begin := time.Now()
			silent := <-rig.conns
			next := <-rig.conns
			if took := time.Since(begin); took < 10*time.Second || took > 13*time.Second {
				t.Errorf("the plugin tried again after %s, want 10 s and a pause", took)
			}
			silent.Close()
			go func() { _, _ = io.Copy(io.Discard, next) }()
			_ = rig.finish()
			next.Close()
		})
	})
	t.Run("later after 150 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			rig := startDebug(t, greet, nil)
			conn := <-rig.conns
			_, err := io.ReadFull(conn, make([]byte, 80)) // the handshake and a little more
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			next := <-rig.conns
			if took := time.Since(begin); took < 150*time.Second || took > 153*time.Second {
				t.Errorf("the plugin tried again after %s, want 150 s and a pause", took)
			}
			conn.Close()
			next.Close()
			_ = rig.finish()
		})
	})
}

func TestStoppingADebuggedPlugin(t *testing.T) {
	t.Run("lets requests under way say so", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			rig := startDebug(t, func(ctx context.Context, _ wire.Inbound, out *transport.Session) {
				<-ctx.Done()
				<-time.After(4 * time.Second)
				_ = out.Stream("stopped")
			}, nil)
			p := rig.admitted(t)
			p.post(t, request("S1", `1`))
			synctest.Wait()
			if err := rig.finish(); !errors.Is(err, context.Canceled) {
				t.Errorf("Serve returned %v, want the cause of its context", err)
			}
			p.next(t, `S1 stream "stopped"`)
			p.next(t, "S1 end")
			<-p.gone
		})
	})
	t.Run("does not wait for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			rig := startDebug(t, func(context.Context, wire.Inbound, *transport.Session) { <-release }, nil)
			p := rig.admitted(t)
			p.post(t, request("S1", `1`))
			synctest.Wait()
			begin := time.Now()
			_ = rig.finish()
			if took := time.Since(begin); took != 5*time.Second {
				t.Errorf("Serve returned after %s, want 5 s", took)
			}
			close(release)
			<-p.gone
		})
	})
	t.Run("ends a pause at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			rig := startDebug(t, greet, nil)
			rig.admitted(t).close()
			synctest.Wait()
			begin := time.Now()
			if err := rig.finish(); !errors.Is(err, context.Canceled) || time.Since(begin) > 0 {
				t.Errorf("Serve returned %v after %s, want the cause of its context at once", err, time.Since(begin))
			}
		})
	})
	t.Run("ends an opening that nobody reads at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			rig := startDebug(t, greet, nil)
			conn := <-rig.conns
			begin := time.Now()
			if err := rig.finish(); !errors.Is(err, context.Canceled) || time.Since(begin) > 0 {
				t.Errorf("Serve returned %v after %s, want the cause of its context at once", err, time.Since(begin))
			}
			conn.Close()
		})
	})
	t.Run("ends an attempt to connect at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			rig := startDebug(t, greet, func(d *transport.Debug) {
				d.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
					<-ctx.Done()
					return nil, context.Cause(ctx)
				}
			})
			synctest.Wait()
			begin := time.Now()
			if err := rig.finish(); !errors.Is(err, context.Canceled) || time.Since(begin) > 0 {
				t.Errorf("Serve returned %v after %s, want the cause of its context at once", err, time.Since(begin))
			}
		})
	})
}

func TestAnAttemptToConnectTakesAtMostTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var tries []time.Duration
		rig := startDebug(t, greet, func(d *transport.Debug) {
			d.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				tries = append(tries, time.Since(begin))
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		<-time.After(12 * time.Second)
		_ = rig.finish()
		if len(tries) != 2 || tries[1] < 10*time.Second {
			t.Errorf("attempts began after %v, want a second one after 10 s and a pause", tries)
		}
	})
}

func TestDeclarationsThatCannotBeSentEndServe(t *testing.T) {
	tests := []struct {
		name   string
		change func(*transport.Debug)
		want   string
	}{
		{
			"a manifest that is no object",
			func(d *transport.Debug) { d.Declarations.Manifest = json.RawMessage(`["a"]`) },
			"the manifest is not a JSON object",
		},
		{
			"tools that are no JSON",
			func(d *transport.Debug) { d.Declarations.Tools = json.RawMessage(`[{]`) },
			"tool_declaration: ",
		},
		{
			"more assets than the server takes",
			func(d *transport.Debug) {
				d.Declarations.Assets = fstest.MapFS{"a": {Data: make([]byte, 50<<20)}, "b": {Data: []byte{1}}}
			},
			"the assets hold 52428801 bytes and the server takes 52428800: make them smaller",
		},
		{
			"an asset that cannot be read",
			func(d *transport.Debug) { d.Declarations.Assets = brokenAssets{} },
			"read asset icon.svg: the disk is gone",
		},
		{
			"a declaration longer than the limit on lines",
			func(d *transport.Debug) { d.MaxLine = 100 },
			"longer than the 100 bytes",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rig := startDebug(t, greet, test.change)
				go func() {
					for conn := range rig.conns {
						_, _ = io.Copy(io.Discard, conn)
					}
				}()
				err := rig.ended(t)
				close(rig.conns)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("Serve returned %v, want an error with %q", err, test.want)
				}
				if n := len(rig.attempts()); n > 1 {
					t.Errorf("the plugin connected %d times, want once at most", n)
				}
			})
		})
	}
}

// brokenAssets lists an icon that cannot be read.
type brokenAssets struct{}

func (brokenAssets) Open(name string) (fs.File, error) {
	good := fstest.MapFS{"icon.svg": {Data: []byte("<svg/>")}}
	file, err := good.Open(name)
	if name == "icon.svg" && err == nil {
		return brokenFile{file}, nil
	}
	return file, err
}

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestNobodyIsToldTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startUnreliableDebug(t, greet, nil, func(attempt int) error {
			if attempt == 1 {
				return errors.New("proxy says: " + debugKey)
			}
			return nil
		})
		rig.admitted(t).close()
		rig.admitted(t)
		_ = rig.finish()
		if got := rig.status.String(); strings.Contains(got, debugKey) || !strings.Contains(got, "proxy says: [key]") {
			t.Errorf("people were told %q", got)
		}
	})
}

func TestDebugAddressIsReadFromTheEnvironment(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"nothing but a key", nil, "localhost:5003"},
		{"host and port", map[string]string{"REMOTE_INSTALL_HOST": "dify.example", "REMOTE_INSTALL_PORT": "6000"}, "dify.example:6000"},
		{"an IPv6 host", map[string]string{"REMOTE_INSTALL_HOST": "::1"}, "[::1]:5003"},
		{"an IPv6 host in brackets", map[string]string{"REMOTE_INSTALL_HOST": "[::1]"}, "[::1]:5003"},
		{"a URL of host and port", map[string]string{"REMOTE_INSTALL_URL": "debug.dify.ai:5003"}, "debug.dify.ai:5003"},
		{"a URL between blanks", map[string]string{"REMOTE_INSTALL_URL": " debug.dify.ai:5003\r"}, "debug.dify.ai:5003"},
		{"a URL with a scheme", map[string]string{"REMOTE_INSTALL_URL": "tcp://10.0.0.7:5003"}, "10.0.0.7:5003"},
		{"a URL of a web server", map[string]string{"REMOTE_INSTALL_URL": "http://h/"}, "h:80"},
		{"a URL of a secure web server", map[string]string{"REMOTE_INSTALL_URL": "https://h"}, "h:443"},
		{"a URL of an IPv6 host", map[string]string{"REMOTE_INSTALL_URL": "tcp://[::1]:5003"}, "[::1]:5003"},
		{
			"a URL that wins over host and port",
			map[string]string{"REMOTE_INSTALL_URL": "a:1", "REMOTE_INSTALL_HOST": "b", "REMOTE_INSTALL_PORT": "2"},
			"a:1",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			addr, key, err := transport.DebugAddress(func(name string) string {
				if name == "REMOTE_INSTALL_KEY" {
					return " " + debugKey + "\n"
				}
				return test.env[name]
			})
			if err != nil || addr != test.want || key != debugKey {
				t.Errorf("got %q, %q, %v, want %q and the key", addr, key, err, test.want)
			}
		})
	}
}

func TestDebugAddressRefusesWhatItCannotUseAndQuotesNothing(t *testing.T) {
	const secret = "s3cr3t"
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"no key", map[string]string{"REMOTE_INSTALL_URL": "h:1"}, "REMOTE_INSTALL_KEY is not set"},
		{"a key of blanks", map[string]string{"REMOTE_INSTALL_KEY": "  "}, "REMOTE_INSTALL_KEY is not set"},
		{"a URL without a port", map[string]string{"REMOTE_INSTALL_URL": secret}, "REMOTE_INSTALL_URL names no host and port"},
		{"a TCP URL without a port", map[string]string{"REMOTE_INSTALL_URL": "tcp://" + secret}, "REMOTE_INSTALL_URL names no host and port"},
		{"a URL without a host", map[string]string{"REMOTE_INSTALL_URL": ":5003"}, "REMOTE_INSTALL_URL names no host and port"},
		{"a URL with a user", map[string]string{"REMOTE_INSTALL_URL": "tcp://u:" + secret + "@h:1"}, "REMOTE_INSTALL_URL names no host and port"},
		{"a user before host and port", map[string]string{"REMOTE_INSTALL_URL": secret + "@h:1"}, "REMOTE_INSTALL_URL names no host and port"},
		{"a URL with a path", map[string]string{"REMOTE_INSTALL_URL": "http://h:1/" + secret}, "REMOTE_INSTALL_URL names no host and port"},
		{"a URL with a query", map[string]string{"REMOTE_INSTALL_URL": "http://h:1?" + secret}, "REMOTE_INSTALL_URL names no host and port"},
		{"a port of a URL that is no number", map[string]string{"REMOTE_INSTALL_URL": "h:" + secret}, "REMOTE_INSTALL_URL names no host and port"},
		{"port 0", map[string]string{"REMOTE_INSTALL_PORT": "0"}, "REMOTE_INSTALL_PORT is not a port"},
		{"a port that is too large", map[string]string{"REMOTE_INSTALL_PORT": "65536"}, "REMOTE_INSTALL_PORT is not a port"},
		{"a host that is a URL", map[string]string{"REMOTE_INSTALL_HOST": "http://" + secret}, "REMOTE_INSTALL_HOST is not a host"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := transport.DebugAddress(func(name string) string { return test.env[name] })
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want an error with %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

func TestManyRequestsAtOnceLoseNoLineOnADebugConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const requests, results = 200, 5
		rig := startDebug(t, func(_ context.Context, in wire.Inbound, out *transport.Session) {
			for i := range results {
				_ = out.Stream(i)
			}
		}, nil)
		p := rig.admitted(t)
		for i := range requests {
			p.post(t, request(fmt.Sprintf("S%d", i), `1`))
		}
		got := map[string][]string{}
		for range requests * (results + 1) {
			e := <-p.events
			got[*e.SessionID] = append(got[*e.SessionID], strings.TrimPrefix(summary(e), *e.SessionID+" "))
		}
		want := []string{"stream 0", "stream 1", "stream 2", "stream 3", "stream 4", "end"}
		for id, lines := range got {
			if !slices.Equal(lines, want) {
				t.Errorf("session %s got %q, want %q", id, lines, want)
			}
		}
		if len(got) != requests {
			t.Errorf("%d sessions were answered, want %d", len(got), requests)
		}
		_ = rig.finish()
	})
}

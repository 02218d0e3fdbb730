package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cloudplugins/difyplugin/host"
)

// inlineSize is the size of files that fit into one line, nearly the largest.
const inlineSize = 3_900_000

// inlineFiles downloads files from the drive, one after the other, and returns bytes of content per second.
func inlineFiles(ctx context.Context, command host.Command, count int) ([]float64, error) {
	c, err := started(ctx, command)
	if err != nil {
		return nil, err
	}
	defer c.kill()
	if err := c.download("warm-up"); err != nil {
		return nil, err
	}
	began := time.Now()
	for i := range count {
		if err := c.download("s" + strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	return []float64{float64(count) * inlineSize / time.Since(began).Seconds()}, nil
}

// download fetches one file, which must come as one line.
func (c *child) download(session string) error {
	if err := c.write(downloadRequest(session, inlineSize)); err != nil {
		return err
	}
	for {
		head, length, err := c.next()
		if err != nil {
			return err
		}
		if e := parseEvent(head); e.session != session {
			continue
		} else if e.message != "stream" || length < inlineSize*4/3 {
			return fmt.Errorf("%s sent no file in one line, but %s", c.name, head)
		}
		return c.end(session)
	}
}

// bareFiles has the bare program write the same files.
func bareFiles(ctx context.Context, command host.Command, count int) ([]float64, error) {
	c, err := started(ctx, command)
	if err != nil {
		return nil, err
	}
	defer c.kill()
	if err := c.copyFiles(1); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := c.copyFiles(count); err != nil {
		return nil, err
	}
	return []float64{float64(count) * inlineSize / time.Since(began).Seconds()}, nil
}

func (c *child) copyFiles(count int) error {
	if err := c.write(fmt.Sprintf("%d %d", inlineSize, count)); err != nil {
		return err
	}
	for range count {
		if _, _, err := c.next(); err != nil {
			return err
		}
	}
	return nil
}

// uploads stands in for Dify, which receives files.
type uploads struct {
	*host.Dify
	folder string
}

func (w *workshop) newUploads() (*uploads, error) {
	folder, err := w.folder("uploads")
	if err != nil {
		return nil, err
	}
	dify, err := host.NewDify(host.DifyOptions{Folder: folder})
	if err != nil {
		return nil, err
	}
	return &uploads{dify, folder}, nil
}

// close also removes what was uploaded.
func (u *uploads) close() { _ = errors.Join(u.Close(), os.RemoveAll(u.folder)) }

// received checks that a file of this size has arrived.
func (u *uploads) received(size int64) error {
	files, err := filepath.Glob(filepath.Join(u.folder, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Size() == size {
			return nil
		}
	}
	return fmt.Errorf("no file of %d bytes has arrived at the stand-in for Dify", size)
}

// uploadedFile has a plugin's drive hand over a file that is too large for a line, and returns bytes per second and
// the largest memory of the plugin.
func (w *workshop) uploadedFile(ctx context.Context, command host.Command, size int64) ([]float64, error) {
	dify, err := w.newUploads()
	if err != nil {
		return nil, err
	}
	defer dify.close()
	p, err := host.Start(ctx, command, host.Options{Backend: dify, CloseGrace: time.Second})
	if err != nil {
		return nil, err
	}
	defer p.Close() // how it ends is not measured
	if err := driveFile(ctx, p, inlineSize+1); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := driveFile(ctx, p, size); err != nil {
		return nil, err
	}
	took := time.Since(began)
	if err := dify.received(size); err != nil {
		return nil, err
	}
	peak, err := memory(p.PID(), "VmHWM")
	if err != nil {
		return nil, err
	}
	return []float64{float64(size) / took.Seconds(), peak[0]}, nil
}

func driveFile(ctx context.Context, p *host.Process, size int64) error {
	request := host.Request{
		Caller: host.Caller{Provider: "drive", UserID: "bench", Credentials: map[string]any{}},
		Type:   "datasource", Action: "invoke_online_drive_download_file",
		Fields: map[string]any{
			"datasource": "drive", "request": map[string]any{"bucket": nil, "id": strconv.FormatInt(size, 10)},
		},
	}
	for _, err := range p.Call(ctx, request) {
		if err != nil {
			return err
		}
	}
	return nil
}

// bareUpload has the bare program upload the same bytes to the same server.
func (w *workshop) bareUpload(ctx context.Context, command host.Command, size int64) ([]float64, error) {
	dify, err := w.newUploads()
	if err != nil {
		return nil, err
	}
	defer dify.close()
	c, err := started(ctx, command)
	if err != nil {
		return nil, err
	}
	defer c.kill()
	if _, err := c.post(ctx, dify, inlineSize+1); err != nil {
		return nil, err
	}
	took, err := c.post(ctx, dify, size)
	if err != nil {
		return nil, err
	}
	if err := dify.received(size); err != nil {
		return nil, err
	}
	peak, err := memory(c.cmd.Process.Pid, "VmHWM")
	if err != nil {
		return nil, err
	}
	return []float64{float64(size) / took.Seconds(), peak[0]}, nil
}

// post returns how long an upload took, without the call that asks for its address.
func (c *child) post(ctx context.Context, dify *uploads, size int64) (time.Duration, error) {
	name := strconv.FormatInt(size, 10) + ".bin"
	url, err := dify.address(ctx, name)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := c.write(fmt.Sprintf("%s %d %s", url, size, name)); err != nil {
		return 0, err
	}
	_, _, err = c.next()
	return time.Since(began), err
}

// address signs a place for one file.
func (u *uploads) address(ctx context.Context, name string) (string, error) {
	request := fmt.Appendf(nil, `{"filename":%q,"mimetype":"application/octet-stream"}`, name)
	for answer, err := range u.Invoke(ctx, host.Invocation{Type: "upload_file", Request: request}) {
		if err != nil {
			return "", err
		}
		if fields, ok := answer.(map[string]any); ok {
			if url, ok := fields["url"].(string); ok {
				return url, nil
			}
		}
	}
	return "", errors.New("the stand-in for Dify gave no address for an upload")
}

// shippedPlugin starts the shipped plugin in front of the cloud and the stand-in for Dify.
func (w *workshop) shippedPlugin(ctx context.Context, dify *uploads) (*host.Process, *cloud, error) {
	command, err := w.program(ctx, shipped)
	if err != nil {
		return nil, nil, err
	}
	cloud, err := w.cloud.get()
	if err != nil {
		return nil, nil, err
	}
	command.Env = append(command.Env, cloud.box.Environ()...)
	p, err := host.Start(ctx, command, host.Options{Backend: dify, CloseGrace: time.Second})
	return p, cloud, err
}

// shippedLarge has the shipped plugin pass an object of 1 GiB on, and returns bytes per second and its largest memory.
func (w *workshop) shippedLarge(ctx context.Context) ([]float64, error) {
	dify, err := w.newUploads()
	if err != nil {
		return nil, err
	}
	defer dify.close()
	p, cloud, err := w.shippedPlugin(ctx, dify)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	began := time.Now()
	file, err := p.Download(ctx, cloud.caller(), filepath.Base(shipped), cloud.account.Backups, largeObject)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	peak, err := memory(p.PID(), "VmHWM")
	if err != nil {
		return nil, err
	}
	return []float64{float64(file.Size) / took.Seconds(), peak[0]}, nil
}

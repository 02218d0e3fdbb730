package plugin

import (
	"context"
	"strconv"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// defaultMaxKeys is the page size where a host names none.
const defaultMaxKeys = 20

// What the host expects as the answer to a browse request. Its lists are never null.
type (
	browseAnswer struct {
		Result []browsedFolder `json:"result"`
	}
	browsedFolder struct {
		Bucket      string         `json:"bucket"`
		Files       []browsedEntry `json:"files"`
		IsTruncated bool           `json:"is_truncated"`
		Next        map[string]any `json:"next_page_parameters"`
	}
	browsedEntry struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Size int64  `json:"size"`
		Type string `json:"type"`
	}
)

func (p *Plugin) browse(ctx context.Context, req wire.Request, call *Call) error {
	if p.drive == nil {
		return p.unknown(req)
	}
	in, err := browseRequest(req.Drive)
	if err != nil {
		return err
	}
	page, err := p.drive.Browse(ctx, call, in)
	if err != nil {
		return err
	}
	return sendError(call.session.Stream(browseAnswer{Result: browsed(in, page)}), call.part)
}

func browseRequest(in *wire.DriveRequest) (BrowseRequest, error) {
	if in == nil {
		return BrowseRequest{}, Errorf(BadRequest, "the browse request holds no request object")
	}
	out := BrowseRequest{Bucket: text(in.Bucket), Prefix: text(in.Prefix), MaxKeys: defaultMaxKeys, Cursor: in.NextParameters}
	if in.MaxKeys != "" {
		n, err := wholeNumber(in.MaxKeys.String())
		if err != nil || n < 1 {
			return out, Errorf(BadRequest, "max_keys must be a whole number from 1, it is %s", strconv.Quote(in.MaxKeys.String()))
		}
		out.MaxKeys = int(min(n, 1<<30))
	}
	if len(out.Cursor) == 0 {
		out.Cursor = nil
	}
	return out, nil
}

func browsed(in BrowseRequest, page Page) []browsedFolder {
	if page.Buckets != nil {
		folders := make([]browsedFolder, 0, len(page.Buckets))
		for _, name := range page.Buckets {
			folders = append(folders, browsedFolder{Bucket: name, Files: []browsedEntry{}, Next: map[string]any{}})
		}
		return folders
	}
	folder := browsedFolder{
		Bucket:      in.Bucket,
		Files:       make([]browsedEntry, 0, len(page.Entries)),
		IsTruncated: len(page.Next) > 0,
		Next:        map[string]any{},
	}
	if folder.IsTruncated {
		folder.Next = page.Next
	}
	for _, e := range page.Entries {
		kind := "file"
		if e.Folder {
			kind = "folder"
		}
		folder.Files = append(folder.Files, browsedEntry{e.ID, e.Name, e.Size, kind})
	}
	return []browsedFolder{folder}
}

func (p *Plugin) download(ctx context.Context, req wire.Request, call *Call) error {
	if p.drive == nil {
		return p.unknown(req)
	}
	if req.Drive == nil || req.Drive.ID == "" {
		return Errorf(BadRequest, "the download request names no file: its id is missing")
	}
	f, err := p.drive.Download(ctx, call, DownloadRequest{Bucket: text(req.Drive.Bucket), ID: req.Drive.ID})
	if err != nil {
		return err
	}
	return call.File(ctx, f)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

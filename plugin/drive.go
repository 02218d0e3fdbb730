package plugin

import "context"

// OnlineDrive is a data source that is browsed like a drive: buckets or not, folders, files. Its methods are called
// from many goroutines at once, for different users.
type OnlineDrive interface {
	// Check is called when a user saves credentials. Its error's text is shown in the form.
	Check(ctx context.Context, c Credentials) error

	// Browse returns one page of a folder, or the buckets when the request names none and the drive has some.
	Browse(ctx context.Context, call *Call, in BrowseRequest) (Page, error)

	// Download returns a file; the SDK opens it and hands it to Dify, whatever its size.
	Download(ctx context.Context, call *Call, in DownloadRequest) (File, error)
}

// BrowseRequest asks for one page of a folder.
type BrowseRequest struct {
	// Bucket is "" at the root of a drive that has buckets.
	Bucket string
	// Prefix is the ID of the folder, "" at the root of the bucket.
	Prefix string
	// MaxKeys is the largest number of entries wanted, at least 1.
	MaxKeys int
	// Cursor is what the previous page returned as Next; nil for the first page.
	Cursor map[string]any
}

// Page is an answer to a BrowseRequest: either Buckets, or one page of a folder.
type Page struct {
	// Buckets are the names at the root of a drive. Where it is not nil, Entries and Next are not looked at.
	Buckets []string
	// Entries are shown in this order.
	Entries []Entry
	// Next asks for the page after this one; nil on the last page.
	Next map[string]any
}

// Entry is a file or a folder.
type Entry struct {
	// ID names the entry in later requests: Prefix of a BrowseRequest, ID of a DownloadRequest.
	ID string
	// Name is what the user sees.
	Name string
	// Size is in bytes; 0 for folders.
	Size int64
	// Folder tells folders from files.
	Folder bool
}

// DownloadRequest asks for one file.
type DownloadRequest struct {
	Bucket string
	ID     string
}

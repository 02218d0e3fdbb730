package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/tencentyun/cos-go-sdk-v5"
)

// maxPage is the most entries that COS puts on one page.
const maxPage = 1000

// listing is one page of a folder.
type listing struct {
	entries []plugin.Entry
	// next is the marker of the page after this one, "" on the last.
	next string
}

// markerName is the name of a cursor's one value, which workflows in the middle of a folder have already stored.
const markerName = "marker"

func (l listing) page() plugin.Page {
	page := plugin.Page{Entries: l.entries}
	if l.next != "" {
		page.Next = map[string]any{markerName: l.next}
	}
	return page
}

// cursorMarker reads what page wrote. A first page has no cursor, or an empty one.
func cursorMarker(cursor map[string]any) (string, error) {
	switch marker := cursor[markerName].(type) {
	case nil:
		return "", nil
	case string:
		return marker, nil
	default:
		return "", plugin.Errorf(plugin.BadRequest, "the marker in next_page_parameters is not a text: send back what the previous page returned, or nothing")
	}
}

// folderPrefix is what the keys in a folder begin with. Without the slash "doc" would also be the beginning of
// "doc.txt" and "documents/".
func folderPrefix(id string) string {
	if id == "" || strings.HasSuffix(id, "/") {
		return id
	}
	return id + "/"
}

// readListing turns COS's answer into the entries of a folder. Keys are as they were sent, still encoded. A key that
// ends with a slash is the placeholder of a folder, which is not shown: the folder is. Entries stand in the order of
// their keys; the marker and what comes before it were on earlier pages.
func readListing(answer *cos.BucketGetResult, prefix, marker string) (listing, error) {
	decode := keyDecoder(answer.EncodingType)
	out := listing{entries: []plugin.Entry{}}
	last := ""
	for _, object := range answer.Contents {
		key, err := decode(object.Key, prefix)
		if err != nil {
			return listing{}, err
		}
		last = max(last, key)
		if !strings.HasSuffix(key, "/") && key > marker {
			out.entries = append(out.entries, plugin.Entry{ID: key, Name: lastSegment(key), Size: max(object.Size, 0)})
		}
	}
	for _, encoded := range answer.CommonPrefixes {
		key, err := decode(encoded, prefix)
		if err != nil {
			return listing{}, err
		}
		last = max(last, key)
		if key != prefix && key > marker {
			out.entries = append(out.entries, plugin.Entry{ID: key, Name: lastSegment(key), Folder: true})
		}
	}
	slices.SortFunc(out.entries, func(a, b plugin.Entry) int { return cmp.Compare(a.ID, b.ID) })
	if !answer.IsTruncated {
		return out, nil
	}
	next, err := nextMarker(answer, last)
	if err != nil {
		return listing{}, err
	}
	if next <= marker {
		return listing{}, errors.New("COS says that there are more entries but not where they begin; try again later")
	}
	out.next = next
	return out, nil
}

// nextMarker is where the next page begins: where COS says or, when it says nothing, after the last entry.
func nextMarker(answer *cos.BucketGetResult, last string) (string, error) {
	if answer.NextMarker == "" {
		return last, nil
	}
	return keyDecoder(answer.EncodingType)(answer.NextMarker, "")
}

// keyDecoder returns a function that decodes a key and makes sure that it is one of those that were asked for.
func keyDecoder(encoding string) func(encoded, prefix string) (string, error) {
	return func(encoded, prefix string) (string, error) {
		key := encoded
		if encoding == "url" {
			decoded, err := url.QueryUnescape(encoded)
			if err != nil {
				return "", errors.New("COS sent a key that is not encoded as it says; try again later")
			}
			key = decoded
		}
		if !strings.HasPrefix(key, prefix) {
			return "", fmt.Errorf("COS sent the entry %q, which is not in the folder %q; try again later", clip(key), clip(prefix))
		}
		return key, nil
	}
}

// lastSegment is the name under which a key is shown. A folder without a name, as in "a//b", is shown as a slash.
func lastSegment(key string) string {
	path := strings.TrimSuffix(key, "/")
	name := path[strings.LastIndexByte(path, '/')+1:]
	if name == "" {
		return "/"
	}
	return name
}

package main

import (
	"mime"
	"path"
	"strings"
)

// mediaType is the type of a file. Many uploads leave the type that stands for "anything", or one that a tool put
// there for its own reasons; then the name says more.
func mediaType(stored, key string) string {
	declared, _, err := mime.ParseMediaType(stored)
	if err == nil && !generic(declared) {
		return declared
	}
	if named := typeByName(strings.ToLower(path.Ext(key))); named != "" {
		return named
	}
	return "" // the SDK knows a few more
}

func generic(mediaType string) bool {
	switch mediaType {
	case "application/octet-stream", "binary/octet-stream", "application/x-octet-stream", "application/octetstream",
		"application/unknown", "application/x-unknown", "application/download", "application/x-download",
		"application/force-download", "application/x-www-form-urlencoded", "multipart/form-data":
		return true
	}
	return !strings.Contains(mediaType, "/")
}

// typeByName covers the files that knowledge bases are made of. The system's own table is not asked, because it
// differs from one machine to the next.
func typeByName(extension string) string {
	switch extension {
	case ".txt", ".text", ".log":
		return "text/plain"
	case ".md", ".markdown", ".mdx":
		return "text/markdown"
	case ".csv":
		return "text/csv"
	case ".tsv":
		return "text/tab-separated-values"
	case ".htm", ".html":
		return "text/html"
	case ".xml":
		return "text/xml"
	case ".json":
		return "application/json"
	case ".jsonl":
		return "application/jsonl"
	case ".yaml", ".yml":
		return "application/yaml"
	case ".pdf":
		return "application/pdf"
	case ".rtf":
		return "application/rtf"
	case ".epub":
		return "application/epub+zip"
	case ".eml":
		return "message/rfc822"
	case ".msg":
		return "application/vnd.ms-outlook"
	case ".vtt":
		return "text/vtt"
	case ".srt":
		return "application/x-subrip"
	case ".properties":
		return "text/plain"
	case ".zip":
		return "application/zip"
	case ".gz":
		return "application/gzip"
	default:
		return officeOrMediaType(extension)
	}
}

func officeOrMediaType(extension string) string {
	switch extension {
	case ".doc":
		return "application/msword"
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case ".xls":
		return "application/vnd.ms-excel"
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".ppt":
		return "application/vnd.ms-powerpoint"
	case ".pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	case ".odt":
		return "application/vnd.oasis.opendocument.text"
	case ".ods":
		return "application/vnd.oasis.opendocument.spreadsheet"
	case ".odp":
		return "application/vnd.oasis.opendocument.presentation"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".svg":
		return "image/svg+xml"
	case ".bmp":
		return "image/bmp"
	case ".tif", ".tiff":
		return "image/tiff"
	case ".mp3":
		return "audio/mpeg"
	case ".m4a":
		return "audio/mp4"
	case ".wav":
		return "audio/wav"
	case ".ogg":
		return "audio/ogg"
	case ".flac":
		return "audio/flac"
	case ".mp4":
		return "video/mp4"
	case ".mov":
		return "video/quicktime"
	case ".webm":
		return "video/webm"
	}
	return ""
}

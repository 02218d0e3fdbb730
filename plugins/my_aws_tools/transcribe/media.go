package transcribe

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"strings"
)

// format is a kind of media that Transcribe reads, by its name in the API.
type format string

// The formats, after "Media formats" in the Developer Guide of Transcribe.
const (
	amr  format = "amr"
	flac format = "flac"
	m4a  format = "m4a"
	mp3  format = "mp3"
	mp4  format = "mp4"
	ogg  format = "ogg"
	wav  format = "wav"
	webm format = "webm"
)

const readable = "Transcribe reads amr, flac, m4a, mp3, mp4, ogg, wav and webm"

// detect finds out what media are: by their first bytes, else by the type that their server names, else by their name.
// The error completes a sentence that begins with what they are called.
func detect(head []byte, mediaType, name string) (format, error) {
	extension := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	byType, byName := formatOfType(mediaType), formatOfExtension(extension)
	if found := formatOfBytes(head); found != "" {
		if found == mp4 && (byName == m4a || byName == "" && byType == m4a) { // the same container
			return m4a, nil
		}
		return found, nil
	}
	says := "has no type"
	switch {
	case !saysNothing(mediaType):
		if byType != "" {
			return byType, nil
		}
		says = "is " + mediaType
	case byName != "":
		return byName, nil
	case extension != "":
		says = "is a file of the kind ." + extension
	}
	return "", fmt.Errorf("%s, and its content is none of the media that can be transcribed: %s. Convert it first", says, readable)
}

// saysNothing reports whether a MIME type is one that servers give to any file.
func saysNothing(mediaType string) bool {
	switch mediaType {
	case "", "application/octet-stream", "binary/octet-stream", "application/gzip", "application/x-gzip", "application/force-download":
		return true
	}
	return false
}

func formatOfType(mediaType string) format {
	switch mediaType {
	case "audio/amr", "audio/amr-wb":
		return amr
	case "audio/flac", "audio/x-flac":
		return flac
	case "audio/mp4", "audio/m4a", "audio/x-m4a":
		return m4a
	case "audio/mpeg", "audio/mp3", "audio/mpeg3", "audio/x-mpeg", "audio/x-mp3", "audio/x-mpeg-3":
		return mp3
	case "video/mp4", "video/x-m4v", "application/mp4":
		return mp4
	case "audio/ogg", "video/ogg", "application/ogg", "audio/opus", "audio/vorbis":
		return ogg
	case "audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave", "audio/x-pn-wav":
		return wav
	case "audio/webm", "video/webm":
		return webm
	}
	return ""
}

func formatOfExtension(extension string) format {
	switch extension {
	case "amr", "awb":
		return amr
	case "flac":
		return flac
	case "m4a", "m4b":
		return m4a
	case "mp3", "mpga":
		return mp3
	case "mp4", "m4v":
		return mp4
	case "ogg", "oga", "opus":
		return ogg
	case "wav", "wave":
		return wav
	case "webm":
		return webm
	}
	return ""
}

// formatOfBytes knows the beginnings of files, or "" for what it does not know. MP3 need not begin in a way of its own.
func formatOfBytes(head []byte) format {
	at := func(offset int, mark string) bool {
		return len(head) >= offset && bytes.HasPrefix(head[offset:], []byte(mark))
	}
	switch {
	case at(0, "#!AMR"):
		return amr
	case at(0, "fLaC"):
		return flac
	case at(0, "OggS"):
		return ogg
	case (at(0, "RIFF") || at(0, "RF64")) && at(8, "WAVE"):
		return wav
	case at(0, "\x1aE\xdf\xa3") && bytes.Contains(head, []byte("webm")): // other Matroska files name another type here
		return webm
	case at(4, "ftypM4A") || at(4, "ftypM4B"):
		return m4a
	case at(4, "ftyp") && !at(4, "ftypqt"): // QuickTime is not among the formats
		return mp4
	case at(0, "ID3") || isAudioFrame(head):
		return mp3
	}
	return ""
}

// isAudioFrame reports whether MPEG audio of layer I to III begins here, after ISO/IEC 11172-3. The layer 0 is that of AAC,
// which Transcribe reads only inside of MP4.
func isAudioFrame(head []byte) bool {
	return len(head) >= 2 && head[0] == 0xff && head[1]&0xe0 == 0xe0 && head[1]&0x06 != 0
}

// mediaType is the type that uploaded media are stored with.
func (f format) mediaType() string {
	return cmp.Or(map[format]string{mp3: "audio/mpeg", m4a: "audio/mp4", mp4: "video/mp4"}[f], "audio/"+string(f))
}

// Package transcribe holds the tool that turns speech into text with Amazon Transcribe.
//
// # The way of the media
//
// Transcribe reads media from S3 and from nowhere else. The tool downloads what the user names, looks at its first bytes
// to see that it is something that Transcribe reads, and passes it on to a bucket of the user's as it arrives: media of any
// permitted size take little memory and no disk. Media that lie in S3 already are transcribed where they are, and are
// never changed or removed.
//
// # What is left behind
//
// Nothing, if it can be helped. Uploaded media are removed as soon as the job has ended, and when anything goes wrong
// before. The job, and with it the transcript that AWS keeps, is deleted when its text was handed over. Both have their own
// few seconds for that, which do not depend on how the call has ended. What could not be removed is logged and named among
// the outputs; it costs nobody the text.
//
// # Waiting
//
// Jobs are looked at less and less often until they have ended. When the time of the call is up first, the job and its
// media stay, and the error says under which name the job is picked up. The name of a job that this tool has started begins
// with "dify-", and its media have the name of the job: by that a later call knows what it may remove. Jobs of others are
// read and left alone.
package transcribe

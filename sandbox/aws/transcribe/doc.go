// Package transcribe is a stand-in for Amazon Transcribe: StartTranscriptionJob, GetTranscriptionJob and
// DeleteTranscriptionJob, as strict as the real ones.
//
//	store := s3.New()
//	jobs, err := transcribe.New(cloud, store)
//	cloud.Register("s3", store)
//	cloud.Register("transcribe", jobs)
//	jobs.Hear(transcribe.Speech{Takes: time.Minute, Words: []transcribe.Word{{Text: "Hello"}, {Text: "."}}})
//
// Media are looked for in the stand-in for S3 when a job is started, and again when it ends: a job whose media were taken
// away fails. The transcript lies in a bucket of the service's own, under a host of S3, and is read with a presigned URL,
// whose signature is checked like all others.
package transcribe

// Package s3 holds the tools over Amazon S3: read and write text, upload and download files, list and create buckets.
//
// # Addresses
//
// An object is written s3://bucket/key. The key is everything behind the slash after the bucket, taken as it stands: it
// may hold #, ?, %, spaces, slashes at either end and any Unicode, and is neither decoded nor trimmed. In place of a
// bucket's name the ARN of an access point may stand.
//
// # Regions
//
// A bucket is first asked for in the region of the call. When S3 answers that it is elsewhere, the request is sent
// there, once, and the process remembers the region for some minutes.
//
// # Size
//
// Files never lie in memory as a whole. An upload reads the file from Dify as a stream and sends it in parts of 16 MiB;
// all uploads of the process share the memory for them. A download that breaks off is taken up where it was, and its
// checksum is compared with the one that S3 keeps.
package s3

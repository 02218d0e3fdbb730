package s3

import (
	"fmt"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// faults are S3's error codes that mean something particular.
func faults() map[string]account.Fault {
	denied := "access was denied: give these credentials the permission {action} on {resource} in the IAM console, and check the policy " +
		"of the bucket and, for an encrypted object, that of its KMS key{said}"
	return map[string]account.Fault{
		"NoSuchBucket": {Kind: plugin.BadRequest, Text: "there is no such bucket: check its name, or list the buckets with s3_list_buckets"},
		"NoSuchKey": {Kind: plugin.BadRequest, Text: "there is no such object: check its key, in which capitals, spaces and every slash count, " +
			"or list the objects with s3_list_objects"},
		"NoSuchVersion": {Kind: plugin.BadRequest, Text: "the object has no such version: check version_id"},
		"NoSuchUpload":  {Kind: plugin.Unavailable, Text: "S3 has given the unfinished upload up, or someone has aborted it: try again"},
		"AccessDenied":  {Kind: plugin.Authorization, Text: denied},
		"Forbidden":     {Kind: plugin.Authorization, Text: denied},
		"MethodNotAllowed": {Kind: plugin.BadRequest, Text: "S3 does not do this here: version_id may name a mark that says that the object was " +
			"deleted{said}"},
		"InvalidObjectState": {Kind: plugin.BadRequest, Text: "the object is archived: restore it in the S3 console first, which takes minutes to " +
			"hours, and then try again{said}"},
		"PreconditionFailed":           {Kind: plugin.BadRequest, Text: "there is an object with this key already, and overwrite is off: choose another key, or switch overwrite on"},
		"ConditionalRequestConflict":   {Kind: plugin.BadRequest, Text: "somebody else is writing an object with this key at the same time: look at it, then try again"},
		"EntityTooLarge":               {Kind: plugin.BadRequest, Text: "the object is larger than the bucket accepts{said}"},
		"KeyTooLongError":              {Kind: plugin.BadRequest, Text: "the key is longer than 1024 bytes: choose a shorter one"},
		"InvalidBucketName":            {Kind: plugin.BadRequest, Text: "this cannot be the name of a bucket: check it{said}"},
		"InvalidStorageClass":          {Kind: plugin.BadRequest, Text: "the bucket does not offer this storage_class: leave it blank, or choose another"},
		"InvalidRequest":               {Kind: plugin.BadRequest, Text: "S3 refused the request: check the parameters{said}"},
		"BadDigest":                    {Kind: plugin.Connection, Text: "what S3 received is not what was sent, its checksum differs; nothing was stored, try again"},
		"XAmzContentSHA256Mismatch":    {Kind: plugin.Connection, Text: "what S3 received is not what was sent, its checksum differs; nothing was stored, try again"},
		"KMS.NotFoundException":        {Kind: plugin.BadRequest, Text: "there is no such KMS key in the bucket's region: check kms_key_id, or the key that the object was encrypted with{said}"},
		"KMS.DisabledException":        {Kind: plugin.BadRequest, Text: "the KMS key is switched off: switch it on in the KMS console{said}"},
		"KMS.InvalidStateException":    {Kind: plugin.BadRequest, Text: "the KMS key cannot be used in its present state: look at it in the KMS console{said}"},
		"KMS.KMSInvalidStateException": {Kind: plugin.BadRequest, Text: "the KMS key cannot be used in its present state: look at it in the KMS console{said}"},
		"PermanentRedirect": {Kind: plugin.BadRequest, Text: "the bucket is in another region than {region}, and S3 did not say in which: " +
			"fill in its region as aws_region"},
	}
}

// operation describes a request about an object of the bucket, or with "" about the bucket itself.
func (b *bucket) operation(verb, action, key string) account.Operation {
	subject, resource := "bucket "+b.name, b.arn()
	if key != "" {
		subject = param.Clip(location{b.name, key}.uri())
		resource = b.objectARN(key)
	}
	return account.Operation{
		Doing: verb + " " + subject, Service: "S3", Action: action, Resource: resource, Region: b.region(), Faults: faults(),
	}
}

func (b *bucket) arn() string {
	if accessPoint.MatchString(b.name) {
		return b.name
	}
	return fmt.Sprintf("arn:%s:s3:::%s", b.account.Partition(), b.name)
}

func (b *bucket) objectARN(key string) string {
	if accessPoint.MatchString(b.name) {
		return b.name + "/object/" + param.Clip(key)
	}
	return b.arn() + "/" + param.Clip(key)
}

// errorf is an error about an object that S3 did not send.
func (b *bucket) errorf(kind plugin.Kind, verb, key, format string, args ...any) error {
	return plugin.Errorf(kind, "could not %s %s: %w", verb, param.Clip(location{b.name, key}.uri()), fmt.Errorf(format, args...))
}

// byteCount is a size as people read it.
func byteCount(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
}

package s3

import (
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

func TestSection3_21Bug5AndSection3_26Bug4_ABucketInAnotherRegionIsFoundOnceAndRemembered(t *testing.T) {
	for name, opts := range map[string][]standin.Option{"said in a header": nil, "said in the text": {standin.RegionInText()}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, opts...)
			b := w.bucket(t, "eu-west-1", "a.txt")
			in := map[string]any{"s3_uri": "s3://" + b + "/a.txt"}
			toolstest.Same(t, "text", "a.txt", w.Succeed(t, "s3_operator", in).Text)
			w.Succeed(t, "s3_operator", in)
			w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b})
			here, there := "GET "+b+".s3.us-east-1.amazonaws.com", "GET "+b+".s3.eu-west-1.amazonaws.com"
			toolstest.Same(t, "requests", []string{here + "/a.txt", there + "/a.txt", there + "/a.txt", there + "/"}, w.asked())
		})
	}
}

func TestEveryToolThatNamesABucketFindsItsRegion(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "ap-northeast-1", "a.txt")
	file := w.File("b.txt", "text/plain", []byte("b"))
	uri := "s3://" + b + "/a.txt"
	for i, call := range []struct {
		tool string
		in   map[string]any
	}{
		{"s3_operator", map[string]any{"s3_uri": uri}},
		{"s3_operator", map[string]any{"s3_uri": uri, "operation_type": "write", "text_content": "x"}},
		{"s3_operator", map[string]any{"s3_uri": uri, "generate_presign_url": true}},
		{"s3_file_uploader", map[string]any{"bucket_name": b, "input_file": file, "generate_presign_url": true}},
		{"s3_files_uploader", map[string]any{"bucket_name": b, "input_files": []any{file}, "generate_presign_url": true}},
		{"s3_file_download", map[string]any{"s3_uri": uri}},
		{"s3_files_download", map[string]any{"s3_uris": []any{uri}}},
		{"s3_list_objects", map[string]any{"bucket_name": b}},
	} {
		// Other credentials know nothing of what was found out with these, nor does another region to begin with.
		call.in["aws_region"] = []string{"eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "us-west-1", "us-west-2", "us-east-2", "sa-east-1"}[i]
		result := w.Succeed(t, call.tool, call.in)
		if url, ok := result.Variables["presigned_url"]; ok && string(url) != "null" {
			holds(t, string(url), b+".s3.ap-northeast-1.amazonaws.com")
			if status, _ := w.open(t, toolstest.Output(t, result, "presigned_url").(string)); status != 200 {
				t.Errorf("%s: the URL gives status %d", call.tool, status)
			}
		}
	}
}

func TestARegionThatIsNamedTwiceIsNotFollowedTwice(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "eu-west-1", "a.txt")
	w.store.Move(b, "eu-west-2", "eu-west-3")
	failed := w.Fail(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a.txt"})
	holds(t, failed.Message, "region")
	toolstest.Same(t, "number of requests", 2, len(w.asked()))
}

func TestOthersPayOnlyWhereTheyAgree(t *testing.T) {
	w := newWorld(t)
	b := bucketName(t)
	w.add(t, standin.Bucket{Name: b, Region: "us-east-1", Owner: "999999999999", RequesterPays: true})
	w.put(t, b, "a.txt", "hello")
	file := w.File("b.txt", "text/plain", []byte("b"))
	uri := "s3://" + b + "/a.txt"
	for _, call := range []struct {
		tool string
		in   map[string]any
	}{
		{"s3_operator", map[string]any{"s3_uri": uri}},
		{"s3_operator", map[string]any{"s3_uri": uri, "operation_type": "write", "text_content": "x"}},
		{"s3_file_uploader", map[string]any{"bucket_name": b, "input_file": file}},
		{"s3_files_uploader", map[string]any{"bucket_name": b, "input_files": []any{file}}},
		{"s3_file_download", map[string]any{"s3_uri": uri}},
		{"s3_files_download", map[string]any{"s3_uris": []any{uri}}},
		{"s3_list_objects", map[string]any{"bucket_name": b}},
	} {
		failed := w.Fail(t, call.tool, call.in)
		toolstest.Same(t, call.tool+" without paying", "InvokeAuthorizationError", failed.Type)
		call.in["requester_pays"] = true
		w.Succeed(t, call.tool, call.in)
	}
	url := w.Succeed(t, "s3_operator", map[string]any{"s3_uri": uri, "generate_presign_url": true, "requester_pays": true}).Text
	if status, _ := w.open(t, url); status != 200 {
		t.Errorf("the URL gives status %d", status)
	}
}

func TestAStoreOfTheUsersOwnIsReachedAtItsEndpoint(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "storage.example.com")
	w := newWorld(t)
	w.Endpoint(t, "storage.example.com", "s3")
	b := w.bucket(t, "us-east-1", "a b/#1.txt")
	as := toolstest.Credentials("aws_endpoint_url", "s3=https://storage.example.com", "aws_region", "auto")
	result := w.SucceedAs(t, as, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a b/#1.txt"})
	toolstest.Same(t, "text", "a b/#1.txt", result.Text)
	read := w.last(t, "GetObject")
	toolstest.Same(t, "address", "storage.example.com/"+b+"/a%20b/%231.txt", read.Host+read.Path)
	toolstest.Same(t, "checksum mode", "", read.Header.Get("X-Amz-Checksum-Mode"))
	w.SucceedAs(t, as, "s3_file_uploader", map[string]any{"bucket_name": b, "input_file": w.File("b.bin", "", make([]byte, partSize+1))})
	part := w.last(t, "UploadPart")
	toolstest.Same(t, "trailer, which few other stores understand", "", part.Header.Get("X-Amz-Trailer"))
	url := w.SucceedAs(t, as, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a b/#1.txt", "generate_presign_url": true}).Text
	holds(t, url, "https://storage.example.com/"+b+"/")
}

// S3 encrypts new buckets and blocks public access to them by itself; settings of our own would need permissions that a
// user who creates a bucket may not have.
func TestSection3_20Bug5_EncryptionAndPublicAccessAreLeftToTheDefaultsOfS3(t *testing.T) {
	w := newWorld(t)
	w.Succeed(t, "s3_create_bucket", map[string]any{"bucket_name": "private-by-default"})
	toolstest.Same(t, "operations", []string{"CreateBucket"}, w.sent())
	if acl := w.Calls()[0].Header.Values("X-Amz-Acl"); len(acl) > 0 {
		t.Errorf("the request sets the ACL %v", acl)
	}
}

package s3

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// addBuckets adds buckets of the tester's that were made on one day.
func (w *world) addBuckets(t *testing.T, nameRegions ...string) {
	t.Helper()
	for i := 0; i < len(nameRegions); i += 2 {
		w.add(t, standin.Bucket{
			Name: nameRegions[i], Region: nameRegions[i+1], Owner: toolstest.AccountID, Created: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC),
		})
	}
}

func TestListBucketsListsThoseOfAllRegions(t *testing.T) {
	w := newWorld(t)
	w.addBuckets(t, "docs-a", "us-east-1", "docs-b", "eu-west-1", "media", "ap-northeast-1")
	w.add(t, standin.Bucket{Name: "not-mine", Region: "us-east-1", Owner: "999999999999"})
	result := w.Succeed(t, "s3_list_buckets", map[string]any{})
	toolstest.Same(t, "messages", []string{"json", "text"}, kinds(result))
	dated := func(name string) map[string]any {
		return map[string]any{"name": name, "creation_date": "2025-01-02T03:04:05+00:00"}
	}
	toolstest.Same(t, "JSON", map[string]any{"bucket_count": 3.0, "buckets": []any{dated("docs-a"), dated("docs-b"), dated("media")}}, jsonOf(t, result))
	toolstest.Same(t, "text", "Found 3 bucket(s): docs-a, docs-b, media", result.Text)
	toolstest.Same(t, "names", any([]any{"docs-a", "docs-b", "media"}), toolstest.Output(t, result, "bucket_names"))
}

func TestListBucketsSaysWhenThereAreNone(t *testing.T) {
	w := newWorld(t)
	result := w.Succeed(t, "s3_list_buckets", map[string]any{"name_prefix": "x"})
	toolstest.Same(t, "JSON", map[string]any{"bucket_count": 0.0, "buckets": []any{}}, jsonOf(t, result))
	holds(t, result.Text, "No S3 buckets")
}

func TestListBucketsSaysWhichPermissionIsMissing(t *testing.T) {
	w := newWorld(t)
	w.fail("ListBuckets", 0, aws.Deny())
	failed := w.Fail(t, "s3_list_buckets", map[string]any{})
	toolstest.Same(t, "kind", "InvokeAuthorizationError", failed.Type)
	holds(t, failed.Message, "s3:ListAllMyBuckets")
}

func TestSection3_25Bug1_AllPagesAreGathered(t *testing.T) {
	w := newWorld(t)
	for i := range bucketsPerPage + 1 {
		w.addBuckets(t, fmt.Sprintf("b%05d", i), "us-east-1")
	}
	result := w.Succeed(t, "s3_list_buckets", map[string]any{})
	toolstest.Same(t, "count", any(float64(bucketsPerPage+1)), toolstest.Output(t, result, "bucket_count"))
	toolstest.Same(t, "operations", []string{"ListBuckets", "ListBuckets"}, w.sent())
}

func TestSection3_25Bug2_RegionsComeWithTheList(t *testing.T) {
	w := newWorld(t)
	w.addBuckets(t, "docs-a", "us-east-1", "docs-b", "eu-west-1")
	for _, on := range []any{true, "true", 1} {
		w.Forget()
		buckets := jsonOf(t, w.Succeed(t, "s3_list_buckets", map[string]any{"include_region": on}))["buckets"].([]any)
		toolstest.Same(t, "regions", []any{"us-east-1", "eu-west-1"}, []any{buckets[0].(map[string]any)["region"], buckets[1].(map[string]any)["region"]})
		toolstest.Same(t, "operations", []string{"ListBuckets"}, w.sent())
	}
	for _, off := range []any{"false", "", nil, false, 0} {
		buckets := jsonOf(t, w.Succeed(t, "s3_list_buckets", map[string]any{"include_region": off}))["buckets"].([]any)
		if region, there := buckets[0].(map[string]any)["region"]; there {
			t.Errorf("%v gives the region %v", off, region)
		}
	}
}

func TestSection3_25Bug3_OldNamesOfRegionsAreTranslated(t *testing.T) {
	w := newWorld(t, standin.ListWithoutRegions())
	w.addBuckets(t, "docs-a", "us-east-1", "docs-b", "eu-west-1", "docs-c", "eu-central-1", "docs-d", "us-east-1")
	w.store.HideLocation("docs-d")
	buckets := jsonOf(t, w.Succeed(t, "s3_list_buckets", map[string]any{"include_region": true}))["buckets"].([]any)
	var regions []any
	for _, b := range buckets {
		regions = append(regions, b.(map[string]any)["region"])
	}
	toolstest.Same(t, "regions", []any{"us-east-1", "eu-west-1", "eu-central-1", nil}, regions)
	holds(t, buckets[3].(map[string]any)["region_lookup_error"].(string), "s3:GetBucketLocation", "docs-d")
}

func TestSection3_25Bug4_ThePrefixIsSent(t *testing.T) {
	w := newWorld(t)
	w.addBuckets(t, "docs-a", "us-east-1", "media", "us-east-1")
	result := w.Succeed(t, "s3_list_buckets", map[string]any{"name_prefix": "doc"})
	toolstest.Same(t, "text", "Found 1 bucket(s): docs-a", result.Text)
	holds(t, w.last(t, "ListBuckets").RawQuery, "prefix=doc")
	other := newWorld(t, standin.ListWithoutRegions()) // which does not heed it
	other.addBuckets(t, "docs-a", "us-east-1", "media", "us-east-1")
	toolstest.Same(t, "text", "Found 1 bucket(s): docs-a", other.Succeed(t, "s3_list_buckets", map[string]any{"name_prefix": "doc"}).Text)
}

func TestListObjectsListsAPage(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a", "b", "c")
	result := w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b, "max_keys": "2"})
	toolstest.Same(t, "messages", []string{"json", "text"}, kinds(result))
	got := jsonOf(t, result)
	next := got["next_continuation_token"]
	objects := got["objects"].([]any)
	date := objects[0].(map[string]any)["last_modified"]
	toolstest.Same(t, "first", map[string]any{"key": "a", "size": 1.0, "etag": `"0cc175b9c0f1b6a831c399e269772661"`, "storage_class": "STANDARD", "last_modified": date}, objects[0].(map[string]any))
	holds(t, date.(string), "T", "+00:00")
	delete(got, "objects")
	toolstest.Same(t, "JSON", map[string]any{
		"bucket_name": b, "prefix": nil, "max_keys": 2.0, "continuation_token": nil, "is_truncated": true, "next_continuation_token": next,
		"object_count": 2.0, "delimiter": nil, "common_prefixes": []any{},
	}, got)
	for _, parameter := range []string{"continuation_token", "continuation_token_input"} {
		second := jsonOf(t, w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b, "max_keys": 2, parameter: next}))
		toolstest.Same(t, "second page by "+parameter, []any{1.0, false, nil, next},
			[]any{second["object_count"], second["is_truncated"], second["next_continuation_token"], second["continuation_token"]})
	}
	both := jsonOf(t, w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b, "continuation_token": "nonsense", "continuation_token_input": next}))
	toolstest.Same(t, "the token for agents wins", any(1.0), both["object_count"])
}

func TestListObjectsNamesTheFirstFew(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "1", "2", "3", "4", "5", "6")
	toolstest.Same(t, "text", "Found 6 object(s) in bucket "+b+": 1, 2, 3, 4, 5, …", w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b}).Text)
	holds(t, w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b, "prefix": "x"}).Text, "No objects")
}

func TestListObjectsKeepsKeysThatXMLCannotHold(t *testing.T) {
	w := newWorld(t)
	keys := []string{"a\x01b", "c+d e", "f%2Bg", "日本"}
	b := w.bucket(t, "us-east-1", keys...)
	var got []string
	for _, o := range jsonOf(t, w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b}))["objects"].([]any) {
		got = append(got, o.(map[string]any)["key"].(string))
	}
	toolstest.Same(t, "keys", keys, got)
}

func TestListObjectsSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.refused(t, "s3_list_objects", map[string]any{"bucket_name": "a/b"}, "bucket_name")
	w.refused(t, "s3_list_objects", map[string]any{"bucket_name": "docs", "max_keys": 1.5}, "max_keys")
	failed := w.Fail(t, "s3_list_objects", map[string]any{"bucket_name": "there-is-none"})
	holds(t, failed.Message, "no such bucket")
	b := w.bucket(t, "us-east-1")
	failed = w.Fail(t, "s3_list_objects", map[string]any{"bucket_name": b, "continuation_token": "nonsense"})
	holds(t, failed.Message, "continuation token")
	w.fail("ListObjectsV2", 0, aws.Deny())
	failed = w.Fail(t, "s3_list_objects", map[string]any{"bucket_name": b})
	holds(t, failed.Message, "s3:ListBucket", "arn:aws:s3:::"+b)
}

func TestSection3_26Bug1_PrefixesAreNotTrimmed(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a b", "a c", "ab", " a")
	for prefix, want := range map[string]float64{"a ": 2, " ": 1, "a": 3, "": 4} {
		got := jsonOf(t, w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b, "prefix": prefix}))
		toolstest.Same(t, fmt.Sprintf("count behind %q", prefix), any(want), got["object_count"])
	}
}

func TestSection3_26Bug2_BlankAndOddNumbersOfKeys(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	for given, want := range map[any]float64{nil: 100, "": 100, 3.0: 3, "3": 3, 0: 1, -5: 1, 5000: 1000} {
		got := jsonOf(t, w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b, "max_keys": given}))
		toolstest.Same(t, fmt.Sprint("max_keys of ", given), any(want), got["max_keys"])
		toolstest.Same(t, "query", fmt.Sprintf("encoding-type=url&list-type=2&max-keys=%v", want), w.last(t, "ListObjectsV2").RawQuery)
	}
}

func TestSection3_26Bug3_FoldersCanBeListed(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a/1", "a/2", "b/c/3", "top")
	result := w.Succeed(t, "s3_list_objects", map[string]any{"bucket_name": b, "delimiter": "/"})
	toolstest.Same(t, "folders", any([]any{"a/", "b/"}), toolstest.Output(t, result, "common_prefixes"))
	toolstest.Same(t, "objects", any(1.0), toolstest.Output(t, result, "object_count"))
	holds(t, result.Text, "top", "2 folder(s): a/, b/")
}

func TestTimesAreWrittenAsPythonWritesThem(t *testing.T) {
	at := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	toolstest.Same(t, "whole second", any("2025-01-02T03:04:05+00:00"), result.Time(&at))
	at = at.Add(678 * time.Millisecond)
	toolstest.Same(t, "fraction", any("2025-01-02T03:04:05.678000+00:00"), result.Time(&at))
	at = at.In(time.FixedZone("", 3600))
	toolstest.Same(t, "other zone", any("2025-01-02T03:04:05.678000+00:00"), result.Time(&at))
	toolstest.Same(t, "none", any(nil), result.Time(nil))
}

func TestCreateBucketCreatesAPrivateBucket(t *testing.T) {
	for region, location := range map[string]string{"us-east-1": "", "eu-west-1": "eu-west-1", "ap-northeast-1": "ap-northeast-1"} {
		t.Run(region, func(t *testing.T) {
			w := newWorld(t)
			for _, acl := range []any{nil, "", "private"} {
				name := bucketName(t) + fmt.Sprint(len(fmt.Sprint(acl)))
				result := w.Succeed(t, "s3_create_bucket", map[string]any{"bucket_name": name, "aws_region": region, "acl": acl})
				toolstest.Same(t, "messages", []string{"json", "text"}, kinds(result))
				made, _ := w.store.Bucket(name)
				toolstest.Same(t, "region", region, made.Region)
				got := jsonOf(t, result)
				toolstest.Same(t, "JSON", map[string]any{
					"bucket_name": name, "region": region, "acl": "private", "location": got["location"], "s3_uri": "s3://" + name + "/", "created": true,
				}, got)
				holds(t, result.Text, name, region, got["location"].(string))
				sent := w.last(t, "CreateBucket")
				toolstest.Same(t, "ACL header", "", sent.Header.Get("X-Amz-Acl"))
				toolstest.Same(t, "names a location", location != "", strings.Contains(string(sent.Body), "<LocationConstraint>"+location+"<"))
			}
			toolstest.Same(t, "operations", []string{"CreateBucket", "CreateBucket", "CreateBucket"}, w.sent())
		})
	}
}

func TestSection3_20Bugs1To3_PublicACLsAreRefusedWithTheReason(t *testing.T) {
	w := newWorld(t)
	for _, acl := range []string{"public-read", "public-read-write", "authenticated-read", " Public-Read "} {
		w.refused(t, "s3_create_bucket", map[string]any{"bucket_name": "docs-of-mine", "acl": acl}, "acl", "everybody", "bucket policy")
	}
	w.refused(t, "s3_create_bucket", map[string]any{"bucket_name": "docs-of-mine", "acl": "bucket-owner-read"}, "acl", "private")
}

func TestSection3_20Bug4_ABucketThatTheAccountHasIsLeftAsItIs(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "eu-west-1", "a")
	result := w.Succeed(t, "s3_create_bucket", map[string]any{"bucket_name": b})
	toolstest.Same(t, "created", any(false), toolstest.Output(t, result, "created"))
	toolstest.Same(t, "region", any("eu-west-1"), toolstest.Output(t, result, "region"))
	toolstest.Same(t, "ACL, which nobody has looked at", any(nil), toolstest.Output(t, result, "acl"))
	toolstest.Same(t, "keys", []string{"a"}, w.store.Keys(b))
	w.add(t, standin.Bucket{Name: "taken-by-others", Region: "us-east-1", Owner: "999999999999"})
	failed := w.Fail(t, "s3_create_bucket", map[string]any{"bucket_name": "taken-by-others"})
	toolstest.Same(t, "kind", "InvokeBadRequestError", failed.Type)
	holds(t, failed.Message, "taken")
}

func TestSection3_20Bug6_NamesAreCheckedFirst(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"ab", "Docs", "a_b_c", "-abc", "abc-", "a..b", "192.168.5.4", "xn--abc", "abc-s3alias", "abc--ol-s3", strings.Repeat("a", 64), "a b c"} {
		w.refused(t, "s3_create_bucket", map[string]any{"bucket_name": name, "acl": "public-read"}, "bucket_name", "acl", "2 parameters")
	}
	w.refused(t, "s3_create_bucket", map[string]any{"bucket_name": ""}, "bucket_name is required")
}

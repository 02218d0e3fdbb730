package cos_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

func TestTheGoSDKWorksThroughTheSandbox(t *testing.T) {
	store, bucket := newStore(t, nil)
	shanghai := createBucket(t, store, appID, "archive", "ap-shanghai")
	sb := mount(t, store)
	for _, key := range []cos.Key{owner, temp} {
		client := sdkClient(t, sb, key, bucketURL(bucket, region))

		listed, _, err := client.Service.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, b := range listed.Buckets {
			names = append(names, b.Name+"@"+b.Region)
		}
		if diff := cmp.Diff([]string{shanghai + "@ap-shanghai", bucket + "@" + region}, names); diff != "" {
			t.Errorf("buckets (-want +got):\n%s", diff)
		}

		// The SDK sends the keys "." and ".." as the path of the bucket.
		keys := slices.DeleteFunc(strangeKeys(), func(key string) bool { return key == "." || key == ".." })
		for _, name := range keys {
			if _, err := client.Object.Put(t.Context(), name, strings.NewReader("body of "+name), nil); err != nil {
				t.Fatalf("put %q: %v", name, err)
			}
			resp, err := client.Object.Get(t.Context(), name, nil)
			if err != nil {
				t.Fatalf("get %q: %v", name, err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(body) != "body of "+name {
				t.Errorf("%q: %q, %v", name, body, err)
			}
		}
		slices.Sort(keys)
		if diff := cmp.Diff(keys, sdkList(t, client)); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	}

	elsewhere := sdkClient(t, sb, owner, bucketURL(bucket, "ap-shanghai"))
	_, err := elsewhere.Object.Get(t.Context(), "x", nil)
	var failed *sdk.ErrorResponse
	if !errors.As(err, &failed) || failed.Code != "NoSuchBucket" || failed.RequestID == "" || failed.TraceID == "" {
		t.Errorf("the wrong region: %v", err)
	}
	if refused := sb.Refused(); len(refused) != 0 {
		t.Errorf("refused: %q", refused)
	}
	for _, request := range sb.Requests() {
		if !strings.HasPrefix(request.Authorization, "q-sign-algorithm=sha1&q-ak=AKID") {
			t.Fatalf("recorded authorization %q", request.Authorization)
		}
	}
}

// sdkList pages through a bucket, three keys at a time.
func sdkList(t *testing.T, client *sdk.Client) []string {
	t.Helper()
	var keys []string
	options := &sdk.BucketGetOptions{MaxKeys: 3, EncodingType: "url"}
	for {
		result, _, err := client.Bucket.Get(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range result.Contents {
			key, err := sdk.DecodeURIComponent(o.Key)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		if !result.IsTruncated {
			return keys
		}
		if options.Marker, err = sdk.DecodeURIComponent(result.NextMarker); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALargeObjectIsServedInConstantMemory(t *testing.T) {
	store, bucket := newStore(t, nil)
	const size = 32 << 20
	if err := store.PutGenerated(bucket, "big", size, 1, cos.Meta{}); err != nil {
		t.Fatal(err)
	}
	client := sdkClient(t, mount(t, store), owner, bucketURL(bucket, region))

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resp, err := client.Object.Get(t.Context(), "big", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, want := sha256.New(), sha256.New()
	n, err := io.Copy(got, resp.Body)
	if err != nil || n != size {
		t.Fatalf("%d bytes, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	_, _ = io.Copy(want, cos.Generated(1, size))
	if !slices.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("the bytes differ")
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > size/2 {
		t.Errorf("%d MiB were allocated to serve %d MiB", allocated>>20, size>>20)
	}
}

// python returns an interpreter that has Tencent's Python SDK.
func python(t *testing.T) string {
	t.Helper()
	interpreter := os.Getenv("DIFYPLUGIN_PYTHON")
	if interpreter == "" {
		interpreter = "python3"
	}
	if out, err := exec.CommandContext(t.Context(), interpreter, "-c", "import qcloud_cos").CombinedOutput(); err != nil {
		t.Skipf("%s cannot import qcloud_cos (pip install cos-python-sdk-v5, and set DIFYPLUGIN_PYTHON): %v %s", interpreter, err, lastLine(out))
	}
	return interpreter
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

func TestThePythonSDKWorksThroughTheSandbox(t *testing.T) {
	interpreter := python(t)
	store, bucket := newStore(t, nil)
	createBucket(t, store, appID, "archive", "ap-shanghai")
	for _, key := range []string{"folder/", "folder/a.txt", "folder/sub/b.txt", "folder/sub/c.txt", "line\x01feed"} {
		put(t, store, bucket, key, "content of "+key)
	}
	sb := mount(t, store)
	for name, key := range map[string]cos.Key{"with a permanent key": owner, "with a temporary key": temp} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), interpreter, "testdata/drive.py", key.SecretID, key.SecretKey, key.SessionToken, bucket, region)
			cmd.Env = append(os.Environ(), sb.Environ()...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("drive.py: %v\n%s", err, out)
			}
			if lastLine(out) != "all good" {
				t.Errorf("drive.py printed:\n%s", out)
			}
		})
	}
	if body, err := store.Open(bucket, "上传/a b+c%.txt"); err != nil {
		t.Error(err)
	} else {
		defer body.Close()
		if got, err := io.ReadAll(body); err != nil || string(got) != "uploaded by Python" {
			t.Errorf("the upload: %q, %v", got, err)
		}
	}
	if refused := sb.Refused(); len(refused) != 0 {
		t.Errorf("refused: %q", refused)
	}
}

func TestASandboxedClientGetsTheServicesStatus(t *testing.T) {
	store, bucket := newStore(t, nil)
	client := sdkClient(t, mount(t, store), owner, bucketURL(bucket, region))
	_, err := client.Object.Get(t.Context(), "absent", nil)
	var failed *sdk.ErrorResponse
	if !errors.As(err, &failed) || failed.Response.StatusCode != http.StatusNotFound || failed.Code != "NoSuchKey" {
		t.Errorf("an absent object: %v", err)
	}
}

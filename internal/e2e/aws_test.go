package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/pack"
	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

const (
	awsFolder = "../../plugins/my_aws_tools"
	awsName   = "my_aws_tools"

	// What "difyplugin run -serve" offers: an account, a bucket, and files of any size that a user gave to Dify.
	awsKeyID     = "AKIASAMPLEKEYOFSANDBOX"
	awsSecretKey = "sampleSecretKeyOfTheSandboxForAWS0000000"
	awsBucket    = "sample-archive-eu"
	filesURL     = "https://dify.example.com/files/sample-"
	filesSeed    = 7
)

// tools are the plugin in the daemon.
type tools struct {
	*daemon
	plugin string
}

func (d *tools) invoke(tool string, parameters map[string]any) ([]json.RawMessage, error) {
	return d.dispatch(d.plugin, "tool/invoke", map[string]any{
		"provider": awsName, "tool": tool, "credential_type": "api-key", "credentials": awsCredentials(awsSecretKey),
		"tool_parameters": parameters,
	})
}

func awsCredentials(secret string) map[string]any {
	return map[string]any{"aws_access_key_id": awsKeyID, "aws_secret_access_key": secret, "aws_region": "us-east-1"}
}

func TestTheAWSToolsInARealDaemon(t *testing.T) {
	d := newDaemon(t)
	dify := api(t)
	built := build(t, awsFolder, nil, "")
	t.Logf("the package has %d bytes", built.Packed)
	aws := &tools{daemon: d, plugin: "cloudplugins/" + awsName}
	d.uninstall(aws.plugin)
	gone(t, awsName)
	id := d.upload(built.Path)
	t.Logf("installed in %s", d.install(id))

	if results, err := d.dispatch(aws.plugin, "tool/validate_credentials", map[string]any{
		"provider": awsName, "credentials": awsCredentials(awsSecretKey),
	}); err != nil || string(results[0]) != `{"result":true}` {
		t.Errorf("validate: %s, %v", results, err)
	}
	if _, err := d.dispatch(aws.plugin, "tool/validate_credentials", map[string]any{
		"provider": awsName, "credentials": awsCredentials("anotherSecretKeyThatIsWrong0000000000000"),
	}); err == nil {
		t.Error("a wrong secret was accepted")
	}
	for size, kind := range map[int64]string{20 << 20: "blob_chunk", 40 << 20: "binary_link"} {
		aws.passes(dify, size, kind)
	}
	t.Log("crash and restart")
	kill(t, awsName)
	aws.passes(dify, 1<<20, "blob_chunk")

	t.Log("reinstall")
	d.uninstall(aws.plugin)
	gone(t, awsName)
	d.install(d.upload(built.Path))
	aws.awaitAnswer() // the daemon may still be stopping the old one
	aws.passes(dify, 2<<20, "blob_chunk")

	t.Log("upgrade")
	next := d.upload(build(t, awsFolder, nil, "9.9.9").Path)
	d.upgrade(id, next)
	if _, ok := d.installed()[next]; !ok {
		t.Errorf("installed after the upgrade: %v", d.installed())
	}
	aws.passes(dify, 3<<20, "blob_chunk")
	d.uninstall(aws.plugin)

	t.Log("another identity")
	as, err := pack.ParseIdentity("acme/cloud_tools/cloud_tools")
	if err != nil {
		t.Fatal(err)
	}
	d.install(d.upload(build(t, awsFolder, &as, "").Path))
	other := &tools{daemon: d, plugin: "acme/cloud_tools"}
	other.passes(dify, 4<<20, "blob_chunk")
	d.uninstall(other.plugin)
}

func (d *tools) awaitAnswer() {
	d.t.Helper()
	until(d.t, "the plugin answers", func() bool {
		_, err := d.invoke("s3_list_buckets", map[string]any{})
		return err == nil
	})
}

// passes uploads a file from Dify to S3, downloads it again, and compares the two.
func (d *tools) passes(dify *host.Dify, size int64, kind string) {
	d.t.Helper()
	name := fmt.Sprintf("file-%d.bin", size)
	if _, err := d.invoke("s3_file_uploader", map[string]any{"bucket_name": awsBucket, "input_file": map[string]any{
		"dify_model_identity": "__dify__file__", "url": fmt.Sprint(filesURL, size), "mime_type": "application/octet-stream",
		"type": "custom", "filename": name, "extension": ".bin", "size": size,
	}}); err != nil {
		d.t.Fatalf("upload %s: %v", name, err)
	}
	results, err := d.invoke("s3_file_download", map[string]any{"s3_uri": "s3://" + awsBucket + "/" + name})
	if err != nil {
		d.t.Fatalf("download %s: %v", name, err)
	}
	got, way := d.file(dify, results)
	if want := sum(d.t, cos.Generated(filesSeed, size)); got != want || way != kind {
		d.t.Errorf("%s came as %s, with the same bytes: %t; %s was expected", name, way, got == want, kind)
	}
}

// file puts together the file among a tool's messages, as Dify does.
func (d *tools) file(dify *host.Dify, results []json.RawMessage) (content [32]byte, kind string) {
	d.t.Helper()
	h := sha256.New()
	for _, result := range results {
		var m struct {
			Type    string
			Message struct {
				Blob []byte
				Text string
				End  bool
			}
		}
		if !bytes.Contains(result, []byte(`"blob_chunk"`)) && !bytes.Contains(result, []byte(`"binary_link"`)) {
			continue
		}
		if err := json.Unmarshal(result, &m); err != nil {
			d.t.Fatal(err)
		}
		kind = m.Type
		if m.Type == "binary_link" {
			return (&drive{daemon: d.daemon}).content(dify, "", m.Message.Text), kind
		}
		h.Write(m.Message.Blob)
	}
	return [32]byte(h.Sum(nil)), kind
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// tenant is a workspace with an AWS account of its own, and one secret in one bucket of it.
type tenant struct {
	key    aws.Key
	region string
	bucket string
	nonce  string
}

func (w tenant) caller() host.Caller {
	return toolstest.Caller(map[string]any{
		"aws_access_key_id": w.key.AccessKeyID, "aws_secret_access_key": w.key.SecretAccessKey, "aws_region": w.region,
	})
}

// newTenants gives twenty workspaces their accounts. Nobody can read what belongs to another.
func newTenants(t *testing.T, cloud *toolstest.AWS) []tenant {
	t.Helper()
	store := s3.New()
	regions := []string{"us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"}
	tenants := make([]tenant, 20)
	for i := range tenants {
		w := tenant{
			key: aws.Key{
				AccessKeyID: fmt.Sprintf("AKIATENANT%010d", i), SecretAccessKey: fmt.Sprintf("secretKeyOfTenant%023d", i), User: fmt.Sprint("user-", i),
			},
			region: regions[i%len(regions)], bucket: fmt.Sprintf("bucket-of-tenant-%02d", i), nonce: fmt.Sprintf("nonce of tenant %d", i),
		}
		account := fmt.Sprintf("%012d", 100+i)
		if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{w.key}}); err != nil {
			t.Fatal(err)
		}
		if err := store.AddBucket(s3.Bucket{Name: w.bucket, Owner: account, Region: w.region}); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(w.bucket, "nonce.txt", []byte(w.nonce), s3.Attributes{ContentType: "text/plain"}); err != nil {
			t.Fatal(err)
		}
		tenants[i] = w
	}
	cloud.Register("s3", store)
	return tenants
}

// toolCaller is what calls tools: a plugin in this process, or one in its own.
type toolCaller interface {
	Tool(ctx context.Context, who host.Caller, tool string, parameters map[string]any) (host.Result, error)
}

// callAtOnce makes 200 calls of all tenants at the same time, and checks that each gets what is its own.
func callAtOnce(t *testing.T, tools toolCaller, tenants []tenant) {
	t.Helper()
	var calls sync.WaitGroup
	for i := range 200 {
		w := tenants[i%len(tenants)]
		calls.Go(func() {
			if i/len(tenants)%2 == 0 {
				w.reads(t, tools)
			} else {
				w.lists(t, tools)
			}
		})
	}
	calls.Wait()
}

func (w tenant) reads(t *testing.T, tools toolCaller) {
	result, err := tools.Tool(t.Context(), w.caller(), "s3_operator", map[string]any{
		"s3_uri": "s3://" + w.bucket + "/nonce.txt", "operation_type": "read",
	})
	if err != nil || result.Text != w.nonce {
		t.Errorf("the owner of %s read %q, %v", w.bucket, result.Text, err)
	}
}

func (w tenant) lists(t *testing.T, tools toolCaller) {
	result, err := tools.Tool(t.Context(), w.caller(), "s3_list_buckets", nil)
	if err != nil {
		t.Errorf("the owner of %s: %v", w.bucket, err)
		return
	}
	var names []string
	if err := json.Unmarshal(result.Variables["bucket_names"], &names); err != nil || len(names) != 1 || names[0] != w.bucket {
		t.Errorf("the owner of %s sees the buckets %s, %v", w.bucket, result.Variables["bucket_names"], err)
	}
}

func TestTwoHundredCallsOfTwentyTenantsGetTheirOwnAnswers(t *testing.T) {
	cloud := toolstest.Start(t)
	tenants := newTenants(t, cloud)
	callAtOnce(t, cloud.RunPlugin(t, declarations, parts()...), tenants)
}

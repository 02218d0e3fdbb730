package aws_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

func code(err error) string {
	var failed smithy.APIError
	if errors.As(err, &failed) {
		return failed.ErrorCode()
	}
	if err != nil {
		return "no answer"
	}
	return ""
}

func TestFaultsSpeakTheProtocolOfTheService(t *testing.T) {
	cloud := newCloud(t)
	box := mount(t, cloud)
	objects := s3.NewFromConfig(config(t, box, owner, "us-east-1"))
	tokens := sts.NewFromConfig(config(t, box, owner, "us-east-1"))
	functions := lambda.NewFromConfig(config(t, box, owner, "us-east-1"))
	for name, tt := range map[string]struct {
		effect aws.Effect
		want   []string // s3, sts, lambda
	}{
		"denied":          {aws.Deny(), []string{"AccessDenied", "AccessDenied", "AccessDeniedException"}},
		"throttled":       {aws.Throttle(), []string{"SlowDown", "Throttling", "TooManyRequestsException"}},
		"expired":         {aws.Expire(), []string{"ExpiredToken", "ExpiredToken", "ExpiredTokenException"}},
		"broken":          {aws.Break(), []string{"InternalError", "InternalFailure", "InternalServerError"}},
		"overloaded":      {aws.Overload(), []string{"ServiceUnavailable", "ServiceUnavailable", "ServiceUnavailableException"}},
		"a code":          {aws.Fail(400, "Teapot", "short and stout"), []string{"Teapot", "Teapot", "Teapot"}},
		"no answer":       {aws.Drop(), []string{"no answer", "no answer", "no answer"}},
		"a cut at once":   {aws.Cut(0), []string{"no answer", "no answer", "no answer"}},
		"a cut too late":  {aws.Cut(1 << 40), []string{"", "", ""}},
		"a released hold": {aws.Hold(closed()), []string{"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			in := cloud.Inject(aws.Fault{Effects: []aws.Effect{tt.effect}})
			defer in.Remove()
			out, err1 := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")})
			if err1 == nil {
				_, err1 = io.Copy(io.Discard, out.Body)
				_ = out.Body.Close()
			}
			_, err2 := tokens.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			_, err3 := functions.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: sdk.String("f"), Payload: []byte(`{}`)})
			got := []string{code(err1), code(err2), code(err3)}
			if name == "a cut at once" && got[0] == "" {
				got[0] = "no answer" // the object is empty, so that nothing is cut
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s\n%v\n%v\n%v", diff, err1, err2, err3)
			}
			if in.Hits() < 3 { // package net/http may send a GET again when a connection breaks
				t.Errorf("%d hits", in.Hits())
			}
		})
	}
	if _, err := tokens.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("after the faults: %v", err)
	}
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestFaultsMatchOnlyWhatTheyName(t *testing.T) {
	cloud := newCloud(t)
	box := mount(t, cloud)
	tokens := sts.NewFromConfig(config(t, box, owner, "us-east-1"))
	for _, tt := range []struct {
		name  string
		fault aws.Fault
		fails []bool // of two requests
	}{
		{"everything", aws.Fault{}, []bool{true, true}},
		{"the service", aws.Fault{Service: "sts"}, []bool{true, true}},
		{"another service", aws.Fault{Service: "s3"}, []bool{false, false}},
		{"the operation, once", aws.Fault{Operation: "GetCallerIdentity", Times: 1}, []bool{true, false}},
		{"another operation", aws.Fault{Operation: "AssumeRole"}, []bool{false, false}},
		{"the account", aws.Fault{AccountID: accountID}, []bool{true, true}},
		{"another account", aws.Fault{AccountID: "333333333333"}, []bool{false, false}},
	} {
		tt.fault.Effects = []aws.Effect{aws.Break()}
		in := cloud.Inject(tt.fault)
		for _, fails := range tt.fails {
			if _, err := tokens.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); (err != nil) != fails {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		in.Remove()
	}
}

func TestAFaultNeverHidesARequestThatIsRefused(t *testing.T) {
	cloud := newCloud(t, atVectorTime())
	in := cloud.Inject(aws.Fault{Effects: []aws.Effect{aws.Break()}})
	for _, v := range vectors(t) {
		if v.Name != "a query API" {
			continue
		}
		delete(v.Headers, "Authorization")
		if _, body := serve(cloud, v.request()); !strings.Contains(body, "MissingAuthenticationToken") || in.Hits() != 0 {
			t.Errorf("%d hits: %s", in.Hits(), body)
		}
	}
}

func TestAHeldAnswerEndsWithTheClientOrTheCloud(t *testing.T) {
	for _, name := range []string{"client", "cloud"} {
		cloud := newCloud(t)
		tokens := sts.NewFromConfig(config(t, mount(t, cloud), owner, "us-east-1"))
		in := cloud.Inject(aws.Fault{Effects: []aws.Effect{aws.Hold(nil)}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := tokens.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			ended <- err
		}()
		<-in.Reached()
		if name == "client" {
			cancel()
		} else {
			cloud.Close()
		}
		if err := <-ended; err == nil {
			t.Errorf("%s: the client got an answer", name)
		}
		cancel()
	}
}

func TestCallsAreRememberedWithoutTheirSecrets(t *testing.T) {
	cloud := newCloud(t)
	tokens := sts.NewFromConfig(config(t, mount(t, cloud), temp, "eu-west-1"))
	if _, err := tokens.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Fatal(err)
	}
	calls := cloud.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	call := calls[0]
	if call.Name() != "sts.GetCallerIdentity" || call.AccountID != accountID || call.Region != "eu-west-1" || string(call.Body) != "Action=GetCallerIdentity&Version=2011-06-15" {
		t.Errorf("%+v", call)
	}
	if call.Header.Get("Authorization") != "" || call.Header.Get("X-Amz-Security-Token") != "" || call.Header.Get("X-Amz-Date") == "" {
		t.Errorf("%v", call.Header)
	}
	if !strings.Contains(strings.Join(call.SignedHeaders, ";"), "x-amz-security-token") {
		t.Errorf("%v", call.SignedHeaders)
	}
	cloud.Forget()
	if calls := cloud.Calls(); len(calls) > 0 {
		t.Errorf("%v", calls)
	}
}

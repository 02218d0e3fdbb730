package dynamodb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/dynamodb"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/dynamodb"
)

// bubble is the tool and a DynamoDB without a network between them, in the time of a synctest bubble.
type bubble struct {
	*aws.Cloud
	conn *host.Conn
	edit func(answer []byte) []byte
}

// newBubble must be called in a bubble. New tables are CREATING for this long.
func newBubble(t *testing.T, creating time.Duration) *bubble {
	t.Helper()
	b := &bubble{Cloud: aws.New(), edit: func(answer []byte) []byte { return answer }}
	b.Register("dynamodb", standin.New(standin.Creating(creating)))
	if err := b.AddAccount(aws.Account{ID: toolstest.AccountID, Keys: []aws.Key{toolstest.Key()}}); err != nil {
		t.Fatal(err)
	}
	served, err := plugin.New(os.DirFS(".."), plugin.Tool(tool, dynamodb.Manage))
	if err != nil {
		t.Fatal(err)
	}
	process := account.NewProcess(b, account.Backoff(func(int, error) (time.Duration, error) { return 0, nil }))
	requests, toPlugin := io.Pipe()
	results, fromPlugin := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := served.Serve(process.Context(context.Background()), requests, fromPlugin, &bytes.Buffer{}, nil)
		_ = fromPlugin.Close()
		ended <- err
	}()
	b.conn = host.Connect(toPlugin, results, host.Options{Strict: true})
	t.Cleanup(func() {
		if err := errors.Join(b.conn.Close(), <-ended); err != nil {
			t.Errorf("the plugin: %v", err)
		}
	})
	return b
}

// RoundTrip implements [http.RoundTripper].
func (b *bubble) RoundTrip(r *http.Request) (*http.Response, error) {
	received := r.Clone(r.Context())
	received.Host, received.RequestURI = r.URL.Host, r.URL.RequestURI()
	recorder := httptest.NewRecorder()
	b.ServeHTTP(recorder, received)
	answer := recorder.Result()
	body := b.edit(recorder.Body.Bytes())
	if !bytes.Equal(body, recorder.Body.Bytes()) {
		answer.Header.Del("X-Amz-Crc32")
	}
	answer.Body, answer.Request = io.NopCloser(bytes.NewReader(body)), r
	return answer, r.Context().Err()
}

// create runs create_table for orders and says how long it took.
func (b *bubble) create(t *testing.T, more params) (host.Result, time.Duration, error) {
	t.Helper()
	began := time.Now()
	got, err := b.conn.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), tool, onOrder("create_table", "", more))
	return got, time.Since(began), err
}

// failure is an error that the tool returned.
func failure(t *testing.T, err error) *host.PluginError {
	t.Helper()
	var failed *host.PluginError
	if !errors.As(err, &failed) {
		t.Fatalf("%v is no error of the tool", err)
	}
	return failed
}

const resumeHint = "to go on waiting, run create_table again with table_arn " + ordersARN

func TestCreateTableWaitsUntilTheTableIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 47*time.Second)
		got, took, err := b.create(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		returned(t, got, `Table "orders" was created and is ACTIVE.`, "", `{"table_status":"ACTIVE","table_arn":"`+ordersARN+`"}`)
		if took < 47*time.Second || took > 52*time.Second {
			t.Errorf("took %s", took)
		}
		// Half a second first, and half as much again each time, up to five seconds.
		if asked := len(b.Calls()) - 1; asked < 11 || asked > 15 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestSection3_12Bug8_CreateTableEndsBeforeTheHostGivesUpAndCanBeContinued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 15*time.Minute)
		_, took, err := b.create(t, nil)
		if took != 585*time.Second {
			t.Errorf("ended after %s", took)
		}
		failed := failure(t, err)
		if failed.Type != string(plugin.Unavailable) || !strings.Contains(failed.Message, `the table "orders" is still being created (`) || !strings.Contains(failed.Message, resumeHint) {
			t.Error(failed)
		}
		got, took, err := b.create(t, params{"table_arn": ordersARN})
		if err != nil {
			t.Fatal(err)
		}
		returned(t, got, `Table "orders" was created and is ACTIVE.`, "", `{"table_status":"ACTIVE","table_arn":"`+ordersARN+`"}`)
		if took < 315*time.Second || took > 320*time.Second {
			t.Errorf("took %s more", took)
		}
		if creations := slices.DeleteFunc(b.Operations(), func(name string) bool { return name != "dynamodb.CreateTable" }); len(creations) != 1 {
			t.Errorf("%d tables were created", len(creations))
		}
	})
}

func TestTheEndOfTheTimeDuringARequestNamesTheTableToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Minute)
		b.Inject(aws.Fault{Operation: "DescribeTable", Effects: []aws.Effect{aws.Hold(nil)}})
		_, took, err := b.create(t, nil)
		if took != 585*time.Second || !strings.Contains(failure(t, err).Message, resumeHint) {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

func TestANewTableThatIsNotKnownEverywhereIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Second)
		b.Inject(aws.Fault{Operation: "DescribeTable", Times: 3, Effects: []aws.Effect{aws.Fail(400, "ResourceNotFoundException", "not yet")}})
		if _, _, err := b.create(t, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestAHandleOfNoTableIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 0)
		_, took, err := b.create(t, params{"table_arn": ordersARN})
		failed := failure(t, err)
		if failed.Type != string(plugin.BadRequest) || !strings.Contains(failed.Message, `could not look at the table "orders": there is no such table`) || took > time.Second {
			t.Errorf("after %s: %v", took, failed)
		}
	})
}

func TestATableThatCannotBeLookedAtIsNamedWithItsHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Second)
		b.Inject(aws.Fault{Operation: "DescribeTable", Effects: []aws.Effect{aws.Deny()}})
		_, _, err := b.create(t, nil)
		failed := failure(t, err)
		if failed.Type != string(plugin.Authorization) || !strings.Contains(failed.Message, "dynamodb:DescribeTable") ||
			!strings.Contains(failed.Message, "the table is being created: to wait for it, run create_table again with table_arn "+ordersARN) {
			t.Error(failed)
		}
	})
}

func TestATableThatWillNotBecomeReadyEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Hour)
		b.edit = func(answer []byte) []byte {
			if !bytes.HasPrefix(answer, []byte(`{"Table":`)) { // only once it is looked at
				return answer
			}
			return bytes.ReplaceAll(answer, []byte("CREATING"), []byte("DELETING"))
		}
		_, took, err := b.create(t, nil)
		if failed := failure(t, err); took > time.Second || !strings.Contains(failed.Message, `could not create the table "orders": its status is DELETING now`) {
			t.Errorf("after %s: %v", took, failed)
		}
	})
}

func TestATableThatIsBeingUpdatedIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Minute)
		b.edit = func(answer []byte) []byte { return bytes.ReplaceAll(answer, []byte("CREATING"), []byte("UPDATING")) }
		if _, took, err := b.create(t, nil); err != nil || took < time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

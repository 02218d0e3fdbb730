package dynamodb_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/dynamodb"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/dynamodb"
)

// bubble is the tool and a DynamoDB without a network between them, in the time of a synctest bubble.
type bubble struct {
	*toolstest.AWS
	*toolstest.Tools
	// edit changes answers.
	edit func(answer []byte) []byte
}

// newBubble must be called in a bubble. New tables are CREATING for this long.
func newBubble(t *testing.T, creating time.Duration) *bubble {
	t.Helper()
	b := &bubble{AWS: toolstest.StartInBubble(t)}
	b.Register("dynamodb", edited{standin.New(standin.Creating(creating)), b})
	b.Tools = b.Run(t, plugin.Tool(tool, dynamodb.Manage))
	return b
}

// edited is a DynamoDB whose answers are changed.
type edited struct {
	aws.Service
	bubble *bubble
}

// Serve implements [aws.Service].
func (e edited) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	if e.bubble.edit == nil {
		return e.Service.Serve(w, r)
	}
	answer := httptest.NewRecorder()
	failed := e.Service.Serve(answer, r)
	if failed == nil {
		maps.Copy(w.Header(), answer.Header())
		w.Header().Del("X-Amz-Crc32")
		w.WriteHeader(answer.Code)
		_, _ = w.Write(e.bubble.edit(answer.Body.Bytes()))
	}
	return failed
}

// create runs create_table for orders and says how long it took; fail expects that this comes to nothing.
func (b *bubble) create(t *testing.T, more params) (host.Result, time.Duration) {
	t.Helper()
	began := time.Now()
	got := b.Succeed(t, tool, onOrder("create_table", "", more))
	return got, time.Since(began)
}

func (b *bubble) fail(t *testing.T, more params) (*host.PluginError, time.Duration) {
	t.Helper()
	began := time.Now()
	failed := b.Fail(t, tool, onOrder("create_table", "", more))
	return failed, time.Since(began)
}

const resumeHint = "to go on waiting, run create_table again with table_arn " + ordersARN

func TestCreateTableWaitsUntilTheTableIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 47*time.Second)
		got, took := b.create(t, nil)
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
		failed, took := b.fail(t, nil)
		if took != 585*time.Second {
			t.Errorf("ended after %s", took)
		}
		if failed.Type != string(plugin.Unavailable) || !strings.Contains(failed.Message, `the table "orders" is still being created (`) || !strings.Contains(failed.Message, resumeHint) {
			t.Error(failed)
		}
		got, took := b.create(t, params{"table_arn": ordersARN})
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
		failed, took := b.fail(t, nil)
		if took != 585*time.Second || !strings.Contains(failed.Message, resumeHint) {
			t.Errorf("after %s: %v", took, failed)
		}
	})
}

func TestANewTableThatIsNotKnownEverywhereIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Second)
		b.Inject(aws.Fault{Operation: "DescribeTable", Times: 3, Effects: []aws.Effect{aws.Fail(400, "ResourceNotFoundException", "not yet")}})
		b.create(t, nil)
	})
}

func TestAHandleOfNoTableIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 0)
		failed, took := b.fail(t, params{"table_arn": ordersARN})
		if failed.Type != string(plugin.BadRequest) || !strings.Contains(failed.Message, `could not look at the table "orders": there is no such table`) || took > time.Second {
			t.Errorf("after %s: %v", took, failed)
		}
	})
}

func TestATableThatCannotBeLookedAtIsNamedWithItsHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Second)
		b.Inject(aws.Fault{Operation: "DescribeTable", Effects: []aws.Effect{aws.Deny()}})
		failed, _ := b.fail(t, nil)
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
		if failed, took := b.fail(t, nil); took > time.Second || !strings.Contains(failed.Message, `could not create the table "orders": its status is DELETING now`) {
			t.Errorf("after %s: %v", took, failed)
		}
	})
}

func TestATableThatIsBeingUpdatedIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Minute)
		b.edit = func(answer []byte) []byte { return bytes.ReplaceAll(answer, []byte("CREATING"), []byte("UPDATING")) }
		if _, took := b.create(t, nil); took < time.Minute {
			t.Errorf("after %s", took)
		}
	})
}

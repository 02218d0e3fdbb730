package dynamodb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/dynamodb"
	"github.com/google/go-cmp/cmp"
)

const (
	accountID = "123456789012"
	keyID     = "AKIAIOSFODNN7EXAMPLE"
	secret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// database is a DynamoDB in a cloud, which a test talks to in the JSON of the protocol.
type database struct {
	*dynamodb.Service
	cloud *aws.Cloud
	now   time.Time // by which tables become ready
}

func newDatabase(t *testing.T, opts ...dynamodb.Option) *database {
	t.Helper()
	d := &database{cloud: aws.New(), now: time.Now()}
	d.Service = dynamodb.New(append([]dynamodb.Option{dynamodb.Clock(func() time.Time { return d.now })}, opts...)...)
	d.cloud.Register("dynamodb", d.Service)
	if err := d.cloud.AddAccount(aws.Account{ID: accountID, Keys: []aws.Key{{AccessKeyID: keyID, SecretAccessKey: secret}}}); err != nil {
		t.Fatal(err)
	}
	return d
}

// request sends one signed request.
func (d *database) request(t *testing.T, target, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://dynamodb.eu-west-1.amazonaws.com/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", contentType)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
	key := sdkaws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), key, r, sum, "dynamodb", "eu-west-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	d.cloud.ServeHTTP(answer, r)
	return answer
}

// call sends a request and returns the answer, or what is wrong with it as "code: message".
func (d *database) call(t *testing.T, operation, body string) (answer, failed string) {
	t.Helper()
	got := d.request(t, "DynamoDB_20120810."+operation, "application/x-amz-json-1.0", body)
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	if sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(raw)), 10); got.Header().Get("X-Amz-Crc32") != sum {
		t.Errorf("%s: the checksum is %s, want %s", operation, got.Header().Get("X-Amz-Crc32"), sum)
	}
	if got.Code == http.StatusOK {
		return string(raw), ""
	}
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(raw, &said); err != nil || got.Code != http.StatusBadRequest {
		t.Fatalf("%s: status %d, %s", operation, got.Code, raw)
	}
	return "", said.Type[strings.LastIndexByte(said.Type, '#')+1:] + ": " + said.Message
}

// ok is call for a request that must succeed.
func (d *database) ok(t *testing.T, operation, body string) string {
	t.Helper()
	answer, failed := d.call(t, operation, body)
	if failed != "" {
		t.Fatalf("%s %s: %s", operation, body, failed)
	}
	return answer
}

// refuses fails the test unless a request is refused with this error.
func (d *database) refuses(t *testing.T, operation, body, want string) {
	t.Helper()
	if _, failed := d.call(t, operation, body); failed != want {
		t.Errorf("%s %s:\n got %s\nwant %s", operation, body, failed, want)
	}
}

// same fails the test unless an answer is this JSON.
func same(t *testing.T, about, want, got string) {
	t.Helper()
	var wanted, was any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if err := json.Unmarshal([]byte(got), &was); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if diff := cmp.Diff(wanted, was); diff != "" {
		t.Errorf("%s: want (-), got (+):\n%s", about, diff)
	}
}

const (
	// scores has the partition key user, a text, the sort key at, a number, and an index by game and at.
	scores = `{"TableName":"scores","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"user","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"user","AttributeType":"S"},{"AttributeName":"at","AttributeType":"N"},{"AttributeName":"game","AttributeType":"S"}],
		"GlobalSecondaryIndexes":[{"IndexName":"by-game","Projection":{"ProjectionType":"ALL"},
			"KeySchema":[{"AttributeName":"game","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}]}]}`
	scoresARN = "arn:aws:dynamodb:eu-west-1:" + accountID + ":table/scores"
)

func newScores(t *testing.T) *database {
	t.Helper()
	d := newDatabase(t)
	d.ok(t, "CreateTable", scores)
	return d
}

// put puts a score; more are further attributes with a comma in front.
func (d *database) put(t *testing.T, user string, at int, more string) {
	t.Helper()
	d.ok(t, "PutItem", fmt.Sprintf(`{"TableName":"scores","Item":{"user":{"S":%q},"at":{"N":"%d"}%s}}`, user, at, more))
}

func TestATableIsCreatedAndBecomesReady(t *testing.T) {
	d := newDatabase(t, dynamodb.Creating(time.Minute))
	if created := d.ok(t, "CreateTable", scores); !strings.Contains(created, `"TableStatus":"CREATING"`) || !strings.Contains(created, scoresARN) {
		t.Error(created)
	}
	d.refuses(t, "CreateTable", scores, "ResourceInUseException: Table already exists: scores")
	d.refuses(t, "Scan", `{"TableName":"scores"}`, "ResourceNotFoundException: Requested resource not found")
	d.now = d.now.Add(59 * time.Second)
	if got := d.ok(t, "DescribeTable", `{"TableName":"scores"}`); !strings.Contains(got, `"TableStatus":"CREATING"`) {
		t.Error(got)
	}
	d.now = d.now.Add(time.Second)
	if got := d.ok(t, "DescribeTable", `{"TableName":"`+scoresARN+`"}`); !strings.Contains(got, `"TableStatus":"ACTIVE"`) {
		t.Error(got)
	}
	d.ok(t, "Scan", `{"TableName":"scores"}`)
	d.refuses(t, "DescribeTable", `{"TableName":"other"}`, "ResourceNotFoundException: Requested resource not found: Table: other not found")
}

func TestRequestsThatAreNotDynamoDBsAreRefused(t *testing.T) {
	d := newScores(t)
	for name, request := range map[string][3]string{
		"another version":      {"DynamoDB_20111205.Scan", "application/x-amz-json-1.0", "{}"},
		"another operation":    {"DynamoDB_20120810.Truncate", "application/x-amz-json-1.0", "{}"},
		"another content type": {"DynamoDB_20120810.Scan", "application/json", "{}"},
		"no JSON":              {"DynamoDB_20120810.Scan", "application/x-amz-json-1.0", "{"},
		"an unknown parameter": {"DynamoDB_20120810.Scan", "application/x-amz-json-1.0", `{"TableName":"scores","Wrong":1}`},
		"an unknown type":      {"DynamoDB_20120810.GetItem", "application/x-amz-json-1.0", `{"TableName":"scores","Key":{"user":{"T":"a"}}}`},
		"a number for a text":  {"DynamoDB_20120810.GetItem", "application/x-amz-json-1.0", `{"TableName":"scores","Key":{"user":{"S":5}}}`},
		"a value for itself":   {"DynamoDB_20120810.GetItem", "application/x-amz-json-1.0", `{"TableName":"scores","Key":{"user":"a"}}`},
	} {
		got := d.request(t, request[0], request[1], request[2])
		if got.Code != http.StatusBadRequest || !bytes.Contains(got.Body.Bytes(), []byte("Exception")) {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

func TestTablesThatCannotBeAreRefused(t *testing.T) {
	d := newDatabase(t)
	for name, edit := range map[string]struct{ old, with, want string }{
		"a short name":         {`"TableName":"scores"`, `"TableName":"sc"`, "Invalid table/index name."},
		"no billing mode":      {`"BillingMode":"PAY_PER_REQUEST",`, "", "ReadCapacityUnits and WriteCapacityUnits must both be specified"},
		"no partition key":     {`"KeySchema":[{"AttributeName":"user","KeyType":"HASH"},`, `"KeySchema":[`, "The first KeySchemaElement is not a HASH key type"},
		"one key twice":        {`"AttributeName":"at","KeyType":"RANGE"`, `"AttributeName":"user","KeyType":"RANGE"`, "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
		"an empty key name":    {`"AttributeName":"user","KeyType"`, `"AttributeName":"","KeyType"`, "keySchema.1.member.attributeName"},
		"a key of no type":     {`{"AttributeName":"user","AttributeType":"S"},`, "", "Some index key attributes are not defined in AttributeDefinitions. Keys: [user]"},
		"a type of no key":     {`"AttributeName":"game","KeyType"`, `"AttributeName":"user","KeyType"`, "Number of attributes in KeySchema does not exactly match"},
		"a key that is a list": {`"AttributeType":"N"`, `"AttributeType":"L"`, "Member must satisfy enum value set: [B, N, S]"},
		"a smaller projection": {`"ALL"`, `"KEYS_ONLY"`, "project ALL attributes"},
	} {
		if _, failed := d.call(t, "CreateTable", strings.Replace(scores, edit.old, edit.with, 1)); !strings.HasPrefix(failed, "ValidationException: ") || !strings.Contains(failed, edit.want) {
			t.Errorf("%s: %q, want %q", name, failed, edit.want)
		}
	}
}

func TestItemsOfAllTypesComeBack(t *testing.T) {
	d := newScores(t)
	rest := `,"b":{"B":"AAE="},"on":{"BOOL":true},"none":{"NULL":true},"l":{"L":[{"S":"x"},{"N":"1.5"}]},"m":{"M":{"k":{"S":""}}},
		"ss":{"SS":["a","b"]},"ns":{"NS":["1","2"]},"bs":{"BS":["AA==","AQ=="]},"le":{"L":[]},"me":{"M":{}}`
	d.put(t, "ada", 1, rest)
	item := `{"user":{"S":"ada"},"at":{"N":"1"}` + rest + `}`
	same(t, "GetItem", `{"Item":`+item+`}`, d.ok(t, "GetItem", `{"TableName":"scores","ConsistentRead":true,"Key":{"at":{"N":"1.0"},"user":{"S":"ada"}}}`))
	same(t, "Scan", `{"Items":[`+item+`],"Count":1,"ScannedCount":1}`, d.ok(t, "Scan", `{"TableName":"scores"}`))
	same(t, "a missing item", `{}`, d.ok(t, "GetItem", `{"TableName":"scores","Key":{"at":{"N":"2"},"user":{"S":"ada"}}}`))
	stored, err := d.Items(scoresARN)
	if err != nil || len(stored) != 1 {
		t.Errorf("%v, %v", stored, err)
	}
	if _, err := d.Items("arn:other"); err == nil {
		t.Error("a table that does not exist has items")
	}
}

func TestNumbersAreNormalised(t *testing.T) {
	d := newScores(t)
	for sent, want := range map[string]string{
		"0.00": "0", "-0": "0", "+5": "5", "1.50": "1.5", "007": "7", "1e2": "100", "1.5E-3": "0.0015", ".5": "0.5", "5.": "5", "-12e1": "-120",
		"12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
	} {
		d.put(t, "ada", 1, `,"n":{"N":"`+sent+`"}`)
		same(t, sent, `{"Item":{"n":{"N":"`+want+`"}}}`, d.ok(t, "GetItem", `{"TableName":"scores","Key":{"at":{"N":"1"},"user":{"S":"ada"}},"ProjectionExpression":"n"}`))
	}
}

func TestItemsThatDynamoDBDoesNotStoreAreRefused(t *testing.T) {
	d := newScores(t)
	deep := strings.Repeat(`{"L":[`, 33) + `{"S":"x"}` + strings.Repeat(`]}`, 33)
	for item, want := range map[string]string{
		`"at":{"N":"1"}`:                  "One or more parameter values were invalid: Missing the key user in the item",
		`"user":{"S":"a"},"at":{"S":"1"}`: "One or more parameter values were invalid: Type mismatch for key at expected: N actual: S",
		`"user":{"S":""},"at":{"N":"1"}`:  "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: user",

		`"user":{"S":"` + strings.Repeat("u", 2049) + `"},"at":{"N":"1"}`:                  "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of 2048 bytes",
		`"user":{"S":"a"},"at":{"N":"1"},"game":{"N":"1"}`:                                 "One or more parameter values were invalid: Type mismatch for Index Key game Expected: S Actual: N",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"N":"x"}`:                                    "The parameter cannot be converted to a numeric value: x",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"N":""}`:                                     "The parameter cannot be converted to a numeric value: ",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"N":"1e126"}`:                                "Number overflow. Attempting to store a number with magnitude larger than supported range",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"N":"1e-131"}`:                               "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"N":"` + strings.Repeat("9", 39) + `"}`:      "Attempting to store more than 38 significant digits in a Number",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{}`:                                           "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"S":"","N":"1"}`:                             "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"NULL":false}`:                               "One or more parameter values were invalid: Null attribute value types must have the value of true",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"SS":[]}`:                                    "One or more parameter values were invalid: An string set  may not be empty",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"NS":["1","1.0"]}`:                           "One or more parameter values were invalid: Input collection [1, 1] contains duplicates.",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"NS":["x"]}`:                                 "The parameter cannot be converted to a numeric value: x",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"M":{"x":{"N":"x"}}}`:                        "The parameter cannot be converted to a numeric value: x",
		`"user":{"S":"a"},"at":{"N":"1"},"n":` + deep:                                      "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
		`"user":{"S":"a"},"at":{"N":"1"},"n":{"S":"` + strings.Repeat("x", 400<<10) + `"}`: "Item size has exceeded the maximum allowed size",
	} {
		d.refuses(t, "PutItem", `{"TableName":"scores","Item":{`+item+`}}`, "ValidationException: "+want)
	}
	for _, key := range []string{`{"user":{"S":"a"}}`, `{"user":{"S":"a"},"at":{"S":"1"}}`, `{"user":{"S":"a"},"at":{"N":"1"},"game":{"S":"x"}}`} {
		for _, operation := range []string{"GetItem", "DeleteItem", "UpdateItem"} {
			d.refuses(t, operation, `{"TableName":"scores","Key":`+key+`}`, "ValidationException: The provided key element does not match the schema")
		}
	}
}

func TestConditionsHoldAsDynamoDBSaysTheyDo(t *testing.T) {
	d := newScores(t)
	d.put(t, "ada", 1, `,"n":{"N":"5"},"s":{"S":"hello"},"tags":{"SS":["x","y"]},"l":{"L":[{"N":"1"},{"M":{"k":{"S":"v"}}}]},"m":{"M":{"k":{"BOOL":true}}},"b":{"B":"AAE="}`)
	values := map[string]string{
		":five": `{"N":"5.0"}`, ":six": `{"N":"6"}`, ":hell": `{"S":"hell"}`, ":x": `{"S":"x"}`, ":v": `{"S":"v"}`, ":S": `{"S":"S"}`,
		":one": `{"N":"1"}`, ":true": `{"BOOL":true}`, ":set": `{"SS":["y","x"]}`, ":two": `{"N":"2"}`, ":b": `{"B":"AA=="}`,
	}
	for condition, want := range map[string]bool{
		"n = :five": true, "n <> :five": false, "n < :six": true, "n <= :five": true, "n > :five": false, "n >= :six": false,
		"n > :hell": false, "s > :hell": true, "NOT n = :six": true, "n = :six OR s > :hell": true, "n = :five AND n = :six": false,
		"(n = :six OR n = :five) AND NOT (n = :six)": true, "n between :one and :six": true, "n BETWEEN :six AND :six": false,
		"n IN (:one, :five)": true, "n IN (:one)": false, "attribute_exists(m.k)": true, "attribute_exists(m.z)": false,
		"attribute_not_exists(nothing)": true, "attribute_not_exists(n)": false, "attribute_type(s, :S)": true, "attribute_type(n, :S)": false,
		"begins_with(s, :hell)": true, "begins_with(s, :x)": false, "begins_with(b, :b)": true, "contains(s, :hell)": true, "contains(tags, :x)": true,
		"contains(tags, :v)": false, "contains(l, :one)": true, "contains(n, :one)": false, "size(s) = :five": true, "size(tags) = :two": true,
		"size(l) = :two": true, "size(m) = :one": true, "size(b) = :two": true, "size(n) = :one": false, "size(nothing) = :one": false,
		"l[0] = :one": true, "l[1].k = :v": true, "l[9] = :one": false, "m.k = :true": true, "tags = :set": true, "nothing = :one": false,
		"nothing <> :one": true, "nothing < :one": false, "begins_with(nothing, :x)": false, "s.k = :one": false,
	} {
		var used []string
		for name, v := range values {
			if strings.Contains(condition, name) {
				used = append(used, `"`+name+`":`+v)
			}
		}
		given := ""
		if len(used) > 0 {
			given = `,"ExpressionAttributeValues":{` + strings.Join(used, ",") + `}`
		}
		body := fmt.Sprintf(`{"TableName":"scores","FilterExpression":%q%s}`, condition, given)
		if got := strings.Contains(d.ok(t, "Scan", body), `"Count":1`); got != want {
			t.Errorf("%s: %v, want %v", condition, got, want)
		}
		_, failed := d.call(t, "DeleteItem", fmt.Sprintf(`{"TableName":"scores","Key":{"user":{"S":"ada"},"at":{"N":"1"}},"ConditionExpression":%q%s,"ReturnValues":"ALL_OLD"}`, condition, given))
		if met := failed == ""; met != want {
			t.Errorf("as a condition, %s: %v, want %v", condition, failed, want)
		} else if met {
			d.put(t, "ada", 1, `,"n":{"N":"5"},"s":{"S":"hello"},"tags":{"SS":["x","y"]},"l":{"L":[{"N":"1"},{"M":{"k":{"S":"v"}}}]},"m":{"M":{"k":{"BOOL":true}}},"b":{"B":"AAE="}`)
		} else if failed != "ConditionalCheckFailedException: The conditional request failed" {
			t.Error(failed)
		}
	}
}

func TestExpressionsThatDynamoDBDoesNotUnderstandAreRefused(t *testing.T) {
	d := newScores(t)
	for expression, want := range map[string]string{
		"":                     "ExpressionAttributeValues can only be specified when using expressions",
		" ":                    "Invalid FilterExpression: The expression can not be empty;",
		"n = :v extra":         `Invalid FilterExpression: Syntax error; token: "extra", near: ":v extra"`,
		"n =":                  `Invalid FilterExpression: Syntax error; token: "<EOF>", near: "="`,
		"n ! :v":               `Invalid FilterExpression: Syntax error; token: "!", near: "n"`,
		"n":                    `Invalid FilterExpression: Syntax error; token: "<EOF>", near: "n"`,
		"(n = :v":              `Invalid FilterExpression: Syntax error; token: "<EOF>", near: ":v"`,
		"5 = :v":               `Invalid FilterExpression: Syntax error; token: "5", near: "5 = :v"`,
		"n[x] = :v":            `Invalid FilterExpression: Syntax error; token: "x", near: "x ] ="`,
		"status = :v":          "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: status",
		"n.Name = :v":          "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: Name",
		"n = :other":           "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: :other",
		"#x = :v":              "Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: #x",
		"attribute_exists(n)":  "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}",
		"attribute_exists(:v)": "Invalid FilterExpression: Operator or function requires a document path; operator or function: attribute_exists",
		"begins_with(n)":       "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
		strings.Repeat("n = :v OR ", 500) + "n = :v": "Invalid FilterExpression: Expression size has exceeded the maximum allowed size;",
	} {
		d.refuses(t, "Scan", fmt.Sprintf(`{"TableName":"scores","FilterExpression":%q,"ExpressionAttributeValues":{":v":{"N":"1"}}}`, expression), "ValidationException: "+want)
	}
	for more, want := range map[string]string{
		`"FilterExpression":"n > :v","ExpressionAttributeValues":{}`:                                           "ExpressionAttributeValues must not be empty",
		`"FilterExpression":"n > m","ExpressionAttributeNames":{}`:                                             "ExpressionAttributeNames must not be empty",
		`"ExpressionAttributeNames":{"#n":"n"}`:                                                                "ExpressionAttributeNames can only be specified when using expressions",
		`"FilterExpression":"n > m","ExpressionAttributeNames":{"#n":"n"}`:                                     "Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}",
		`"FilterExpression":"n > m","ExpressionAttributeNames":{"n":"n"}`:                                      `ExpressionAttributeNames contains invalid key: Syntax error; key: "n"`,
		`"FilterExpression":"n > v","ExpressionAttributeValues":{"v":{"N":"1"}}`:                               `ExpressionAttributeValues contains invalid key: Syntax error; key: "v"`,
		`"FilterExpression":"n > :v","ExpressionAttributeValues":{":v":{"N":"x"}}`:                             "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :v",
		`"ProjectionExpression":"a.b, a"`:                                                                      "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]",
		`"ProjectionExpression":"a,"`:                                                                          `Invalid ProjectionExpression: Syntax error; token: "<EOF>", near: ","`,
		`"Limit":0`:                                                                                            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
		`"IndexName":"by-other"`:                                                                               "The table does not have the specified index: by-other",
		`"IndexName":"by-game","ConsistentRead":true`:                                                          "Consistent reads are not supported on global secondary indexes",
		`"ExclusiveStartKey":{"user":{"S":"a"}}`:                                                               "The provided starting key is invalid: The provided key element does not match the schema",
		`"ExclusiveStartKey":{"user":{"S":"a"},"at":{"S":"1"}}`:                                                "The provided starting key is invalid: The provided key element does not match the schema",
		`"FilterExpression":"n between :b and :a","ExpressionAttributeValues":{":a":{"N":"1"},":b":{"N":"2"}}`: "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
	} {
		d.refuses(t, "Scan", `{"TableName":"scores",`+more+`}`, "ValidationException: "+want)
	}
}

func TestProjectionsKeepWhatTheirPathsLeadTo(t *testing.T) {
	d := newScores(t)
	d.put(t, "ada", 1, `,"l":{"L":[{"N":"0"},{"N":"1"},{"M":{"k":{"S":"v"},"z":{"S":"w"}}}]},"m":{"M":{"a":{"S":"1"},"b":{"S":"2"},"c":{"S":"3"}}}`)
	got := d.ok(t, "GetItem", `{"TableName":"scores","Key":{"user":{"S":"ada"},"at":{"N":"1"}},
		"ProjectionExpression":"#u, l[0], l[2].k, m.a, m.b, nothing.k","ExpressionAttributeNames":{"#u":"user"}}`)
	d.refuses(t, "GetItem", `{"TableName":"scores","Key":{"user":{"S":"ada"},"at":{"N":"1"}},"ProjectionExpression":"nothing.all"}`,
		"ValidationException: Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: all")
	same(t, "projected", `{"Item":{"user":{"S":"ada"},"l":{"L":[{"N":"0"},{"M":{"k":{"S":"v"}}}]},"m":{"M":{"a":{"S":"1"},"b":{"S":"2"}}}}}`, got)
}

func TestUpdatesChangeItems(t *testing.T) {
	const start = `,"n":{"N":"5"},"s":{"S":"x"},"tags":{"SS":["a","b"]},"nums":{"NS":["1"]},"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"}]},"m":{"M":{"k":{"N":"1"}}}`
	for update, want := range map[string]string{ // what is new or other, what is gone as null
		"SET n = :two":                                       `{"n":{"N":"2"}}`,
		"SET n = n + :two":                                   `{"n":{"N":"7"}}`,
		"SET n = n - :two, s = :text":                        `{"n":{"N":"3"},"s":{"S":"new"}}`,
		"SET n = s, s = n":                                   `{"n":{"S":"x"},"s":{"N":"5"}}`,
		"SET f = if_not_exists(f, :two)":                     `{"f":{"N":"2"}}`,
		"SET n = if_not_exists(n, :two)":                     `{}`,
		"SET f = if_not_exists(f, n) + :two":                 `{"f":{"N":"7"}}`,
		"SET l = list_append(l, :list)":                      `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"S":"z"}]}}`,
		"SET l = list_append(:list, l)":                      `{"l":{"L":[{"S":"z"},{"N":"0"},{"N":"1"},{"N":"2"}]}}`,
		"SET l[1] = :two":                                    `{"l":{"L":[{"N":"0"},{"N":"2"},{"N":"2"}]}}`,
		"SET l[9] = :two":                                    `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"2"}]}}`,
		"SET m.k = :two, m.z = :text":                        `{"m":{"M":{"k":{"N":"2"},"z":{"S":"new"}}}}`,
		"REMOVE n, m.k, l[0], l[2]":                          `{"n":null,"m":{"M":{}},"l":{"L":[{"N":"1"}]}}`,
		"REMOVE l[7], nothing":                               `{}`,
		"ADD n :two, f :two, tags :tags":                     `{"n":{"N":"7"},"f":{"N":"2"},"tags":{"SS":["a","b","c"]}}`,
		"DELETE tags :tags":                                  `{"tags":{"SS":["a"]}}`,
		"DELETE tags :all, nothing :all":                     `{"tags":null}`,
		"set n = :two remove s add f :two delete tags :tags": `{"n":{"N":"2"},"s":null,"f":{"N":"2"},"tags":{"SS":["a"]}}`,
	} {
		d := newScores(t)
		d.put(t, "ada", 1, start)
		values := map[string]string{":two": `{"N":"2"}`, ":text": `{"S":"new"}`, ":list": `{"L":[{"S":"z"}]}`, ":tags": `{"SS":["b","c"]}`, ":all": `{"SS":["a","b"]}`}
		if strings.Contains(strings.ToUpper(update), "DELETE TAGS :TAGS") {
			values[":tags"] = `{"SS":["b"]}`
		}
		got := d.ok(t, "UpdateItem", updateBody(update, values, "ALL_NEW"))
		var wanted map[string]any
		if err := json.Unmarshal([]byte(`{"user":{"S":"ada"},"at":{"N":"1"}`+start+`}`), &wanted); err != nil {
			t.Fatal(err)
		}
		var changes map[string]any
		if err := json.Unmarshal([]byte(want), &changes); err != nil {
			t.Fatal(err)
		}
		for name, v := range changes {
			wanted[name] = v
			if v == nil {
				delete(wanted, name)
			}
		}
		whole, err := json.Marshal(map[string]any{"Attributes": wanted})
		if err != nil {
			t.Fatal(err)
		}
		same(t, update, string(whole), got)
	}
}

// updateBody is an update of one score, with those of the values that it uses.
func updateBody(update string, values map[string]string, asked string) string {
	var used []string
	for name, v := range values {
		if strings.Contains(update, name) {
			used = append(used, `"`+name+`":`+v)
		}
	}
	given := ""
	if len(used) > 0 {
		given = `,"ExpressionAttributeValues":{` + strings.Join(used, ",") + `}`
	}
	return fmt.Sprintf(`{"TableName":"scores","Key":{"user":{"S":"ada"},"at":{"N":"1"}},"UpdateExpression":%q,"ReturnValues":%q%s}`, update, asked, given)
}

func TestUpdatesThatCannotBeMadeAreRefusedAndChangeNothing(t *testing.T) {
	d := newScores(t)
	d.put(t, "ada", 1, `,"n":{"N":"5"},"s":{"S":"x"},"m":{"M":{}},"l":{"L":[]}`)
	before := d.ok(t, "Scan", `{"TableName":"scores"}`)
	values := map[string]string{":one": `{"N":"1"}`, ":text": `{"S":"t"}`, ":set": `{"SS":["a"]}`, ":big": `{"N":"9.9e125"}`}
	for update, want := range map[string]string{
		"SET n = s + :one":             "An operand in the update expression has an incorrect data type",
		"SET n = :big + :big":          "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"SET n = nothing":              "The provided expression refers to an attribute that does not exist in the item",
		"SET n = nothing + :one":       "The provided expression refers to an attribute that does not exist in the item",
		"SET n = :one, s.k = :one":     "The document path provided in the update expression is invalid for update",
		"SET z.k = :one":               "The document path provided in the update expression is invalid for update",
		"SET l[0].k = :one":            "The document path provided in the update expression is invalid for update",
		"SET l = list_append(l, :one)": "An operand in the update expression has an incorrect data type",
		"SET #at = :one":               "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #at",
		"SET n = :one, n = :text":      "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]",
		"SET m.k = :one REMOVE m":      "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m]",
		"SET n = :one SET s = :one":    `Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`,
		"MOVE n":                       `Invalid UpdateExpression: Syntax error; token: "MOVE", near: "MOVE n"`,
		"SET n :one":                   `Invalid UpdateExpression: Syntax error; token: ":one", near: ":one"`,
		"ADD n s":                      `Invalid UpdateExpression: Syntax error; token: "s", near: "s"`,
		"ADD s :one":                   "An operand in the update expression has an incorrect data type",
		"ADD n :text":                  "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: S",
		"DELETE n :one":                "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: N",
		"DELETE n :set":                "An operand in the update expression has an incorrect data type",
		"SET game = :one":              "One or more parameter values were invalid: Type mismatch for Index Key game Expected: S Actual: N",
	} {
		d.refuses(t, "UpdateItem", updateBody(update, values, "NONE"), "ValidationException: "+want)
	}
	d.refuses(t, "UpdateItem", `{"TableName":"scores","Key":{"user":{"S":"ada"},"at":{"N":"1"}},"UpdateExpression":"SET #a = :v",
		"ExpressionAttributeNames":{"#a":"at"},"ExpressionAttributeValues":{":v":{"N":"2"}}}`,
		"ValidationException: One or more parameter values were invalid: Cannot update attribute at. This attribute is part of the key")
	d.refuses(t, "UpdateItem", updateBody("SET n = :one", values, "SOME"), "ValidationException: Return values set to invalid value")
	d.refuses(t, "PutItem", `{"TableName":"scores","Item":{"user":{"S":"a"},"at":{"N":"1"}},"ReturnValues":"ALL_NEW"}`, "ValidationException: Return values set to invalid value")
	same(t, "afterwards", before, d.ok(t, "Scan", `{"TableName":"scores"}`))
}

func TestWritesReturnWhatTheyAreAskedFor(t *testing.T) {
	d := newScores(t)
	d.put(t, "ada", 1, `,"n":{"N":"5"},"s":{"S":"x"}`)
	values := map[string]string{":one": `{"N":"1"}`}
	for _, step := range []struct{ asked, want string }{
		{"NONE", `{}`},
		{"ALL_OLD", `{"Attributes":{"user":{"S":"ada"},"at":{"N":"1"},"s":{"S":"x"},"n":{"N":"6"}}}`},
		{"UPDATED_OLD", `{"Attributes":{"n":{"N":"7"}}}`},
		{"UPDATED_NEW", `{"Attributes":{"n":{"N":"9"}}}`},
	} {
		same(t, step.asked, step.want, d.ok(t, "UpdateItem", updateBody("ADD n :one", values, step.asked)))
	}
	key := `{"user":{"S":"ada"},"at":{"N":"1"}}`
	same(t, "a put", `{}`, d.ok(t, "PutItem", `{"TableName":"scores","Item":`+key+`}`))
	same(t, "a put", `{"Attributes":`+key+`}`, d.ok(t, "PutItem", `{"TableName":"scores","Item":`+key+`,"ReturnValues":"ALL_OLD"}`))
	same(t, "a deletion", `{"Attributes":`+key+`}`, d.ok(t, "DeleteItem", `{"TableName":"scores","Key":`+key+`,"ReturnValues":"ALL_OLD"}`))
	same(t, "nothing there", `{}`, d.ok(t, "DeleteItem", `{"TableName":"scores","Key":`+key+`,"ReturnValues":"ALL_OLD"}`))
	same(t, "an update of nothing", `{"Attributes":`+key+`}`, d.ok(t, "UpdateItem", `{"TableName":"scores","Key":`+key+`,"ReturnValues":"ALL_NEW"}`))
}

func TestQueriesReadInOrderPageByPage(t *testing.T) {
	d := newScores(t)
	for at := range 9 {
		d.put(t, "ada", at*7-20, `,"game":{"S":"go"}`)
		d.put(t, "bob", at, `,"game":{"S":"chess"}`)
	}
	for name, q := range map[string]struct {
		body  string
		want  []string
		pages int
	}{
		"up":         {`"KeyConditionExpression":"#u = :u"`, []string{"-20", "-13", "-6", "1", "8", "15", "22", "29", "36"}, 3},
		"down":       {`"KeyConditionExpression":"#u = :u","ScanIndexForward":false`, []string{"36", "29", "22", "15", "8", "1", "-6", "-13", "-20"}, 3},
		"a range":    {`"KeyConditionExpression":"#u = :u AND #a BETWEEN :low AND :high"`, []string{"-6", "1"}, 1},
		"the lowest": {`"KeyConditionExpression":"(#a <= :low) AND (#u = :u)"`, []string{"-20", "-13"}, 1},
	} {
		names, values := `"#u":"user"`, `":u":{"S":"ada"}`
		for placeholder, v := range map[string]string{":low": "-10", ":high": "7"} {
			if strings.Contains(q.body, placeholder) {
				values += fmt.Sprintf(`,%q:{"N":%q}`, placeholder, v)
			}
		}
		if strings.Contains(q.body, "#a") {
			names += `,"#a":"at"`
		}
		body := fmt.Sprintf(`{"TableName":"scores","Limit":4,%s,"ExpressionAttributeNames":{%s},"ExpressionAttributeValues":{%s}`, q.body, names, values)
		got, pages := d.pages(t, "Query", body)
		if diff := cmp.Diff(q.want, got); diff != "" || pages != q.pages {
			t.Errorf("%s: %d pages:\n%s", name, pages, diff)
		}
	}
	got, _ := d.pages(t, "Query", `{"TableName":"scores","IndexName":"by-game","Limit":2,"KeyConditionExpression":"game = :g","ExpressionAttributeValues":{":g":{"S":"chess"}}`)
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}, got); diff != "" {
		t.Errorf("by the index:\n%s", diff)
	}
	got, _ = d.pages(t, "Scan", `{"TableName":"scores","Limit":5`)
	if len(got) != 18 {
		t.Errorf("a scan reads %v", got)
	}
}

// pages reads a list to its end and returns the attribute at of each item. The body lacks its last brace.
func (d *database) pages(t *testing.T, operation, body string) (list []string, pages int) {
	t.Helper()
	start := ""
	for {
		var page struct {
			Items            []struct{ At struct{ N string } }
			LastEvaluatedKey json.RawMessage
		}
		if err := json.Unmarshal([]byte(d.ok(t, operation, body+start+"}")), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			list = append(list, item.At.N)
		}
		pages++
		if page.LastEvaluatedKey == nil {
			return list, pages
		}
		start = `,"ExclusiveStartKey":` + string(page.LastEvaluatedKey)
	}
}

func TestAPageEndsAtAMegabyte(t *testing.T) {
	d := newScores(t)
	for at := range 7 {
		d.put(t, "ada", at, `,"data":{"S":"`+strings.Repeat("x", 300<<10)+`"}`)
	}
	if _, pages := d.pages(t, "Scan", `{"TableName":"scores"`); pages != 2 {
		t.Errorf("%d pages", pages)
	}
}

func TestQueriesThatCannotBeMadeAreRefused(t *testing.T) {
	d := newScores(t)
	for condition, want := range map[string]string{
		"#u = :u AND #a = :n AND #a = :n":  "Conditions can be of length 1 or 2 only",
		"#a = :n":                          "Query condition missed key schema element: user",
		"#u > :u":                          "Query key condition not supported",
		"#u <> :u":                         "Invalid operator used in KeyConditionExpression: <>",
		"#u = :u OR #a = :n":               "Invalid operator used in KeyConditionExpression: OR",
		"#u = :u AND attribute_exists(#a)": "Invalid operator used in KeyConditionExpression: attribute_exists",
		"#u = :u AND begins_with(#a, :n)":  "Invalid operator used in KeyConditionExpression: begins_with",
		"#u = :u AND #a = #u":              "Invalid operator used in KeyConditionExpression: =",
		"#u = :u AND #a.x = :n":            "Invalid operator used in KeyConditionExpression: =",
		"#u = :u AND game = :u":            "Query condition missed key schema element: at",
		"#u = :n":                          "One or more parameter values were invalid: Condition parameter type does not match schema type",
		"#u = :none":                       "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: user",
		"":                                 "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
	} {
		names, values := []string{}, []string{}
		for placeholder, name := range map[string]string{"#u": "user", "#a": "at"} {
			if strings.Contains(condition, placeholder) {
				names = append(names, fmt.Sprintf("%q:%q", placeholder, name))
			}
		}
		for placeholder, v := range map[string]string{":u": `{"S":"ada"}`, ":n": `{"N":"1"}`, ":none": `{"S":""}`} {
			if strings.Contains(condition, placeholder) && (placeholder != ":n" || !strings.Contains(condition, ":none")) {
				values = append(values, fmt.Sprintf("%q:%s", placeholder, v))
			}
		}
		body := fmt.Sprintf(`{"TableName":"scores","KeyConditionExpression":%q`, condition)
		if len(names) > 0 {
			body += `,"ExpressionAttributeNames":{` + strings.Join(names, ",") + `},"ExpressionAttributeValues":{` + strings.Join(values, ",") + `}`
		}
		d.refuses(t, "Query", body+"}", "ValidationException: "+want)
	}
	d.refuses(t, "Query", `{"TableName":"scores","KeyConditionExpression":"#u = :u","ExpressionAttributeNames":{"#u":"user"},"ExpressionAttributeValues":{":u":{"S":"ada"}},
		"ExclusiveStartKey":{"user":{"S":"bob"},"at":{"N":"1"}}}`,
		"ValidationException: The provided starting key is outside query boundaries based on provided conditions")
}

func TestPoliciesNameTablesAndIndexes(t *testing.T) {
	d := newScores(t)
	err := d.cloud.AddAccount(aws.Account{ID: accountID, Keys: []aws.Key{{
		AccessKeyID: keyID, SecretAccessKey: secret,
		Grants: []aws.Grant{{Actions: []string{"dynamodb:Scan"}, Resources: []string{scoresARN + "/index/by-game"}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	d.ok(t, "Scan", `{"TableName":"scores","IndexName":"by-game"}`)
	for _, table := range []string{"scores", scoresARN} {
		answer := d.request(t, "DynamoDB_20120810.Scan", "application/x-amz-json-1.0", `{"TableName":"`+table+`"}`)
		if !strings.Contains(answer.Body.String(), "is not authorized to perform: dynamodb:Scan on resource: "+scoresARN+" because") {
			t.Errorf("%s: %d %s", table, answer.Code, answer.Body)
		}
	}
}

func TestAccountsHaveTablesOfTheirOwn(t *testing.T) {
	d := newScores(t)
	if err := d.cloud.AddAccount(aws.Account{ID: "210987654321", Keys: []aws.Key{{AccessKeyID: keyID, SecretAccessKey: secret}}}); err != nil {
		t.Fatal(err)
	}
	d.refuses(t, "DescribeTable", `{"TableName":"scores"}`, "ResourceNotFoundException: Requested resource not found: Table: scores not found")
}

package dynamodb

import (
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tokenValue is one attribute of the key at which a page ends. Keys are text, numbers or binary, and nothing else.
type tokenValue struct {
	S *string `json:"S,omitempty"`
	N *string `json:"N,omitempty"`
	B []byte  `json:"B,omitempty"`
}

// pageToken is the text that continues a scan or a query behind a key. DynamoDB has no tokens of its own: it takes the
// key itself, whose types would not survive JSON.
func pageToken(lastKey map[string]types.AttributeValue) (string, error) {
	values := make(map[string]tokenValue, len(lastKey))
	for name, value := range lastKey {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			values[name] = tokenValue{S: &v.Value}
		case *types.AttributeValueMemberN:
			values[name] = tokenValue{N: &v.Value}
		case *types.AttributeValueMemberB:
			values[name] = tokenValue{B: v.Value}
		default:
			return "", errors.New("DynamoDB ended the page at a key of an unknown type")
		}
	}
	raw, err := json.Marshal(values)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

var errToken = errors.New("is not a token that an earlier scan or query returned: pass next_token on as it is, and only " +
	"with the parameters of that call")

// keyOfToken is the key in a token.
func keyOfToken(token string) (map[string]types.AttributeValue, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, errToken
	}
	var values map[string]tokenValue
	if json.Unmarshal(raw, &values) != nil || len(values) == 0 {
		return nil, errToken
	}
	key := make(map[string]types.AttributeValue, len(values))
	for name, v := range values {
		switch {
		case v.S != nil:
			key[name] = &types.AttributeValueMemberS{Value: *v.S}
		case v.N != nil:
			key[name] = &types.AttributeValueMemberN{Value: *v.N}
		case v.B != nil:
			key[name] = &types.AttributeValueMemberB{Value: v.B}
		default:
			return nil, errToken
		}
	}
	return key, nil
}

package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// ToxicityInput is the input of chinese_toxicity_detector.
type ToxicityInput struct {
	account.Input
	Endpoint string `param:"sagemaker_endpoint"`
	Text     string `param:"content_text"`
}

// The two verdicts. Their spelling is what workflows compare with.
const (
	labelSafe  = "SAFE"
	labelToxic = "NO_SAFE"
)

// DetectToxicity asks a model whether a Chinese text is toxic. The model gets {"text": TEXT} and answers with
// {"prediction": 0} or {"prediction": 1}, alone, in a list of one, or inside "body", as an object or as JSON text.
//
// The text is SAFE for 0 and NO_SAFE for 1; false and true, 0.0 and 1.0, and texts that hold one of these are the same.
// Anything else is an error and no verdict: a text that nobody has judged must not pass for either.
func DetectToxicity(ctx context.Context, call *plugin.Call, in ToxicityInput) error {
	var wrong param.Problems
	endpoint, err := parseEndpoint(in.Endpoint)
	wrong.Add("sagemaker_endpoint", err)
	body := encodeRequest(&wrong, "content_text", struct {
		Text string `json:"text"`
	}{in.Text})
	if err := wrong.Err("chinese_toxicity_detector"); err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	answer, err := invoke(ctx, acct, endpoint, body)
	if err != nil {
		return err
	}
	verdict, err := readVerdict(answer)
	if err != nil {
		return unexpected(endpoint, fmt.Errorf("%w; a verdict is a prediction of 0 or 1", err))
	}
	return verdict.send(call)
}

// verdict is what a model thinks of a text.
type verdict struct {
	toxic bool
	// raw is the prediction as the model wrote it.
	raw any
}

func (v verdict) label() string {
	if v.toxic {
		return labelToxic
	}
	return labelSafe
}

// send sends the label as text, and then all of the verdict.
func (v verdict) send(call *plugin.Call) error {
	if err := call.Text(v.label()); err != nil {
		return err
	}
	raw, err := param.Encode(v.raw)
	if err != nil {
		return err
	}
	outputs := result.Outputs{"label": v.label(), "toxic": v.toxic, "raw_prediction": string(raw)}
	if err := call.JSON(map[string]any{"label": v.label(), "toxic": v.toxic, "prediction": v.raw}); err != nil {
		return err
	}
	return outputs.Send(call)
}

// readVerdict finds the prediction in an answer.
func readVerdict(answer []byte) (verdict, error) {
	value, err := decode(answer)
	if err != nil {
		return verdict{}, err
	}
	prediction, err := findPrediction(value, maxWrappings)
	if err != nil {
		return verdict{}, err
	}
	toxic, err := isToxic(prediction)
	return verdict{toxic: toxic, raw: prediction}, err
}

// maxWrappings is how many lists, bodies and texts may stand around a prediction.
const maxWrappings = 8

// findPrediction takes away what models put around their prediction.
func findPrediction(value any, left int) (any, error) {
	if left == 0 {
		return nil, errors.New("the prediction is wrapped too often")
	}
	switch v := value.(type) {
	case []any:
		if len(v) != 1 {
			return nil, fmt.Errorf("it is a list of %d", len(v))
		}
		return findPrediction(v[0], left-1)
	case map[string]any:
		if prediction, ok := v["prediction"]; ok {
			return only(prediction), nil
		}
		body, ok := v["body"]
		if !ok {
			return nil, fmt.Errorf("%s, and neither prediction nor body", keysOf(v))
		}
		if text, isText := body.(string); isText {
			inner, err := decode([]byte(text))
			if err != nil {
				return nil, fmt.Errorf("its body: %w", err)
			}
			body = inner
		}
		return findPrediction(body, left-1)
	}
	return nil, fmt.Errorf("it is %s", kindOf(value))
}

// only is the one element of a list of one, and anything else itself.
func only(value any) any {
	if list, ok := value.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return value
}

// isToxic reads a prediction.
func isToxic(prediction any) (bool, error) {
	text := ""
	switch p := prediction.(type) {
	case bool:
		return p, nil
	case json.Number:
		text = p.String()
	case string:
		text = strings.ToLower(strings.TrimSpace(p))
		if text == "true" || text == "false" {
			return text == "true", nil
		}
	default:
		return false, fmt.Errorf("the prediction is %s", kindOf(prediction))
	}
	switch number, err := strconv.ParseFloat(text, 64); {
	case err == nil && number == 0:
		return false, nil
	case err == nil && number == 1:
		return true, nil
	}
	return false, fmt.Errorf("the prediction is %s", shown([]byte(text)))
}

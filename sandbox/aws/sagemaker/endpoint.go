package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Endpoint is an endpoint and the model behind it.
type Endpoint struct {
	// Region and AccountID say where the endpoint is.
	Region, AccountID string
	Name              string
	// Loading makes SageMaker answer that the model is not ready yet.
	Loading bool
	// Model is the container. It may be nil for an endpoint that is only there. ctx ends when the client goes away.
	Model func(ctx context.Context, in Inference) Answer
}

// Inference is a request as the container gets it.
type Inference struct {
	Body []byte
	// ContentType and Accept are what the request says, and may be empty.
	ContentType, Accept string
}

// Answer is what the container of a model answers.
type Answer struct {
	// Status is that of the container; zero means 200. Any other status is a failure of the model.
	Status int
	// ContentType is application/json if it is empty.
	ContentType string
	Body        []byte
	// TimedOut says that there was no answer within the 60 seconds that SageMaker waits.
	TimedOut bool
}

// Returns is the answer of a model that returns a value.
func Returns(value any) Answer {
	body, err := json.Marshal(value)
	if err != nil {
		return Fails(http.StatusInternalServerError, err.Error())
	}
	return Answer{Body: body}
}

// Says is the answer of a model that returns a text, which may be no JSON.
func Says(text string) Answer { return Answer{Body: []byte(text)} }

// Fails is the answer of a model that ends with an error.
func Fails(status int, message string) Answer { return Answer{Status: status, Body: []byte(message)} }

// TimesOut is what becomes of a model that does not answer in time.
func TimesOut() Answer { return Answer{TimedOut: true} }

// ARN is the name of the endpoint in policies.
func (e Endpoint) ARN() string { return arn(e.Region, e.AccountID, e.Name) }

func arn(region, account, name string) string {
	return fmt.Sprintf("arn:%s:sagemaker:%s:%s:endpoint/%s", partition(region), region, account, name)
}

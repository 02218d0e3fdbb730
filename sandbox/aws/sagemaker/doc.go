// Package sagemaker is a stand-in for the runtime of Amazon SageMaker: the operation InvokeEndpoint, as strict as the
// real one, for models that are written in Go.
//
//	endpoints := sagemaker.New()
//	endpoints.Add(sagemaker.Endpoint{Region: "us-east-1", AccountID: "123456789012", Name: "ranker",
//		Model: func(ctx context.Context, in sagemaker.Inference) sagemaker.Answer {
//			return sagemaker.Returns(map[string]any{"scores": []float64{0.5}})
//		}})
//	cloud.Register("runtime.sagemaker", endpoints)
//
// It checks names, sizes and content types, knows only the endpoints of whoever asks, and answers with the errors of
// the service: ValidationError for an endpoint that is not there, ModelError with what a model said that failed,
// ModelNotReadyException for one that is still being loaded.
package sagemaker

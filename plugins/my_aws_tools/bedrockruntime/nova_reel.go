package bedrockruntime

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
)

// FilmInput is the input of nova_reel.
type FilmInput struct {
	account.Input
	Prompt    string `param:"prompt,literal"`
	Output    string `param:"video_output_s3uri"`
	Dimension string `param:"dimension"`
	Duration  int    `param:"duration"`
	Seed      int    `param:"seed"`
	FPS       int    `param:"fps"`
	Async     bool   `param:"async"`
	ImageURI  string `param:"image_input_s3uri"`

	ImageFile     *plugin.InputFile `param:"image_input_file"`
	Model         string            `param:"model_id"`
	InvocationARN string            `param:"invocation_arn"`
}

// Film is the tool nova_reel. It has Amazon Nova Reel make a video, which AWS writes into the user's bucket, or looks at
// one that was started before: then nothing is started, and only invocation_arn and async matter.
//
// With async it sends a text of three lines: that the video was started, its ARN, and where it will be. Otherwise it
// waits, sends the address of the video and then the video as a file. A video that is there is handed over even with
// async, where it was picked up. One that Dify does not take is not lost: the address is sent all the same, the reason
// stands in a second text and in the output handover_error, and the tool succeeds, because the video was paid for.
//
// An image that the video shall begin with is made 1280 x 720 pixels large, whatever its shape.
func Film(ctx context.Context, call *plugin.Call, in FilmInput) error {
	f, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	c := newClient(acct, f.pickUp.region, maxAnswer)
	if f.pickUp.arn != "" {
		return f.finish(ctx, call, acct, c, f.pickUp)
	}
	started, err := f.start(ctx, call, acct, c)
	if err != nil {
		return err
	}
	if f.wait {
		return f.finish(ctx, call, acct, c, started)
	}
	return f.announce(call, started)
}

// start starts the video.
func (f filming) start(ctx context.Context, call *plugin.Call, acct *account.Account, c client) (invocation, error) {
	input, err := f.input(ctx, call, acct)
	if err != nil {
		return invocation{}, err
	}
	out, err := c.runtime.StartAsyncInvoke(ctx, &bedrockruntime.StartAsyncInvokeInput{
		ModelId: aws.String(f.model), ModelInput: document.NewLazyDocument(input),
		OutputDataConfig: &types.AsyncInvokeOutputDataConfigMemberS3OutputDataConfig{
			Value: types.AsyncInvokeS3OutputDataConfig{S3Uri: aws.String(f.folder())},
		},
	})
	if err != nil {
		return invocation{}, f.startError(c, err)
	}
	started, err := parseInvocation(aws.ToString(out.InvocationArn))
	if err != nil {
		return started, plugin.Errorf(plugin.Unavailable, "the answer to the start of a video names no invocation; the video may have been started all the same: look into %s in a few minutes", f.folder())
	}
	return started, nil
}

// folder is where AWS puts the folder of the video.
func (f filming) folder() string { return "s3://" + f.bucket + "/" + f.prefix }

// startError says whether the video may have been started although nothing came back.
func (f filming) startError(c client, err error) error {
	explained := c.explain(err, "start a video with "+f.model, "bedrock:InvokeModel and s3:PutObject", f.model+" and "+f.folder(), modelFaults())
	if !c.line.Sent() || account.Code(err) != "" && plugin.KindOf(explained) != plugin.Unavailable {
		return explained
	}
	return plugin.Errorf(plugin.KindOf(explained), "%w. The video may have been started and charged all the same: look into %s in a few minutes before you run this again", explained, f.folder())
}

// announce says where a video will be that nobody waits for.
func (f filming) announce(call *plugin.Call, started invocation) error {
	video := f.folder() + started.id + "/" + videoFile
	text := fmt.Sprintf("The video was started and is being made.\nInvocation ARN: %s\nIt will be at: %s", started.arn, video)
	return errors.Join(call.Text(text), outputsOf(started, string(types.AsyncInvokeStatusInProgress), video).Send(call))
}

// outputsOf are the outputs of a video of which no more is known.
func outputsOf(of invocation, status, video string) result.Outputs {
	return result.Outputs{
		"invocation_arn": of.arn, "status": status, "s3_uri": video, "submit_time": nil, "end_time": nil, "handover_error": nil,
	}
}

// videoFile is the name that AWS gives a video in its folder.
const videoFile = "output.mp4"

// finish looks at a video, waits for it if that is wanted, and hands it over when it is there.
func (f filming) finish(ctx context.Context, call *plugin.Call, acct *account.Account, c client, of invocation) error {
	found, err := c.look(ctx, of)
	if err == nil && f.wait {
		found, err = c.await(ctx, call, of, found)
	}
	if err != nil {
		return err
	}
	video := videoOf(found)
	outputs := outputsOf(of, string(found.Status), video)
	outputs["submit_time"], outputs["end_time"] = result.Time(found.SubmitTime), result.Time(found.EndTime)
	switch found.Status {
	case types.AsyncInvokeStatusCompleted:
		return handOver(ctx, call, acct, of, video, outputs)
	case types.AsyncInvokeStatusFailed:
		why := param.Clip(aws.ToString(found.FailureMessage))
		if why == "" {
			why = "AWS gave no reason"
		}
		return plugin.Errorf(plugin.Unavailable, "the video %s could not be made: %s", of.arn, why)
	}
	text := fmt.Sprintf("The video is being made.\nInvocation ARN: %s\nIt will be at: %s", of.arn, video)
	return errors.Join(call.Text(text), outputs.Send(call))
}

// videoOf is the address of a video.
func videoOf(found *bedrockruntime.GetAsyncInvokeOutput) string {
	config, _ := found.OutputDataConfig.(*types.AsyncInvokeOutputDataConfigMemberS3OutputDataConfig)
	if config == nil {
		return ""
	}
	return strings.TrimRight(aws.ToString(config.Value.S3Uri), "/") + "/" + videoFile
}

// handOver sends the address of a video and the video, or why it cannot be sent.
func handOver(ctx context.Context, call *plugin.Call, acct *account.Account, of invocation, video string, outputs result.Outputs) error {
	bucket, key, err := s3.ParseURI(video)
	if err != nil {
		return plugin.Errorf(plugin.Unavailable, "the video %s is done, and its address %w", of.arn, err)
	}
	if err := call.Text(video); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx) // releases what was asked for and not read
	defer cancel()
	file, declined := s3.OpenBucket(ctx, acct, bucket, call.Logger()).File(ctx, key, "nova-reel-"+of.id+".mp4")
	if declined == nil {
		file.Type = "video/mp4"
		declined, err = call.OfferFile(ctx, file)
	} else if isOver(declined) {
		err = declined
	}
	switch {
	case err != nil:
		return plugin.Errorf(plugin.KindOf(err), "%w. The video is done and stays at %s; it can be picked up with invocation_arn %s, too", err, video, of.arn)
	case declined != nil:
		outputs["handover_error"] = declined.Error()
		if err := call.Text(fmt.Sprintf("\nThe video is done and could not be handed over to Dify: %v", declined)); err != nil {
			return err
		}
	}
	return outputs.Send(call)
}

package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// presign makes a URL with which anybody can read an object for some time. It is signed with Signature Version 4 for the
// region in which the bucket is; call it after a request to the bucket, which finds the region out. The URL holds no
// secret key. One that is signed with temporary keys ends with them, if they end first.
func presign(ctx context.Context, b *bucket, key string, p Presigning) (string, error) {
	client := awss3.NewPresignClient(newClient(b.account, b.region()), awss3.WithPresignExpires(p.Expiry))
	signed, err := client.PresignGetObject(ctx, &awss3.GetObjectInput{
		Bucket: aws.String(b.name), Key: aws.String(key), RequestPayer: b.payer,
	})
	if err != nil {
		return "", account.Error(err, b.operation("presign a URL for", "s3:GetObject", key))
	}
	return signed.URL, nil
}

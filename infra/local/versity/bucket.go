package versity

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// MakeBucket makes a bucket unless it stands, turns versioning on and sets its cross-origin rule.
func (s *Server) MakeBucket(ctx context.Context, bucket string, rule CORS) error {
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if s.config.Region != DefaultRegion {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(s.config.Region)}
	}
	_, err := s.client.CreateBucket(ctx, in)
	var mine *types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &mine) {
		return fmt.Errorf("versity: make bucket %s: %w", bucket, err)
	}
	_, err = s.client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	if err != nil {
		return fmt.Errorf("versity: turn on versioning of %s: %w", bucket, err)
	}
	return s.setCORS(ctx, bucket, rule)
}

func (s *Server) setCORS(ctx context.Context, bucket string, rule CORS) error {
	if len(rule.Origins) == 0 {
		return nil
	}
	if len(rule.Methods) == 0 {
		rule.Methods = []string{"GET", "HEAD", "PUT", "POST"}
	}
	if len(rule.Expose) == 0 {
		rule.Expose = []string{"ETag"}
	}
	_, err := s.client.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: &bucket,
		CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{
			AllowedOrigins: rule.Origins, AllowedMethods: rule.Methods, ExposeHeaders: rule.Expose,
			AllowedHeaders: []string{"*"}, MaxAgeSeconds: aws.Int32(3600),
		}}}})
	if err != nil {
		return fmt.Errorf("versity: set the CORS rule of %s: %w", bucket, err)
	}
	return nil
}

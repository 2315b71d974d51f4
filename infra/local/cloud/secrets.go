package cloud

import (
	"context"
	"strings"
)

func (s *server) getSecretValue(_ context.Context, body []byte) (any, error) {
	var in struct {
		SecretID     string `json:"SecretId"`
		VersionID    string `json:"VersionId"`
		VersionStage string
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	secret, ok := s.Secrets[in.SecretID]
	if !ok || in.VersionID != "" && in.VersionID != versionID || in.VersionStage != "" && in.VersionStage != current {
		return nil, refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	return map[string]any{
		"ARN": in.SecretID, "Name": in.SecretID[strings.LastIndexByte(in.SecretID, ':')+1:], "SecretString": secret,
		"VersionId": versionID, "VersionStages": []string{current},
	}, nil
}

// There is one version of each secret, and it is the current one.
const (
	versionID = "00000000-0000-4000-8000-000000000001"
	current   = "AWSCURRENT"
)

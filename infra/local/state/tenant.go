package state

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/id"
)

// Client is who signs in to the Orders API; zero in a folder from before there was one.
type Client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// Tenant makes what a folder has not yet of the workspace, the API key and the client, and sets it. It is to be kept.
func (k *Settings) Tenant(ctx context.Context, accounts *account.Service) error {
	if k.APIKey == "" {
		if err := k.found(ctx, accounts); err != nil {
			return err
		}
	}
	if k.Orders != (Client{}) {
		return nil
	}
	w, err := id.ParseWorkspace(k.Workspace)
	if err != nil {
		return fmt.Errorf("the workspace %q of the settings: %w", k.Workspace, err)
	}
	secret, c, err := accounts.IssueClient(ctx, "local", w, account.ClientSpec{})
	if err != nil {
		return fmt.Errorf("register the client: %w", err)
	}
	k.Orders = Client{c.ID.String(), secret}
	return nil
}

// found makes the workspace and the API key.
func (k *Settings) found(ctx context.Context, accounts *account.Service) error {
	w, err := accounts.CreateWorkspace(ctx, "Local")
	if err != nil {
		return fmt.Errorf("create the workspace: %w", err)
	}
	secret, _, err := accounts.IssueKey(ctx, "local", map[id.Workspace]access.Role{w.ID: access.Owner})
	if err != nil {
		return fmt.Errorf("issue the API key: %w", err)
	}
	k.Workspace, k.APIKey = w.ID.String(), secret
	return nil
}

// Ready is what tests and scripts read to find a stack that answers.
type Ready struct {
	API       string `json:"api"` // origins
	S3        string `json:"s3"`
	Workspace string `json:"workspace_id"`
	APIKey    string `json:"api_key"`
	Orders    Client `json:"orders"`
}

// Write puts it into a file, which appears whole and with mode 0600; "" is none.
func (r Ready) Write(path string) error {
	if path == "" {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return WriteFile(path, append(b, '\n'))
}

// square is a PNG of 16 by 16 orange pixels.
const square = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mN4EatFEmIY1TCqYfhqAADZ/m8QDwPdrwAAAABJRU5ErkJggg=="

// Curl is a command for bash that uploads a small orange square.
func (r Ready) Curl() string {
	return fmt.Sprintf("curl -sS %s/api/v1/assets -H 'Authorization: Bearer %s' -F workspace_id=%s -F 'file=@-;filename=square.png;type=image/png' < <(base64 -d <<< %s)",
		r.API, r.APIKey, r.Workspace, square)
}

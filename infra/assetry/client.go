package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// clientJSON is a client for machines, without its secrets.
type clientJSON struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Workspace string       `json:"workspace"`
	Scopes    []string     `json:"scopes"`
	Tier      string       `json:"tier"`
	Secrets   []secretJSON `json:"secrets"`
	CreatedAt time.Time    `json:"created_at"`
}

// secretJSON is a secret that works, without what is secret about it.
type secretJSON struct {
	Number    int       `json:"number"`
	CreatedAt time.Time `json:"created_at"`
}

func clientOf(c account.Client) clientJSON {
	j := clientJSON{c.ID.String(), c.Name, c.Workspace.String(), []string{}, string(c.Tier), []secretJSON{}, c.CreatedAt}
	for _, sc := range c.Scopes {
		j.Scopes = append(j.Scopes, string(sc))
	}
	for _, s := range c.Secrets {
		j.Secrets = append(j.Secrets, secretJSON{s.Number, s.CreatedAt})
	}
	return j
}

// numbers are the numbers of a client's secrets.
func numbers(c account.Client) string {
	texts := make([]string, len(c.Secrets))
	for i, s := range c.Secrets {
		texts[i] = strconv.Itoa(s.Number)
	}
	return strings.Join(texts, " ")
}

const (
	sampleClient = "cl_01a1fe9b-804e-77a3-9dd6-58576293f7f3"
	shownOnce    = "The secret is shown this once and kept nowhere. Keep it now."
)

func clientCreate() command {
	var name, workspace, scopes, tier string
	return command{
		name: "client create", brief: "make a client of the Orders API and show its secret, this once",
		text: "A client is a program of one workspace. With its id and secret it gets access tokens for an hour each, from\n" +
			"POST /v1/authentication/token. The secret is on standard output and is kept nowhere: the table has its SHA-256.",
		examples: []string{
			`assetry client create --name "scan desk" --workspace ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3`,
			`assetry client create --name viewer --workspace ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3 --scope read --tier premium --json | jq -r .secret`,
		},
		flags: func(f *flag.FlagSet) {
			f.StringVar(&name, "name", "", "its `name`, 1 to 255 characters (required)")
			f.StringVar(&workspace, "workspace", "", "the `workspace` it belongs to (required)")
			f.StringVar(&scopes, "scope", "read,write", "what its tokens may do at most: `scopes` with commas between")
			f.StringVar(&tier, "tier", string(account.Standard), "its `tier`, standard or premium: how many requests an hour it has")
		},
		run: func(ctx context.Context, c *call) (answer, error) {
			if workspace == "" {
				return answer{}, usage("of which workspace? --workspace WORKSPACE; `assetry workspace list` shows all")
			}
			ws, err := workspaceIDs([]string{workspace})
			if err != nil {
				return answer{}, err
			}
			spec := account.ClientSpec{Tier: account.Tier(tier)}
			for sc := range strings.SplitSeq(scopes, ",") {
				spec.Scopes = append(spec.Scopes, account.Scope(sc))
			}
			secret, made, err := c.store.services.Accounts().IssueClient(ctx, name, ws[0], spec)
			if err != nil {
				return answer{}, noWorkspace(err, ws[0])
			}
			return answer{
				json: map[string]any{"client": clientOf(made), "secret": secret},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "client     %s\nname       %s\nworkspace  %s\nscopes     %s\ntier       %s\nsecret     %s\n\n%s\n",
						made.ID, made.Name, made.Workspace, account.JoinScopes(made.Scopes), made.Tier, secret, shownOnce)
				},
			}, nil
		},
	}
}

func clientList() command {
	var workspace string
	return command{
		name: "client list", brief: "show clients, of a workspace or of all; never a secret",
		text:     "SECRETS are the numbers of those that work; `client drop-secret` takes one.",
		examples: []string{"assetry client list", "assetry client list --workspace ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3"},
		flags: func(f *flag.FlagSet) {
			f.StringVar(&workspace, "workspace", "", "only clients of this `workspace`")
		},
		run: func(ctx context.Context, c *call) (answer, error) {
			cs, err := clientsOf(ctx, c.store.services.Accounts(), workspace)
			if err != nil {
				return answer{}, err
			}
			list := []clientJSON{}
			var rows [][]string
			for _, cl := range cs {
				list = append(list, clientOf(cl))
				rows = append(rows, []string{cl.ID.String(), date(cl.CreatedAt), string(cl.Tier), account.JoinScopes(cl.Scopes), numbers(cl), cl.Workspace.String(), cl.Name})
			}
			return answer{
				json: map[string]any{"clients": list},
				text: func(out io.Writer) {
					columns(out, "There is no client yet: assetry client create --name NAME --workspace WORKSPACE",
						[]string{"CLIENT", "CREATED", "TIER", "SCOPES", "SECRETS", "WORKSPACE", "NAME"}, rows)
				},
			}, nil
		},
	}
}

// clientsOf are the clients of a workspace; "" is all clients of all registered workspaces.
func clientsOf(ctx context.Context, accounts *account.Service, workspace string) ([]account.Client, error) {
	if workspace != "" {
		ws, err := workspaceIDs([]string{workspace})
		if err != nil {
			return nil, err
		}
		if _, err := accounts.Workspace(ctx, ws[0]); err != nil {
			return nil, noWorkspace(err, ws[0])
		}
		return accounts.Clients(ctx, ws[0])
	}
	var all []account.Client
	for w, err := range accounts.Workspaces(ctx, id.Workspace{}) {
		if err != nil {
			return nil, err
		}
		cs, err := accounts.Clients(ctx, w.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, cs...)
	}
	return all, nil
}

func clientRotate() command {
	return command{
		name: "client rotate", operands: "CLIENT", most: 1, brief: "give a client a second secret and show it, this once",
		text: "The secret before goes on to work, so that nothing stops: give the new one to the client, and then `client drop-secret` the\n" +
			"old one. A client has two at most.",
		examples: []string{"assetry client rotate " + sampleClient},
		run: func(ctx context.Context, c *call) (answer, error) {
			cl, err := c.client(ctx)
			if err != nil {
				return answer{}, err
			}
			secret, cl, err := c.store.services.Accounts().RotateClient(ctx, cl.ID)
			if err != nil {
				return answer{}, noClient(err, cl.ID)
			}
			return answer{
				json: map[string]any{"client": clientOf(cl), "secret": secret},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "client   %s\nname     %s\nsecrets  %s\nsecret   %s\n\n%s\nThen end the one before: assetry client drop-secret %s --secret %d\n",
						cl.ID, cl.Name, numbers(cl), secret, shownOnce, cl.ID, cl.Secrets[0].Number)
				},
			}, nil
		},
	}
}

func clientDropSecret() command {
	var number int
	return command{
		name: "client drop-secret", operands: "CLIENT", most: 1, brief: "end one of a client's secrets and its tokens, for good",
		text: "Functions that are warm may take tokens that were got with it for up to 30 seconds more. Dropping it again is no error. The last\n" +
			"secret cannot be dropped: rotate first, or delete the client.",
		examples: []string{"assetry client drop-secret " + sampleClient + " --secret 1"},
		flags: func(f *flag.FlagSet) {
			f.IntVar(&number, "secret", 0, "`number` of the secret, as `client list` shows it (required)")
		},
		run: func(ctx context.Context, c *call) (answer, error) {
			cl, err := c.client(ctx)
			if err != nil {
				return answer{}, err
			}
			if number == 0 {
				return answer{}, usage("which secret? --secret NUMBER; those that work are %s", numbers(cl))
			}
			if err := c.confirm("Drop secret %d of the client %q (%s), for good?", number, cl.Name, cl.ID); err != nil {
				return answer{}, err
			}
			if cl, err = c.store.services.Accounts().DropSecret(ctx, cl.ID, number); err != nil {
				return answer{}, err
			}
			return answer{
				json: map[string]any{"client": clientOf(cl)},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "Secret %d of %s (%s) is dropped; %s works. Functions that are warm may take its tokens for up to %d seconds more.\n",
						number, cl.ID, cl.Name, numbers(cl), int(account.CacheFor.Seconds()))
				},
			}, nil
		},
	}
}

func clientDelete() command {
	return command{
		name: "client delete", operands: "CLIENT", most: 1, brief: "end a client, its secrets and its tokens, for good",
		text: "Functions that are warm may take its tokens for up to 30 seconds more. Its orders and assets stay in the workspace; its webhook goes\n" +
			"with it.",
		examples: []string{"assetry client delete " + sampleClient, "assetry client delete " + sampleClient + " --yes --json"},
		run: func(ctx context.Context, c *call) (answer, error) {
			cl, err := c.client(ctx)
			if err != nil {
				return answer{}, err
			}
			if err := c.confirm("Delete the client %q (%s), for good?", cl.Name, cl.ID); err != nil {
				return answer{}, err
			}
			if err := c.store.services.Accounts().DeleteClient(ctx, cl.ID); err != nil {
				return answer{}, noClient(err, cl.ID)
			}
			return answer{
				json: map[string]any{"deleted": cl.ID.String()},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "%s (%s) is deleted. Functions that are warm may take its tokens for up to %d seconds more.\n", cl.ID, cl.Name, int(account.CacheFor.Seconds()))
				},
			}, nil
		},
	}
}

// client is the one that the first operand names, as it is now. What is no id is not repeated: it may be a secret.
func (c *call) client(ctx context.Context) (account.Client, error) {
	if len(c.operands) == 0 {
		return account.Client{}, usage("which client? `assetry client list` shows all")
	}
	cid, err := id.ParseClient(c.operands[0])
	if err != nil {
		return account.Client{}, usage("this is not the id of a client, such as %s; `assetry client list` shows all", sampleClient)
	}
	cl, err := c.store.services.Accounts().Client(ctx, cid)
	return cl, noClient(err, cid)
}

// noClient says that a client is missing as an operator needs it said.
func noClient(err error, c id.Client) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "There is no client %s here; `assetry client list` shows all.", c)
	}
	return err
}

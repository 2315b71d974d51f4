package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// keyJSON is a key for machines, without its secret.
type keyJSON struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Home      string            `json:"home"`
	Grants    map[string]string `json:"grants"`
	CreatedAt time.Time         `json:"created_at"`
	Revoked   bool              `json:"revoked"`
}

func keyOf(k account.Key) keyJSON {
	j := keyJSON{k.ID.String(), k.Name, k.Home.String(), map[string]string{}, k.CreatedAt, k.Revoked}
	for w, r := range k.Grants {
		j.Grants[w.String()] = string(r)
	}
	return j
}

// grants are the values of --grant.
type grants map[id.Workspace]access.Role

func (g grants) String() string { return "" }

// Set reads WORKSPACE=ROLE, or a list of them with commas between.
func (g grants) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		w, role, ok := strings.Cut(one, "=")
		ws, err := id.ParseWorkspace(w)
		if !ok || err != nil {
			return fmt.Errorf("is not WORKSPACE=ROLE, such as ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3=editor; roles are %q", access.Roles())
		}
		if _, twice := g[ws]; twice {
			return fmt.Errorf("names %s twice", ws)
		}
		g[ws] = access.Role(role)
	}
	return nil
}

func keyCreate() command {
	var name string
	g := grants{}
	return command{
		name: "key create", brief: "make an API key and show its secret, this once",
		text: "The secret is on standard output and is kept nowhere: the table has its SHA-256. A key reaches 1 to 20 workspaces. A viewer reads;\n" +
			"an editor also creates, completes, retries, attaches and deletes; an owner also manages webhooks.",
		examples: []string{
			`assetry key create --name "web shop" --grant ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3=editor`,
			`assetry key create --name ci --grant ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3=owner --json | jq -r .secret`,
		},
		flags: func(f *flag.FlagSet) {
			f.StringVar(&name, "name", "", "its `name`, 1 to 255 characters (required)")
			f.Var(g, "grant", "a `workspace=role` that it has; may be given again (required)")
		},
		run: func(ctx context.Context, c *call) (answer, error) {
			secret, k, err := c.store.services.Accounts().IssueKey(ctx, name, g)
			if err != nil {
				return answer{}, err
			}
			return answer{
				json: map[string]any{"key": keyOf(k), "secret": secret},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "key     %s\nname    %s\ngrants  %s\nsecret  %s\n\nThe secret is shown this once and kept nowhere. Keep it now.\n", k.ID, k.Name, grantText(k), secret)
				},
			}, nil
		},
	}
}

func grantText(k account.Key) string {
	var parts []string
	for _, w := range (access.Principal{Grants: k.Grants}).Workspaces() {
		parts = append(parts, w.String()+"="+string(k.Grants[w]))
	}
	return strings.Join(parts, ",")
}

func keyList() command {
	var workspace string
	return command{
		name: "key list", brief: "show API keys, of a workspace or of all; never a secret",
		text:     "A new or changed key may show moments later: the list reads an index.",
		examples: []string{"assetry key list", "assetry key list --workspace ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3"},
		flags: func(f *flag.FlagSet) {
			f.StringVar(&workspace, "workspace", "", "only keys that reach this `workspace`; a workspace that is not registered is reached by its own alone")
		},
		run: func(ctx context.Context, c *call) (answer, error) {
			ks, err := keysOf(ctx, c.store.services.Accounts(), workspace)
			if err != nil {
				return answer{}, err
			}
			list := []keyJSON{}
			var rows [][]string
			for _, k := range ks {
				list = append(list, keyOf(k))
				state := "active"
				if k.Revoked {
					state = "revoked"
				}
				rows = append(rows, []string{k.ID.String(), date(k.CreatedAt), state, grantText(k), k.Name})
			}
			return answer{
				json: map[string]any{"keys": list},
				text: func(out io.Writer) {
					columns(out, "There is no key yet: assetry key create --name NAME --grant WORKSPACE=ROLE", []string{"KEY", "CREATED", "STATE", "GRANTS", "NAME"}, rows)
				},
			}, nil
		},
	}
}

// keysOf are the keys that reach a workspace; "" is all keys of all registered workspaces.
func keysOf(ctx context.Context, accounts *account.Service, workspace string) ([]account.Key, error) {
	if workspace != "" {
		ws, err := workspaceIDs([]string{workspace})
		if err != nil {
			return nil, err
		}
		ks, err := accounts.KeysReaching(ctx, ws[0])
		return ks, noWorkspace(err, ws[0])
	}
	var all []account.Key
	for w, err := range accounts.Workspaces(ctx, id.Workspace{}) {
		if err != nil {
			return nil, err
		}
		ks, err := accounts.Keys(ctx, w.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, ks...)
	}
	return all, nil
}

func keyRevoke() command {
	var workspace string
	return command{
		name: "key revoke", operands: "KEY", most: 1, brief: "end an API key, for good",
		text:     "Functions that are warm may take it for up to 30 seconds more. Revoking it again is no error.",
		examples: []string{"assetry key revoke key_01a1fe9b-804e-77a3-9dd6-58576293f7f3", "assetry key revoke key_01a1fe9b-804e-77a3-9dd6-58576293f7f3 --yes --json"},
		flags: func(f *flag.FlagSet) {
			f.StringVar(&workspace, "workspace", "", "the key's home `workspace`, for a key of one that is not registered")
		},
		run: func(ctx context.Context, c *call) (answer, error) {
			if len(c.operands) == 0 {
				return answer{}, usage("which key? `assetry key list` shows all")
			}
			kid, err := id.ParseKey(c.operands[0])
			if err != nil {
				return answer{}, usage("this is not the id of a key, such as key_01a1fe9b-804e-77a3-9dd6-58576293f7f3; `assetry key list` shows all")
			}
			k, err := findKey(ctx, c.store.services.Accounts(), kid, workspace)
			if err != nil {
				return answer{}, err
			}
			if err := c.confirm("Revoke the key %q (%s), for good?", k.Name, k.ID); err != nil {
				return answer{}, err
			}
			if err := c.store.services.Accounts().RevokeKey(ctx, k.ID, k.Home); err != nil {
				return answer{}, err
			}
			k.Revoked = true
			return answer{
				json: map[string]any{"key": keyOf(k)},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "%s (%s) is revoked. Functions that are warm may take it for up to %d seconds more.\n", k.ID, k.Name, int(account.CacheFor.Seconds()))
				},
			}, nil
		},
	}
}

// findKey finds a key in its home, or in whichever registered workspace has it.
func findKey(ctx context.Context, accounts *account.Service, k id.Key, home string) (account.Key, error) {
	found, err := account.Key{}, error(nil)
	if home == "" {
		found, err = accounts.FindKey(ctx, k)
	} else {
		found, err = keyAtHome(ctx, accounts, k, home)
	}
	if fault.Is(err, fault.NotFound) {
		return found, fault.New(fault.NotFound, "There is no key %s here; `assetry key list` shows all. One that was just made may show moments later.", k)
	}
	return found, err
}

func keyAtHome(ctx context.Context, accounts *account.Service, k id.Key, home string) (account.Key, error) {
	ws, err := workspaceIDs([]string{home})
	if err != nil {
		return account.Key{}, err
	}
	ks, err := accounts.Keys(ctx, ws[0])
	if err != nil {
		return account.Key{}, err
	}
	for _, found := range ks {
		if found.ID == k {
			return found, nil
		}
	}
	return account.Key{}, access.Missing("API key")
}

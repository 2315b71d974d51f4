package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assetry/assetry/infra/template"
)

// references are what Ref, GetAtt and Sub in the variables of functions lead to on this machine.
func references(t *template.Template) map[string]string {
	v := map[string]string{
		"AWS::StackName": here.Stack, "AWS::AccountId": here.Account, "AWS::Region": here.Region, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
	}
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":" + here.Region + ":" + here.Account + ":" + resource
	}
	for id, kind := range t.Types {
		switch kind {
		case tableType:
			v[id], v[id+".Arn"] = here.Stack+"-"+id, arn("dynamodb", "table/"+here.Stack+"-"+id)
		case "AWS::Events::EventBus":
			v[id], v[id+".Arn"] = here.Stack, arn("events", "event-bus/"+here.Stack)
		case "AWS::SecretsManager::Secret":
			v[id] = arn("secretsmanager", "secret:"+here.Stack+"-"+id)
		}
	}
	return v
}

// settled refuses a template whose functions have variables that lead to what this stack does not have.
func settled(t *template.Template) error {
	for _, f := range t.Functions {
		for _, name := range slices.Sorted(maps.Keys(f.Environment)) {
			if v := f.Environment[name]; strings.Contains(v, "${") {
				return fmt.Errorf("the variable %s of %s is %s, which this stack does not have", name, f.Name, v)
			}
		}
	}
	return nil
}

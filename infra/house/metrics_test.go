package house

import (
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/metric"
)

// metrics are all that the product counts.
var metrics = []string{
	metric.UploadsBegun, metric.UploadsReady, metric.UploadsFailed, metric.BytesReady, metric.TimeToReady, metric.QueueAge, metric.WebhookFailures,
}

func TestEveryMetricIsShownAndExplained(t *testing.T) {
	template, readme := string(read(t, "template.yaml")), string(read(t, "README.md"))
	for _, name := range metrics {
		if !strings.Contains(template, `"`+name+`"`) && !strings.Contains(template, `\"`+name+`\"`) {
			t.Errorf("the dashboard of template.yaml does not show %s", name)
		}
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("README.md does not explain %s", name)
		}
	}
	for _, s := range []string{metric.Objects, metric.Publish, metric.CleanUp, metric.Imports, metric.Webhooks, "`Service`", "`Reason`", "`Source`"} {
		if !strings.Contains(readme, "`"+strings.Trim(s, "`")+"`") {
			t.Errorf("README.md does not explain %s of the metrics", s)
		}
	}
	if !strings.Contains(template, `["`+metric.Namespace+`", "`+metric.UploadsBegun+`", "`+metric.Service+`", "${AWS::StackName}"`) {
		t.Errorf("the dashboard does not show the stack's own %s", metric.UploadsBegun)
	}
}

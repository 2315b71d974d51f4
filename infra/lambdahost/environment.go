package lambdahost

import (
	"path/filepath"
	"strconv"
	"time"
)

// environment is a function's own variables and those that Lambda sets, which no function overrides. AWS_EXECUTION_ENV is not among them:
// functions on an OS-only runtime have none.
func (p *pool) environment(api string) []string {
	f, o := p.function, p.host.options
	stream := time.Now().UTC().Format("2006/01/02/") + "[$LATEST]" + newID()
	return append(append([]string{"LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin"}, f.Env...),
		"_HANDLER=bootstrap",
		"AWS_REGION="+o.Region,
		"AWS_DEFAULT_REGION="+o.Region,
		"AWS_LAMBDA_FUNCTION_NAME="+f.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/"+f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME="+stream,
		"AWS_LAMBDA_RUNTIME_API="+api,
		"LAMBDA_TASK_ROOT="+filepath.Dir(f.Program),
		"LAMBDA_RUNTIME_DIR="+filepath.Dir(f.Program),
	)
}

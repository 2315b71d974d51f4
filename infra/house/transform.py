"""Prints what SAM makes of a template, as JSON. Usage: transform.py template.yaml [Parameter=value ...]"""

import json
import os
import sys

os.environ["AWS_DEFAULT_REGION"] = "us-east-1"  # SAM wants one; nothing is sent

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

with open(sys.argv[1], encoding="utf-8") as f:
    template = yaml_parse(f.read())
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"  # as after the upload of what was built
values = {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p}
values.update(a.split("=", 1) for a in sys.argv[2:])
print(json.dumps(Translator({}, Parser()).translate(template, values), default=str))

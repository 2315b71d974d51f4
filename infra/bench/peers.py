"""Read point clouds with numpy and pandas, and say how long it took.

    python infra/bench/peers.py < commands

A command is a line of JSON, {"reader": "pandas" or "numpy", "file": ..., "columns": ...}; its answer a line of JSON, {"points": ...,
"seconds": ...}. The libraries are loaded before the first command, so nothing is paid for their start.
"""

import json
import sys
import time

import numpy
import pandas


def with_numpy(file, columns):
    return len(numpy.loadtxt(file, usecols=range(columns), ndmin=2))


def with_pandas(file, columns):
    return len(pandas.read_csv(file, sep=" ", header=None, usecols=range(columns), engine="c"))


READERS = {"numpy": with_numpy, "pandas": with_pandas}


def main():
    for line in sys.stdin:
        command = json.loads(line)
        read = READERS[command["reader"]]
        began = time.perf_counter()
        points = read(command["file"], command["columns"])
        seconds = time.perf_counter() - began
        print(json.dumps({"points": points, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()

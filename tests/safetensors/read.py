#!/usr/bin/env python3
"""Reads a safetensors file by the published format and nothing else, and prints it as JSON: what test_app_resume.cpp
compares with Glocal's own reading. Numbers are printed with all their digits.

  tests/safetensors/read.py FILE
"""
import array
import json
import math
import struct
import sys

data = open(sys.argv[1], "rb").read()
(length,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8 : 8 + length])
numbers = data[8 + length :]
out = {"metadata": header.pop("__metadata__", {}), "tensors": {}}
for name, entry in header.items():
    begin, end = entry["data_offsets"]
    values = array.array({"F32": "f", "F64": "d", "I32": "i"}[entry["dtype"]], numbers[begin:end])
    assert len(values) == math.prod(entry["shape"]), name
    out["tensors"][name] = {"dtype": entry["dtype"], "shape": entry["shape"], "values": list(values)}
assert sum(end - begin for begin, end in (entry["data_offsets"] for entry in header.values())) == len(numbers)
json.dump(out, sys.stdout)

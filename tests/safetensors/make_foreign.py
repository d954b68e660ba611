#!/usr/bin/env python3
"""Writes foreign.safetensors: a file of the published safetensors format by nothing but struct and json.

The format (https://github.com/huggingface/safetensors, "Format"): u64 length of the header, a JSON header of
{"NAME": {"dtype", "shape", "data_offsets"}, "__metadata__": {text: text}}, then the data, little-endian, without holes.
The numbers expected are in tests/test_core_safetensors.cpp.
"""
import json
import pathlib
import struct

TENSORS = [  # in the order of the data, which is not that of the header
    ("wide", "F64", [2, 2], struct.pack("<4d", 0.1, -2.5, 1e300, -0.0)),
    ("ids", "I64", [3], struct.pack("<3q", -(2**31), 0, 2**31 - 1)),
    ("caf\u00e9 \"q\" \\ \U0001f642", "F32", [1, 3], struct.pack("<3f", 1.5, -0.25, 3.0)),
    ("empty", "F32", [0, 7], b""),
    ("scalar", "I32", [], struct.pack("<i", -7)),
    ("half", "F16", [5], struct.pack("<5e", 1.0, -2.0, 65504.0, 6e-8, float("inf"))),
    ("brain", "BF16", [2], struct.pack("<2H", 0x3F80, 0xC0A0)),  # 1 and -5
    ("bytes", "U8", [4], bytes([0, 1, 128, 255])),
    ("flags", "BOOL", [2], bytes([1, 0])),
    ("small", "I8", [2], struct.pack("<2b", -128, 127)),
]

header, data = {}, b""
for name, dtype, shape, numbers in TENSORS:
    header[name] = {"shape": shape, "data_offsets": [len(data), len(data) + len(numbers)], "dtype": dtype}
    data += numbers
header = dict(reversed(header.items()))
header["__metadata__"] = {"format": "pt", "by": "somebody \u2014 else", "\n": ""}
text = json.dumps(header).encode()  # ASCII with \u escapes and surrogate pairs
text += b" " * (-len(text) % 8)
path = pathlib.Path(__file__).with_name("foreign.safetensors")
path.write_bytes(struct.pack("<Q", len(text)) + text + data)
print(f"{path.name}: {path.stat().st_size} bytes")

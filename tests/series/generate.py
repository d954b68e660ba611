#!/usr/bin/python3
"""Writes tables by numpy.savetxt beside this file, and what numpy.loadtxt reads in them as .npy.

Debian: apt-get install python3-numpy; made with numpy 1.24.2.
"""
import pathlib

import numpy

HERE = pathlib.Path(__file__).parent
ROWS = numpy.array(
    [
        [0.1, -2.5e-7, 1e300],
        [1 / 3, 12345.678, -0.0],
        [-7.25, 5e-324, 2.2250738585072014e-308],
        [1e-5, 1e16, 123456789.123456789],
        [3.0, -1.0, 0.5],
    ]
)
WAYS = {
    "default": {},
    "comma": {"delimiter": ","},
    "semicolon": {"delimiter": ";"},
    "tab": {"delimiter": "\t"},
    "wide": {"delimiter": " , "},
    "short": {"fmt": "%.6g"},
    "shortest": {"fmt": "%r", "delimiter": ","},
    "fixed": {"fmt": "%12.4f"},
    "signed": {"fmt": "%+.3e"},
    "capital": {"fmt": "%.10G", "delimiter": "\t"},
    "mixed": {"fmt": ["%.3f", "%g", "%.17e"], "delimiter": ","},
    "commented": {"header": "t x y\nmade by numpy", "footer": "the end"},
    "crlf": {"newline": "\r\n", "delimiter": ","},
    "percent": {"header": "t x y", "comments": "% "},
}

for name, way in WAYS.items():
    path = HERE / f"{name}.txt"
    numpy.savetxt(path, ROWS, **way)
    read = numpy.loadtxt(path, delimiter=(way.get("delimiter") or " ").strip(" ") or None, comments=["#", "%"])
    numpy.save(path.with_suffix(".npy"), read)
path = HERE / "column.txt"
numpy.savetxt(path, ROWS[:, 1])
numpy.save(path.with_suffix(".npy"), numpy.loadtxt(path))

#!/usr/bin/python3
"""Writes kinds.npz beside this file: every element type of numpy in both byte orders, C and Fortran order, and versions
1 to 3 of the format, each beside the numbers it stands for; and what is refused. Debian: apt-get install python3-numpy.
"""
import io
import pathlib
import warnings
import zipfile

import numpy

HERE = pathlib.Path(__file__).parent


def npy(array, version=None):
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions that others may not read
        numpy.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def values(kind):
    """A (3, 4) table with the ends of the type's range, as far as they fit the type it becomes."""
    if kind == "b1":
        return numpy.arange(12).reshape(3, 4) % 3 == 0
    if kind[0] == "f":
        info = numpy.finfo(kind)
        ends = [info.max, info.min, info.tiny, info.smallest_subnormal, numpy.inf, -numpy.inf, numpy.nan, -0.0]
        return numpy.array(ends + [1 / 3, -2.5, 1e-3, 7], dtype=kind).reshape(3, 4)
    low, high = max(numpy.iinfo(kind).min, -(2**31)), min(numpy.iinfo(kind).max, 2**31 - 1)
    return numpy.array([low, high, low + 1, high - 1, 0, 1, 2, 3, 100, 101, 102, 103], dtype=kind).reshape(3, 4)


members = {}
for kind in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]:
    table = values(kind)
    members[f"{kind} wanted"] = npy(table.astype("f4" if kind == "f2" else kind if kind[0] == "f" else "i4"))
    for order in "<>":
        swapped = table.astype(table.dtype.newbyteorder(order))
        for layout in "CF":
            for version in [1, 2, 3]:
                array = numpy.asfortranarray(swapped) if layout == "F" else swapped
                members[f"{kind} {order}{layout}{version}"] = npy(array, (version, 0))
cube = numpy.arange(24, dtype=">i2").reshape(2, 3, 4)
members["cube wanted"] = npy(cube.astype("i4"))
members["cube F"] = npy(numpy.asfortranarray(cube))
members["scalar wanted"] = npy(numpy.array(-7, "i4"))
members["scalar u"] = npy(numpy.array(-7, "i1"))
for name, array in {
    "complex numbers": numpy.zeros(2, "c16"),
    "complex numbers (big)": numpy.zeros(2, ">c8"),
    "text": numpy.array(["a", "bc"]),
    "text (bytes)": numpy.array([b"a", b"bc"]),
    "Python objects": numpy.array([1, "a"], dtype=object),
    "dates": numpy.array(["2020-01-01"], dtype="M8[D]"),
    "durations": numpy.array([1], dtype="m8[s]"),
    "raw bytes": numpy.zeros(2, "V3"),
    "a structured array": numpy.zeros(2, [("t", "f8"), ("x", "f4", 3)]),
    "long doubles": numpy.zeros(2, numpy.longdouble),
    "found 2147483648": numpy.array([1, 2**31]),
    "found 4294967295": numpy.array([2**32 - 1], dtype="u4"),
    "found 18446744073709551615": numpy.array([2**64 - 1], dtype=">u8"),
}.items():
    members["refused: " + name] = npy(array)

with zipfile.ZipFile(HERE / "kinds.npz", "w") as file:
    for name, content in members.items():
        file.writestr(zipfile.ZipInfo(name + ".npy", (2000, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 9)

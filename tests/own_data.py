#!/usr/bin/python3
# Files of the kinds that numpy, scipy, PIL and ImageMagick write, read by `glocal data save`: each must come out as the
# program that wrote it has it, number for number, or be refused with exit code 3 and words that name what is wrong.
#   tests/own_data.py <glocal> [--list]
# Prints [skipped] and a reason where the modules or ImageMagick are missing.
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    import numpy as np
    import scipy.io
    from PIL import Image
except ImportError as missing:
    print(f"[skipped] {missing}; apt-get install python3-numpy python3-scipy python3-pil")
    sys.exit(0)
if not shutil.which("convert"):
    print("[skipped] no ImageMagick; apt-get install imagemagick")
    sys.exit(0)

glocal = str(pathlib.Path(sys.argv[1]).resolve())
random = np.random.default_rng(18)
N, TEST = 24, 12
cases = []  # (name, function that writes into a folder and says what must come out)


def case(name):
    def add(make):
        cases.append((name, make))
        return make

    return add


def read(data, folder, *flags):
    """What Glocal reads, as arrays, or its words of refusal."""
    out = folder / "read.npz"
    done = subprocess.run([glocal, "data", "save", data, "-o", str(out), *flags], capture_output=True, text=True,
                          cwd=folder, timeout=600)
    if done.returncode == 0:
        with np.load(out) as arrays:
            return {name: arrays[name] for name in arrays.files}, ""
    if done.returncode not in (2, 3) or not done.stderr.startswith("glocal: error: ["):
        return None, f"exit code {done.returncode}: {done.stderr.strip()}"
    return {}, done.stderr.strip()


def labels(count, classes=3):
    y = np.arange(count) % classes
    random.shuffle(y)
    return y


class Expect:
    """x (N, C, H, W) and y of both parts; or `refused`, words that must be said."""

    def __init__(self, data, x=None, y=None, x_test=None, y_test=None, refused=None, flags=()):
        self.data, self.refused, self.flags = data, refused, flags
        self.arrays = {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}

    def check(self, folder):
        found, words = read(self.data, folder, *self.flags)
        if found is None:
            return words
        if self.refused is not None:
            if found:
                return "was read and should have been refused"
            return "" if self.refused in words else f"expected {self.refused!r} in {words!r}"
        if not found:
            return words
        for name, wanted in self.arrays.items():
            if wanted is None:
                continue
            wanted = np.asarray(wanted)
            if found[name].shape != wanted.shape:
                return f"{name}: expected shape {wanted.shape}, found {found[name].shape}"
            if not np.array_equal(found[name], wanted):
                return f"{name}: other numbers"
        return ""


# ---- numpy ----------------------------------------------------------------------------------------------------------

SHAPES = {"nhw": ((7, 9), lambda x: x[:, None]), "nhwc": ((7, 9, 3), lambda x: x.transpose(0, 3, 1, 2)),
          "nchw": ((3, 7, 9), lambda x: x), "nhw1": ((7, 9, 1), lambda x: x.transpose(0, 3, 1, 2)),
          "n4hw": ((4, 9, 7), lambda x: x), "n10hw": ((10, 16, 16), lambda x: x),
          "nhw10": ((16, 16, 10), lambda x: x.transpose(0, 3, 1, 2))}
TYPES = ["u1", "i2", "u2", "i4", "i8", "u8", "f2", "f4", "f8", ">f4", ">i2", ">f8", "?", "i1"]


def numbers(shape, dtype):
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return random.normal(0, 3, shape).astype(kind)
    if kind.kind == "b":
        return random.integers(0, 2, shape).astype(kind)
    if kind.itemsize == 1 and kind.kind == "u":
        return random.integers(0, 256, shape).astype(kind)
    return random.integers(-100 if kind.kind == "i" else 0, 127 if kind.itemsize == 1 else 1000, shape).astype(kind)


KERAS = ("x_train", "y_train", "x_test", "y_test")


def npz_case(name, layout, dtype, save=np.savez, order="C", y_type="i8", names=KERAS):
    @case(name)
    def make(folder):
        shape, to = SHAPES[layout]
        x, t = numbers((N,) + shape, dtype), numbers((TEST,) + shape, dtype)
        y, s = labels(N), labels(TEST)
        arrays = [np.asarray(x, order=order), y.astype(y_type), np.asarray(t, order=order), s.astype(y_type)]
        save(folder / "d.npz", **dict(zip(names, arrays)))
        f32 = (lambda a: a.astype("f4")) if np.dtype(dtype).kind == "f" else (lambda a: a)
        return Expect("npz:d.npz", f32(to(x)), y, f32(to(t)), s)


for layout in SHAPES:
    for dtype in ("u1", "f4"):
        npz_case(f"npz {layout} {dtype}", layout, dtype)
for dtype in TYPES:
    npz_case(f"npz nhw {dtype}", "nhw", dtype)
    npz_case(f"npz nhwc {dtype} compressed", "nhwc", dtype, save=np.savez_compressed)
for dtype in ("u1", "f8", "i4", ">f4"):
    npz_case(f"npz nchw {dtype} Fortran order", "nchw", dtype, order="F")
    npz_case(f"npz nhwc {dtype} Fortran order", "nhwc", dtype, order="F")
for y_type in ("u1", "i1", "i2", "u2", "i4", "u4", "u8", ">i4", ">i8"):
    npz_case(f"npz labels {y_type}", "nhw", "u1", y_type=y_type)
npz_case("npz names of MedMNIST", "nhwc", "u1", names=("train_images", "train_labels", "test_images", "test_labels"))
npz_case("npz capital X", "nhw", "f4", names=("X_train", "y_train", "X_test", "y_test"))
npz_case("npz x and y with x_test", "nhw", "u1", names=("x", "y", "x_test", "y_test"))


def own(name, refused=None, flags=(), **arrays):
    """arrays as they are; what comes out is checked where `want` says so."""
    want = arrays.pop("want", {})
    save = arrays.pop("save", np.savez)

    @case(name)
    def make(folder):
        save(folder / "d.npz", **arrays)
        return Expect("npz:d.npz", refused=refused, flags=flags, **want)


X, Y, F = numbers((N, 7, 9), "u1"), labels(N), random.normal(0, 1, (N, 5))
SQUARE = numbers((N, 3, 8, 3), "u1")
own("npz labels mapped", x=X, y=np.array([-5, 7, 1000])[Y], x_test=X, y_test=np.array([-5, 7, 1000])[Y],
    want=dict(x=X[:, None], y=Y))
own("npz labels from 1", x=X, y=Y + 1, x_test=X[:3], y_test=Y[:3] + 1, want=dict(y=Y, y_test=Y[:3]))
own("npz labels with a gap", x=X, y=Y * 2, x_test=X, y_test=Y * 2, want=dict(y=Y))
own("npz labels true and false", x=X, y=Y > 0, x_test=X, y_test=Y > 0, want=dict(y=(Y > 0) * 1))
own("npz labels as a column", x=X, y=Y[:, None], x_test=X, y_test=Y[:, None], want=dict(y=Y))
own("npz no test part", x=X, y=Y)
own("npz rows of floats", x=F, y=Y, x_test=F, y_test=Y, want=dict(x=F.astype("f4")[:, :, None, None]))
own("npz rows of bytes", x=X.reshape(N, -1), y=Y, x_test=X.reshape(N, -1), y_test=Y,
    want=dict(x=X.reshape(N, 1, 1, -1)))
own("npz two layouts fit", "--layout nchw or nhwc", x=SQUARE, y=Y)
own("npz two layouts fit, nhwc", flags=("--layout", "nhwc"), x=SQUARE, y=Y, x_test=SQUARE, y_test=Y,
    want=dict(x=SQUARE.transpose(0, 3, 1, 2)))
own("npz two layouts fit, nchw", flags=("--layout", "nchw"), x=SQUARE, y=Y, x_test=SQUARE, y_test=Y,
    want=dict(x=SQUARE))
own("npz five axes", "expected (N, H, W)", x=numbers((N, 2, 3, 4, 5), "u1"), y=Y)
own("npz one axis", "expected (N, H, W)", x=numbers((N,), "u1"), y=Y)
own("npz no axis", "expected (N, H, W)", x=np.float32(3), y=Y)
own("npz empty x", "at least 1", x=np.zeros((0, 7, 9), "u1"), y=np.zeros(0, int))
own("npz an image of no pixels", "at least 1", x=np.zeros((N, 0, 9), "u1"), y=Y)
own("npz NaN", "finite", x=np.full((N, 3, 3), np.nan), y=Y)
own("npz infinity", "finite", x=np.full((N, 3, 3), np.inf, "f4"), y=Y)
own("npz beyond f32", "finite", x=np.full((N, 3, 3), 1e300), y=Y)
own("npz complex", "complex", x=np.zeros((N, 3, 3), complex), y=Y)
own("npz long double", "long doubles", x=np.zeros((N, 3, 3), np.longdouble), y=Y)
own("npz text labels", "text", x=X, y=np.array(["cat", "dog", "cow"])[Y])
own("npz byte string labels", "text", x=X, y=np.array([b"a", b"b", b"c"])[Y])
own("npz object labels", "Python objects", x=X, y=np.array(list("abc"), object)[Y])
own("npz dates", "dates", x=X, y=np.full(N, np.datetime64("2026-01-01")))
own("npz structured", "structured", x=np.zeros((N,), [("a", "f4"), ("b", "i4")]), y=Y)
own("npz float labels", "integer type", x=X, y=Y.astype(float))
own("npz one-hot labels", "argmax", x=X, y=np.eye(3, dtype=int)[Y])
own("npz labels beyond i32", "fits i32", x=X, y=Y + 2**40)
own("npz fewer labels", "one per image", x=X, y=Y[:-1])
own("npz one class", "at least two classes", x=X, y=Y * 0)
own("npz a new label in the test part", "none of the training part's", x=X, y=Y, x_test=X, y_test=Y + 1)
own("npz test images of another size", "as in the training part", x=X, y=Y, x_test=X[:, :5], y_test=Y)
own("npz test images of another type", "scales may differ", x=X, y=Y, x_test=X / 255, y_test=Y)
own("npz arrays without names", "savez", a=X, b=Y)
own("npz x alone", "beside x", x=X)
own("npz x_test without y_test", "beside x_test", x=X, y=Y, x_test=X)
own("npz x and x_train", "both there", x=X, y=Y, x_train=X, y_train=Y)
own("npz too few images", "at least 6", x=X[:5], y=Y[:5] * 0 + [0, 1, 0, 1, 0])
own("npz other arrays", x=X, y=Y, x_val=X, y_val=Y, note=np.array("hello"), x_test=X, y_test=Y, want=dict(y=Y))
own("npz an all black set, compressed", x=np.zeros((4000, 28, 28), "u1"), y=labels(4000), save=np.savez_compressed,
    x_test=np.zeros((4, 28, 28), "u1"), y_test=labels(4), want=dict(x_test=np.zeros((4, 1, 28, 28))))
MSE = ("--loss", "mse")
T = random.normal(50, 9, N)
own("npz target", flags=MSE, x=F, y=T, x_test=F, y_test=T, want=dict(y=T.astype("f4")[:, None]))
own("npz target f4", flags=MSE, x=X, y=T.astype("f4"), x_test=X, y_test=T.astype("f4"),
    want=dict(x=X[:, None], y=T.astype("f4")[:, None]))
own("npz target of three", flags=MSE, x=F, y=F[:, :3], x_test=F, y_test=F[:, :3], want=dict(y=F[:, :3].astype("f4")))
own("npz target of whole numbers", flags=MSE, x=F, y=Y, x_test=F, y_test=Y, want=dict(y=Y[:, None]))
own("npz target that is constant", "nothing to learn", flags=MSE, x=F, y=T * 0 + 4)
own("npz target with NaN", "finite", flags=MSE, x=F, y=np.where(T > 50, np.nan, T))
own("npz target of three axes", "(N, D)", flags=MSE, x=F, y=numbers((N, 2, 2), "f4"))
own("npz targets of two lengths", "numbers per image", flags=MSE, x=F, y=F, x_test=F, y_test=F[:, :2])


def broken(name, refused, change):
    @case(name)
    def make(folder):
        np.savez(folder / "d.npz", x=X, y=Y)
        path = folder / "d.npz"
        path.write_bytes(change(path.read_bytes()))
        return Expect("npz:d.npz", refused=refused)


broken("npz cut short", "[npz]", lambda b: b[: len(b) // 2])
broken("npz a changed byte", "crc", lambda b: b[:300] + bytes([b[300] ^ 1]) + b[301:])
broken("npz empty file", "[npz]", lambda b: b"")
broken("npz bytes after the end", "end record", lambda b: b + b"xx")
broken("npz a web page", "web page", lambda b: b"<html>not found</html>")


@case("npz is a .npy")
def _(folder):
    np.save(folder / "d.npy", X)
    return Expect("npz:d.npy", refused="single array")


@case("npz is not there")
def _(folder):
    return Expect("npz:nowhere.npz", refused="is not there")


@case("npz is a folder")
def _(folder):
    return Expect("npz:.", refused="expected a file, found a folder")


# ---- IDX ------------------------------------------------------------------------------------------------------------

def idx(array, kind=8):
    return bytes([0, 0, kind, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


def idx_case(name, names, pack=lambda b: b, ending="", refused=None, change=lambda files: files, want=True, offset=0):
    @case(name)
    def make(folder):
        arrays = [X, (Y + offset).astype("u1"), X[:TEST], (Y[:TEST] + offset).astype("u1")][: len(names)]
        files = change(dict(zip(names, [idx(a) for a in arrays])))
        for file, payload in files.items():
            (folder / (file + ending)).write_bytes(pack(payload))
        full = want and len(names) == 4 and not refused
        return Expect("idx:.", *((X[:, None], Y, X[:TEST, None], Y[:TEST]) if full else ()), refused=refused)


MNIST = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


def gz(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


idx_case("idx as MNIST", MNIST)
idx_case("idx gzip", MNIST, gz, ".gz")
idx_case("idx labels from 1", MNIST, offset=1)
idx_case("idx of EMNIST's names", [n.replace("t10k", "test") for n in MNIST])
idx_case("idx without test", MNIST[:2])
idx_case("idx without parts' names", ["images.idx", "labels.idx"])
idx_case("idx without labels", MNIST[:1], refused="labels of the training part")
idx_case("idx cut short", MNIST, refused="truncated", change=lambda f: {k: v[:-1] for k, v in f.items()})
idx_case("idx too long", MNIST, refused="too long", change=lambda f: {k: v + b"x" for k, v in f.items()})
idx_case("idx floats", MNIST, refused="magic", change=lambda f: {k: v[:2] + b"\x0d" + v[3:] for k, v in f.items()})
idx_case("idx gzip cut short", MNIST, lambda b: gz(b)[:-9], ".gz", refused="truncated")
idx_case("idx of two sets", MNIST[:2] + ["b-train-images", "b-train-labels"], refused="expected one of")
idx_case("idx of no files", [], refused="found none")

# ---- pictures: PIL and ImageMagick ----------------------------------------------------------------------------------

PICTURES, SIDE = 8, (12, 10)  # width, height


def photo(mode):
    """A smooth picture with noise, as PIL has it."""
    w, h = SIDE
    ramp = np.linspace(0, 200, w)[None, :, None] + np.linspace(0, 40, h)[:, None, None]
    rgb = np.clip(ramp + random.normal(0, 9, (h, w, 3)), 0, 255).astype("u1")
    return Image.fromarray(rgb).convert(mode)


def planes(image):
    """(C, H, W) as PIL decodes it: grey or red, green, blue."""
    grey = image.mode in ("L", "1", "LA", "I;16", "I")
    array = np.asarray(image.convert("L" if grey else "RGB"))
    return array[None] if grey else array.transpose(2, 0, 1)


def pictures(name, write, ending, refused=None, decode=lambda file: planes(Image.open(file)), colour=None):
    """write(file, i) makes a picture; what PIL reads is what must come out."""

    @case(name)
    def make(folder):
        x, y = [], []
        for part in ("train", "test"):
            for i in range(PICTURES):
                at = folder / "d" / part / ("ab"[i % 2])
                at.mkdir(parents=True, exist_ok=True)
                write(at / f"{i:02}{ending}", i)
        if refused:
            return Expect("images:d", refused=refused)
        for part in ("train", "test"):
            for label, letter in enumerate("ab"):
                for file in sorted((folder / "d" / part / letter).iterdir()):
                    x.append(decode(file))
                    y.append(label)
        most = max(p.shape[0] for p in x)
        x = np.stack([np.repeat(p, most // p.shape[0], axis=0) for p in x])
        return Expect("images:d", x[:PICTURES], y[:PICTURES], x[PICTURES:], y[PICTURES:])


def pil(mode, **options):
    return lambda file, i: photo(mode).save(file, **options)


for mode in ("L", "RGB", "1", "P"):
    pictures(f"png {mode} by PIL", pil(mode), ".png")
for mode in ("L", "RGB"):
    pictures(f"png {mode} optimised", pil(mode, optimize=True), ".png")
    for quality in (20, 75, 95):
        pictures(f"jpeg {mode} quality {quality}", pil(mode, quality=quality), ".jpg")
    pictures(f"jpeg {mode} progressive", pil(mode, progressive=True), ".jpeg")
    pictures(f"jpeg {mode} optimised", pil(mode, optimize=True), ".JPG")
for name, sampling in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
    pictures(f"jpeg {name}", pil("RGB", subsampling=sampling), ".jpg")
for bits in (1, 2, 4):
    pictures(f"png palette of {bits} bits", lambda f, i, b=bits: photo("RGB").quantize(2**b).save(f, bits=b), ".png")


def opaque(mode, alpha):
    def write(file, i):
        image = photo(mode[:-1])
        image.putalpha(alpha)
        image.save(file)

    return write


pictures("png LA opaque", opaque("LA", 255), ".png")
pictures("png RGBA opaque", opaque("RGBA", 255), ".png")
pictures("png RGBA half transparent", opaque("RGBA", 100), ".png", refused="is transparent")
pictures("png LA transparent", opaque("LA", 0), ".png", refused="is transparent")
def with_key(mode, colour):
    def write(file, i):
        image = photo(mode)
        image.save(file, transparency=colour or image.getpixel((0, 0)))

    return write


pictures("png palette with a transparent colour", with_key("P", None), ".png", refused="transparent")
pictures("png RGB with an unused transparent colour", with_key("RGB", (1, 2, 254)), ".png")
pictures("jpeg CMYK", pil("CMYK"), ".jpg", refused="CMYK")
pictures("jpeg called .png", lambda f, i: photo("RGB").save(f, "JPEG"), ".png")
pictures("png called .jpg", lambda f, i: photo("RGB").save(f, "PNG"), ".jpg")
pictures("grey among colour", lambda f, i: photo("L" if i % 3 == 0 else "RGB").save(f), ".png")
pictures("grey among colour, jpeg", lambda f, i: photo("L" if i < 3 else "RGB").save(f), ".jpg")
for ending in (".gif", ".bmp", ".tiff", ".webp", ".ppm"):
    pictures(f"pictures {ending}", pil("RGB"), ending, refused="mogrify -format png")


def deep(file, i):
    w, h = SIDE
    Image.fromarray(random.integers(0, 65536, (h, w)).astype("u2")).save(file)


def rounded(file):
    array = np.asarray(Image.open(file)).astype(np.int64)
    return ((array * 255 + 32767) // 65535)[None]


pictures("png 16 bits grey", deep, ".png", decode=rounded)


def magick(*arguments):
    def write(file, i):
        source = file.parent.parent.parent.parent / "source.png"
        photo("RGB").save(source)
        # Where a colour type does not fit, it says so and writes another one.
        subprocess.run(["convert", source, *arguments, str(file)], check=True, stderr=subprocess.DEVNULL)

    return write


for arguments in (("-colorspace", "Gray"), ("-depth", "8"), ("-interlace", "PNG"), ("-type", "Palette"),
                  ("-type", "Bilevel"), ("-colors", "4"), ("-quality", "05"), ("-quality", "95"), ("-strip",),
                  ("-define", "png:color-type=2"), ("-define", "png:color-type=3"), ("-define", "png:color-type=0"),
                  ("-define", "png:color-type=6"), ("-define", "png:color-type=4"), ("-gamma", "2"),
                  ("-define", "png:bit-depth=4", "-colors", "16"), ("-density", "300")):
    pictures(f"png by ImageMagick {' '.join(arguments)}", magick(*arguments), ".png")
for arguments in (("-quality", "50"), ("-interlace", "JPEG"), ("-sampling-factor", "4:2:0"),
                  ("-sampling-factor", "4:4:4"), ("-sampling-factor", "2x1"), ("-colorspace", "Gray"),
                  ("-define", "jpeg:optimize-coding=off"), ("-density", "300"), ("-strip",), ("-comment", "a note"),
                  ("-quality", "100"), ("-blur", "3")):
    pictures(f"jpeg by ImageMagick {' '.join(arguments)}", magick(*arguments), ".jpg")
pictures("jpeg by ImageMagick CMYK", magick("-colorspace", "CMYK"), ".jpg", refused="CMYK")
pictures("png by ImageMagick 16 bits", magick("-depth", "16", "-define", "png:bit-depth=16", "-colorspace", "Gray"),
         ".png", decode=rounded)
pictures("png by ImageMagick transparent",
         magick("-transparent", "white", "-alpha", "set", "-channel", "A", "-evaluate", "set", "40%"), ".png",
         refused="transparent")


def spoiled(name, refused, change, ending=".png", mode="RGB"):
    def write(file, i):
        photo(mode).save(file)
        if i == 5:
            file.write_bytes(change(file.read_bytes()))

    pictures(name, write, ending, refused=refused)


spoiled("png cut short", "no whole PNG", lambda b: b[:-20])
spoiled("png a changed byte", "no whole PNG", lambda b: b[:60] + bytes([b[60] ^ 255]) + b[61:])
spoiled("png of no bytes", "expected a PNG or JPEG", lambda b: b"")
spoiled("png is text", "expected a PNG or JPEG", lambda b: b"hello")
spoiled("png promises a huge picture", "more than", lambda b: huge_png())
spoiled("jpeg cut short", "no whole JPEG", lambda b: b[: len(b) // 2], ".jpg")
spoiled("jpeg of no bytes", "expected a PNG or JPEG", lambda b: b"", ".jpg")
spoiled("jpeg is a web page", "web page", lambda b: b"<html>", ".jpg")
spoiled("jpeg without its tables", "no whole JPEG", lambda b: b[:20] + b[40:], ".jpg")


def huge_png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"0" * 99)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data


def sized(file, i):
    photo("RGB").resize((12, 11) if i == 6 else SIDE).save(file)


pictures("pictures of two sizes", sized, ".png", refused="06.png: expected 12 x 10 pixels as in")


@case("pictures without classes")
def _(folder):
    photo("RGB").save(folder / "a.png")
    return Expect("images:.", refused="beside the folders of the classes")


@case("pictures of one class")
def _(folder):
    (folder / "d" / "a").mkdir(parents=True)
    photo("RGB").save(folder / "d" / "a" / "a.png")
    return Expect("images:d", refused="at least 2")


@case("pictures: a class without any")
def _(folder):
    for letter in "ab":
        (folder / "d" / letter).mkdir(parents=True)
    photo("RGB").save(folder / "d" / "a" / "a.png")
    return Expect("images:d", refused="found none")


# ---- SVHN: scipy ----------------------------------------------------------------------------------------------------

def mat_case(name, refused=None, count=26032, y_type="u1", change=lambda b: b, **options):
    @case(name)
    def make(folder):
        x = random.integers(0, 256, (32, 32, 3, count), "u1")
        y = random.integers(1, 11, (count, 1)).astype(y_type)
        arrays = {"X": x, "y": y}
        arrays.update(options.get("arrays", {}))
        path = folder / "test_32x32.mat"
        scipy.io.savemat(path, arrays, do_compression=options.get("packed", False))
        path.write_bytes(change(path.read_bytes()))
        train = folder / "train_32x32.mat"
        scipy.io.savemat(train, {"X": np.zeros((32, 32, 3, 73257), "u1"), "y": np.full((73257, 1), 10, "u1")},
                         do_compression=True)
        want = dict(x_test=x.transpose(3, 2, 0, 1), y_test=y[:, 0] % 10)
        return Expect("svhn", refused=refused, flags=("--data-dir", "."), **({} if refused else want))


mat_case("svhn by scipy")
mat_case("svhn by scipy, compressed, labels f8", y_type="f8", packed=True)
mat_case("svhn of another count", refused="expected the 26032 images", count=10)
mat_case("svhn cut short", refused="truncated", change=lambda b: b[:-9])
mat_case("svhn label 0", refused="expected 1 to 10", arrays={"y": np.zeros((26032, 1), "u1")})
mat_case("svhn of floats", refused="expected bytes", arrays={"X": np.zeros((4, 4, 3, 2))})
mat_case("svhn of text", refused="found text", arrays={"X": "text"})
mat_case("svhn complex", refused="complex", arrays={"X": np.zeros((2, 2), complex)})


def main():
    if "--list" in sys.argv:
        print("\n".join(name for name, _ in cases))
    failed, refused = [], 0
    os.environ["GLOCAL_THREADS"] = "1"
    for name, make in cases:
        with tempfile.TemporaryDirectory() as folder:
            expect = make(pathlib.Path(folder))
            problem = expect.check(pathlib.Path(folder))
            refused += expect.refused is not None
        if problem:
            failed.append(name)
            print(f"{name}: {problem}")
    print(f"{len(cases)} files and folders: {len(cases) - refused - len(failed)} read to the number, {refused} refused "
          f"in words, {len(failed)} wrong")
    return bool(failed)


sys.exit(main())

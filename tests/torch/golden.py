"""What goldens are made of: numbers by an exact formula, digests of results, files that are the same each time."""
import io
import zipfile

import numpy as np
import torch

torch.set_num_threads(1)
torch.manual_seed(0)

MASK = 0xFFFFFFFF


def words(seed, n):
    """Word i is a 32-bit hash of (seed, i): integers only, so that C++ makes the same ones."""
    x = (np.arange(n, dtype=np.uint64) * 0x9E3779B1 + seed * 0x85EBCA77 + 0x165667B1) & MASK
    x ^= x >> 15
    x = (x * 0x2C1B3C6D) & MASK
    x ^= x >> 12
    x = (x * 0x297A2D39) & MASK
    return x ^ (x >> 15)


def signed(seed, shape):
    """Multiples of 2^-21 in [-1, 1)."""
    n = int(np.prod(shape, dtype=np.int64))
    return torch.from_numpy((words(seed, n) >> 10).astype(np.float64) / 2**21 - 1).reshape(tuple(shape))


def spread(seed, shape, low, span):
    """Numbers (low + span k / 2^14) / 8 with whole low, span, k: exact in single precision too."""
    n = int(np.prod(shape, dtype=np.int64))
    k = (words(seed, n) >> 18).astype(np.float64)
    return torch.from_numpy((low + span * k / 2**14) / 8).reshape(tuple(shape))


WHOLE, SAMPLED, PROJECTIONS = 12, 4, 3


def digest(x, seed):
    """A small tensor itself; of a large one, four of its numbers and three weighted sums of all."""
    flat = (torch.zeros(x.shape, dtype=torch.float64) + x.detach()).reshape(-1).numpy()  # some zeros own no memory
    if flat.size <= WHOLE:
        return list(flat)
    picked = [flat[int(w) % flat.size] for w in words(seed, SAMPLED)]
    return picked + [float(np.dot(signed(seed + r, flat.shape).numpy(), flat)) for r in range(1, PROJECTIONS + 1)]


def shape_text(shape):
    return ",".join(str(int(n)) for n in shape)


def save(path, arrays):
    """A deflated .npz without the time of day in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in sorted(arrays.items()):
            if isinstance(array, str):
                array = np.frombuffer(array.encode(), dtype=np.uint8)
            stream = io.BytesIO()
            np.save(stream, np.ascontiguousarray(array))
            archive.writestr(
                zipfile.ZipInfo(name + ".npy", (2000, 1, 1, 0, 0, 0)), stream.getvalue(), zipfile.ZIP_DEFLATED, 9
            )


class Cases:
    """Calls of one function each: a line of text that says what to run, and digests of what PyTorch gave."""

    def __init__(self, base):
        self.lines, self.numbers, self.integers, self.base = [], [], [], base

    def seed(self):
        return 64 * (self.base + len(self.lines))

    def add(self, name, op, params, inputs, integers, f, plain=False, modes=None):
        """inputs: (shape, low, span, differentiable); f takes tensors of these and gives a tensor or several.
        Raises ValueError when PyTorch's result is not finite."""
        seed = self.seed()
        x = [spread(seed + j, shape, low, span) for j, (shape, low, span, _) in enumerate(inputs)]
        wanted = [j for j, i in enumerate(inputs) if i[3]]

        def run(*leaves):
            full = [t.clone() for t in x]
            for j, leaf in zip(wanted, leaves):
                full[j] = leaf
            y = f(*full)
            return [t for t in (y if isinstance(y, (tuple, list)) else [y])]

        leaves = [x[j].clone().requires_grad_(not plain) for j in wanted]
        y = run(*leaves)
        if not plain:
            y = [t for t in y if t.is_floating_point()]
        expected = []
        if plain:
            expected = [t.double() for t in y]
        else:
            v = [signed(seed + 16 + j, x[j].shape) for j in wanted]
            gy = [signed(seed + 32 + k, t.shape) for k, t in enumerate(y)]
            gx = derivative(sum((a * b).sum() for a, b in zip(gy, y)), leaves)
            hv = derivative(sum((a * b).sum() for a, b in zip(gx, v)), leaves)
            dy = tangents(run, leaves, v)
            for a, b in zip(y, dy):
                expected += [a, b]
            for a, b in zip(gx, hv):
                expected += [a, b]
        if not all(bool(torch.isfinite(t).all()) for t in expected):
            raise ValueError("not finite in PyTorch")
        numbers = [n for k, t in enumerate(expected) for n in digest(t, seed + 48)]
        line = [name, op]
        line += [f"{k}={v if isinstance(v, str) else ','.join(repr(n) for n in v)}" for k, v in params.items()]
        line += [f"{'t' if d else 'c'}={shape_text(s)}:{lo}:{span}" for s, lo, span, d in inputs]
        line += [f"i={shape_text(t.shape)}" for t in integers]
        line += [f"o={shape_text(t.shape)}" for t in y] + (["plain=1"] if plain else [])
        self.lines.append(" ".join(line))
        self.numbers += numbers
        for t in integers:
            self.integers += [int(n) for n in t.reshape(-1)]

    def arrays(self, prefix=""):
        return {
            prefix + "cases": "\n".join(self.lines),
            prefix + "numbers": np.array(self.numbers, np.float64),
            prefix + "integers": np.array(self.integers, np.int32),
        }


def derivative(scalar, leaves):
    """d scalar / d leaves, differentiable again; zeros where nothing depends on a leaf."""
    if not leaves or not torch.is_tensor(scalar) or not scalar.requires_grad:
        return [torch.zeros_like(t) for t in leaves]
    got = torch.autograd.grad(scalar, leaves, create_graph=True, allow_unused=True)
    return [torch.zeros_like(t) if g is None else g for g, t in zip(got, leaves)]


forward_mode = {"dual": 0, "double_vjp": 0}


def tangents(run, leaves, v):
    """Forward mode where PyTorch has it, else the derivative of the pullback in its cotangent."""
    import torch.autograd.forward_ad as fwd

    try:
        with fwd.dual_level():
            out = run(*[fwd.make_dual(a.detach(), b) for a, b in zip(leaves, v)])
            parts = [fwd.unpack_dual(t) for t in out if t.is_floating_point()]
            result = [torch.zeros_like(p.primal) if p.tangent is None else p.tangent for p in parts]
        forward_mode["dual"] += 1
        return result
    except (NotImplementedError, RuntimeError):
        forward_mode["double_vjp"] += 1
    y = [t for t in run(*leaves) if t.is_floating_point()]
    u = [torch.zeros_like(t, requires_grad=True) for t in y]
    gx = derivative(sum((a * b).sum() for a, b in zip(u, y)), leaves)
    return derivative(sum((a * b).sum() for a, b in zip(gx, v)), u)

"""From a sample of PyTorch to the call of ours that should give the same: its op, arguments and index tensors."""

import numpy as np
import torch


class Refused(Exception):
    pass


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def arg(s, i, name, default=None):
    return s.args[i] if len(s.args) > i else s.kwargs.get(name, default)


def pair(v):
    v = [v] if isinstance(v, int) else list(v)
    return [int(n) for n in (v * 2 if len(v) == 1 else v)]


def axes_of(dim, rank):
    dims = range(rank) if dim is None or dim == () else [dim] if isinstance(dim, int) else dim
    return sorted({d % rank for d in dims}) if rank else []


# Each gives (our op, its arguments, index tensors) from a sample `s` and PyTorch's result `y`.
def same(name):
    return lambda s, y: (name, {}, [])


def binary(name):
    def f(s, y):
        need(torch.is_tensor(s.args[0]), "a number where ours takes a tensor")
        return (name, {"alpha": [float(s.kwargs.get("alpha", 1))]}, [])

    return f


def reduce(name):
    def f(s, y):
        rank = s.input.dim()
        dim = s.kwargs.get("dim", s.args[0] if s.args else None)
        keep = arg(s, 1, "keepdim", False)
        more = {}
        if name in ("var", "std"):
            correction = s.kwargs.get("correction")
            unbiased = s.kwargs.get("unbiased", s.args[-1] if s.args and isinstance(s.args[-1], bool) else True)
            if s.args and isinstance(s.args[0], bool):
                dim, keep = None, False
            elif len(s.args) == 3:
                keep = s.args[2]
            elif s.kwargs.get("keepdim") is None:
                keep = False
            more["correction"] = [float(int(bool(unbiased)) if correction is None else correction)]
        axes = axes_of(dim, rank)
        need(name == "sum" or all(s.input.shape[a] for a in axes), "a reduction over nothing")
        return (name, {"axes": axes, "keep": [int(bool(keep))], **more}, [])

    return f


def by_index(s, y, op):
    n = s.input.numel()
    first = s.input.new_tensor(np.arange(1.0, n + 1)).reshape(s.input.shape)
    index = op(first.requires_grad_(False)).detach() - 1
    return ("take", {}, [index])


def permuted(s, y, op):
    probe = op(torch.empty([2 + 3 * i for i in range(s.input.dim())]))
    return ("permute", {"axes": [(n - 2) // 3 for n in probe.shape]}, [])


def product(a_at, b_at, base=False, transpose_b=False):
    def f(s, y):
        parts = [s.input] + [t for t in s.args if torch.is_tensor(t)]
        a, b = parts[a_at].shape, parts[b_at].shape
        a, b = list(a), list(b)
        if transpose_b and len(b) == 2:
            b = b[::-1]
        if len(a) == 1:
            a = [1] + a
        if len(b) == 1:
            b = b + [1]
        batch = list(torch.broadcast_shapes(a[:-2], b[:-2]))
        big_a = batch + a[-2:] if len(a) > 2 else a
        big_b = batch + b[-2:] if len(b) > 2 else b
        params = {"a": a, "b": b, "big_a": big_a, "big_b": big_b, "swap_b": [int(transpose_b)]}
        if base:
            params |= {"alpha": [float(s.kwargs.get("alpha", 1))], "beta": [float(s.kwargs.get("beta", 1))]}
        return ("matmul", params, [])

    return f


def conv(s, y, transposed=False):
    x, weight = s.input, s.args[0]
    flat = weight.dim() == 3
    k = lambda name, default: s.kwargs.get(name, default)
    stride, dilation, padding = k("stride", 1), k("dilation", 1), k("padding", 0)
    order = ["weight", "bias", "stride", "padding", "dilation", "groups"]
    extra = dict(zip(order, s.args))
    stride, padding = extra.get("stride", stride), extra.get("padding", padding)
    dilation, groups = extra.get("dilation", dilation), extra.get("groups", k("groups", 1))
    lift = (lambda v, fill: [fill] + pair(v)[:1]) if flat else (lambda v, fill: pair(v))
    stride, dilation = lift(stride, 1), lift(dilation, 1)
    if isinstance(padding, str):
        sides = [d * (n - 1) for d, n in zip(dilation, [1] + list(weight.shape[2:]) if flat else weight.shape[2:])]
        need(padding == "valid" or all(n % 2 == 0 for n in sides), "padding that differs left and right")
        padding = [0, 0] if padding == "valid" else [n // 2 for n in sides]
    else:
        padding = lift(padding, 0)
    if transposed:
        need(all(o < n for o, n in zip(lift(k("output_padding", 0), 0), stride)), "output padding beyond the stride")
    return (
        "conv2d_input" if transposed else "conv2d",
        {
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": [int(groups)],
            "bias": [int(len(s.args) > 1 and s.args[1] is not None)],
        },
        [],
    )


def pool(name, flat=False):
    def f(s, y):
        k = lambda i, key, default: s.args[i] if len(s.args) > i else s.kwargs.get(key, default)
        average = name == "avg_pool2d"
        kernel = k(0, "kernel_size", None)
        stride, padding = k(1, "stride", None), k(2, "padding", 0)
        ceil = k(3 if average else 4, "ceil_mode", False)
        dilation = 1 if average else k(3, "dilation", 1)
        lift = (lambda v, fill: [fill] + pair(v)[:1]) if flat else (lambda v, fill: pair(v))
        kernel = lift(kernel, 1)
        stride = kernel if stride is None or stride == () else lift(stride, 1)
        padding = lift(padding, 0)
        need(set(pair(dilation)) == {1}, "dilated pooling")
        need(k(5, "divisor_override", None) is None, "another divisor")
        include = k(4, "count_include_pad", True) if average else True
        need(include or not any(padding), "padding that is not counted")
        sides = ([1] + list(s.input.shape[-1:])) if flat else list(s.input.shape[-2:])
        out = [(n + 2 * p - w) // t + 1 for n, p, w, t in zip(sides, padding, kernel, stride)]
        shape = list((y[0] if isinstance(y, tuple) else y).shape)
        need(not ceil or out == ([1] if flat else []) + shape[-1 if flat else -2 :], "ceil_mode that changes the size")
        return (name, {"kernel": kernel, "stride": stride, "padding": padding}, [])

    return f


def global_pool(s, y):
    size = s.args[0]
    need(s.input.dim() == 4 and size in (1, (1, 1), [1, 1]), "an adaptive size other than 1")
    return ("global_avg_pool", {}, [])


def over_axis(name):
    def f(s, y):
        need(s.input.dim() > 0, "a scalar")
        return (name, {"axis": [arg(s, 0, "dim") % s.input.dim()]}, [])

    return f


def clamp(s, y):
    low, high = [arg(s, i, n) for i, n in enumerate(("min", "max"))]
    if torch.is_tensor(low) or torch.is_tensor(high):
        return ("clamp_by", {"low": [int(low is not None)], "high": [int(high is not None)]}, [])
    return (
        "clamp",
        {"low": [-1e300 if low is None else float(low)], "high": [1e300 if high is None else float(high)]},
        [],
    )


def power(s, y):
    return ("pow_by", {}, []) if torch.is_tensor(s.args[0]) else ("pow", {"exponent": [float(s.args[0])]}, [])


def pad(s, y):
    value = float(arg(s, 2, "value", 0) or 0)
    sides = list(s.args[0])
    params = {"value": [value], "sides": sides}
    need(s.input.dim() > 0, "a scalar")
    return ("pad", params, [])


def joined(kind):
    def f(s, y):
        parts = list(s.input)
        shapes = [list(t.shape) for t in parts]
        need(not any(sh == [0] and len(y.shape) > 1 for sh in shapes), "an empty vector among others")
        axis = 0
        if kind in ("concat", "stack"):
            rank = y.dim()
            axis = (arg(s, 0, "dim", 0) or 0) % rank
        wide = {
            "hstack": lambda n: n or [1],
            "vstack": lambda n: [1] + (n or [1]) if len(n) < 2 else n,
            "dstack": lambda n: [1] + (n or [1]) + [1] if len(n) < 2 else n + [1] if len(n) == 2 else n,
            "column_stack": lambda n: [1, 1] if not n else n + [1] if len(n) == 1 else n,
        }
        if kind in wide:
            shapes = [wide[kind](n) for n in shapes]
            axis = {"hstack": 0 if len(shapes[0]) == 1 else 1, "vstack": 0, "dstack": 2, "column_stack": 1}[kind]
        return (
            "stack" if kind == "stack" else "concat",
            {"axis": [axis], **{f"r{i}": n for i, n in enumerate(shapes)}},
            [],
        )

    return f


def slices(kind):
    def f(s, y):
        parts = list(y) if isinstance(y, (tuple, list)) else [y]
        rank = s.input.dim()
        axis = {"unbind": 0, "narrow": 0, "select": 0, "split": 1, "chunk": 1}[kind]
        axis = int(arg(s, axis, "dim", 0)) % rank
        if kind in ("narrow", "select"):
            begin = int(s.args[1]) % max(1, s.input.shape[axis])
            return ("slices", {"axis": [axis], "at": [begin, begin + (int(s.args[2]) if kind == "narrow" else 1)]}, [])
        ends = np.cumsum([0] + [1 if kind == "unbind" else p.shape[axis] for p in parts])
        return ("slices", {"axis": [axis], "at": [int(n) for pair_ in zip(ends, ends[1:]) for n in pair_]}, [])

    return f


def masked_where(s, y):
    condition = s.args[0]
    return ("where", {}, [condition.expand(y.shape).int()])


def masked_fill(s, y):
    value = s.args[1]
    need(not torch.is_tensor(value), "a fill that is a tensor")
    return ("masked_fill", {"value": [float(value)]}, [s.args[0].expand(y.shape).int()])


def index_add(s, y):
    dim, index, source = s.args
    return (
        "index_add",
        {"axis": [dim % max(1, s.input.dim())], "alpha": [float(s.kwargs.get("alpha", 1))]},
        [index.reshape(-1)],
    )


def scatter_add(s, y):
    dim, index, source = s.args
    need(s.input.dim() > 0, "a scalar")
    place = torch.arange(s.input.numel()).reshape(s.input.shape)
    taken = torch.arange(source.numel()).reshape(source.shape)
    for a, n in enumerate(index.shape):
        taken = taken.narrow(a, 0, n)
        if a != dim % s.input.dim():
            place = place.narrow(a, 0, n)
    return ("scatter_add", {}, [place.gather(dim, index), taken])


def embedding(s, y):
    need(
        not (set(s.kwargs) - {"sparse"}) or set(s.kwargs) <= {"max_norm"} and s.kwargs["max_norm"] is None,
        "padding_idx, max_norm or scale_grad_by_freq",
    )
    return ("rows", {}, [s.args[0]])


def normalised(kind):
    def f(s, y):
        eps = float(s.kwargs.get("eps", 1e-5))
        shape = list(s.input.shape)
        params = {"eps": [eps]}
        if kind == "batch_norm":
            names = ["running_mean", "running_var", "weight", "bias"]
            given = {n: arg(s, i, n) for i, n in enumerate(names)}
            params["training"] = [int(bool(s.kwargs.get("training", False)))]
        elif kind == "layer_norm":
            names = ["normalized_shape", "weight", "bias"]
            given = {n: arg(s, i, n) for i, n in enumerate(names)}
            params["axes"] = [len(shape) - 1 - i for i in range(len(given["normalized_shape"]))]
            params["eps"] = [float(arg(s, 3, "eps", 1e-5))]
        else:
            given = s.kwargs
            if kind == "group_norm":
                params["groups"] = [int(s.args[0])]
            need(
                kind != "instance_norm" or s.kwargs.get("use_input_stats", True),
                "instance norm with running statistics",
            )
        need(kind == "layer_norm" or s.input.numel() > 0, "a batch of nothing")
        need(params["eps"][0] > 0, "an eps that is not positive")
        have = [n for n in given if torch.is_tensor(given[n])]
        return (kind, params | {"has": "+".join(have) or "none"}, [])

    return f


def cross_entropy(s, y):
    target, k = s.args[0], s.kwargs
    probabilities = target.is_floating_point()
    if not probabilities:
        need(not bool((target == k.get("ignore_index", -100)).any()), "ignore_index")
    return (
        "cross_entropy",
        {
            "reduction": k.get("reduction", "mean"),
            "smoothing": [float(k.get("label_smoothing", 0))],
            "weight": [int(k.get("weight") is not None)],
            "soft": [int(probabilities)],
        },
        [] if probabilities else [target.reshape(-1)],
    )


def mean_loss(name):
    def f(s, y):
        need(s.kwargs.get("reduction", "mean") == "mean", "a sum or no reduction; ours is the mean")
        need(s.kwargs.get("weight") is None and s.kwargs.get("pos_weight") is None, "weights")
        return (name, {}, [])

    return f


def dropout(s, y):
    need(not s.kwargs.get("training", True) or s.kwargs.get("p", 0.5) == 0, "random masks differ by design")
    return ("dropout", {"rate": [float(s.kwargs.get("p", 0.5))]}, [])


def activation(name, key=None, default=None):
    def f(s, y):
        need(s.kwargs.get("approximate", "none") == "none", "the tanh approximation")
        need(s.kwargs.get("beta", 1) == 1, "another beta")
        return (
            name,
            {} if key is None else {key: [float(arg(s, 0, key if key != "slope" else "negative_slope", default))]},
            [],
        )

    return f


def hard(low, high):
    def f(s, y):
        a, b = float(s.kwargs.get("min_val", low)), float(s.kwargs.get("max_val", high))
        need(a <= b, "low above high")
        return ("clamp", {"low": [a], "high": [b]}, [])

    return f


def lerp(s, y):
    return (
        "lerp",
        {
            "weight": [0.0 if torch.is_tensor(s.args[1]) else float(s.args[1])],
            "tensor": [int(torch.is_tensor(s.args[1]))],
        },
        [],
    )


def valued(name):
    return lambda s, y: (name, {"value": [float(s.kwargs.get("value", 1))]}, [])


def argmax(s, y):
    dim = s.kwargs.get("dim", s.args[0] if s.args else None)
    if s.input.dim() == 0:
        dim = None
    return ("argmax", {"axis": [-1 if dim is None else dim % s.input.dim()]}, [])

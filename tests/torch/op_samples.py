"""PyTorch's own OpInfo samples of every op that has a counterpart in Glocal: shapes, arguments and ranges are theirs,
the numbers in them are by formula."""
import sys
import types
import unittest

import numpy as np
import torch

from golden import Cases
from op_translations import (
    Refused,
    activation,
    argmax,
    binary,
    by_index,
    clamp,
    conv,
    cross_entropy,
    dropout,
    embedding,
    global_pool,
    hard,
    index_add,
    joined,
    lerp,
    masked_fill,
    masked_where,
    mean_loss,
    need,
    normalised,
    over_axis,
    pad,
    permuted,
    pool,
    power,
    product,
    reduce,
    same,
    scatter_add,
    slices,
    valued,
)

# OpInfo's file wants this test helper at import, and nothing of it.
stub = types.ModuleType("expecttest")
stub.TestCase, stub.ACCEPT = unittest.TestCase, False
sys.modules.setdefault("expecttest", stub)
from torch.testing._internal import common_methods_invocations  # noqa: E402

unary = "neg exp log log1p sqrt rsqrt reciprocal square abs sign sin cos erf sigmoid tanh"
indexed = "take gather index_select take_along_dim tile repeat flip roll tril triu diag diagonal masked_select trace"
table = {n: same(n) for n in unary.split()}
table |= {n: "index" for n in indexed.split()}
table |= {n: "permute" for n in "permute transpose t movedim".split()}
table |= {n: same("reshape") for n in "reshape reshape_as view view_as flatten ravel unsqueeze squeeze".split()}
table |= {n: same("broadcast_to") for n in "expand expand_as broadcast_to".split()}
table |= {
    n: reduce(n.split(".")[0].replace("amax", "max").replace("amin", "min"))
    for n in "sum mean max.reduction_with_dim min.reduction_with_dim amax amin logsumexp var std".split()
}
table |= {n: slices(n) for n in "narrow select split chunk unbind".split()}
table |= {n: joined(n) for n in "hstack vstack dstack column_stack stack".split()} | {"cat": joined("concat")}
table |= {n: binary(n.split(".")[0]) for n in "add sub rsub mul div.no_rounding_mode minimum maximum".split()}
table |= {"min.binary": binary("minimum"), "max.binary": binary("maximum")}
table |= {
    "clamp": clamp,
    "where": masked_where,
    "pow": power,
    "sum_to_size": same("sum_to"),
    "argmax": argmax,
    "masked_fill": masked_fill,
    "index_add": index_add,
    "scatter_add": scatter_add,
    "lerp": lerp,
    "addcmul": valued("addcmul"),
    "addcdiv": valued("addcdiv"),
    "cumsum": None,
    "prod": None,
}
table |= {
    "mm": product(0, 1),
    "bmm": product(0, 1),
    "mv": product(0, 1),
    "dot": product(0, 1),
    "matmul": product(0, 1),
    "outer": same("outer"),
    "addmm": product(1, 2, True),
    "addmv": product(1, 2, True),
    "baddbmm": product(1, 2, True),
    "addbmm": product(1, 2, True),
    "addr": None,
}
table |= {
    "softmax": over_axis("softmax"),
    "softmax.with_dtype": over_axis("softmax"),
    "log_softmax": over_axis("log_softmax"),
}
table |= {
    "nn.functional." + n: f
    for n, f in {
        "relu": activation("relu"),
        "leaky_relu": activation("leaky_relu", "slope", 0.01),
        "elu": activation("elu", "alpha", 1.0),
        "gelu": activation("gelu"),
        "silu": activation("silu"),
        "softplus": activation("softplus"),
        "logsigmoid": same("logsigmoid"),
        "relu6": hard(0, 6),
        "hardtanh": hard(-1, 1),
        "softmin": over_axis("softmin"),
        "pad.constant": pad,
        "embedding": embedding,
        "one_hot": lambda s, y: ("one_hot", {}, [s.input]),
        "linear": lambda s, y: ("linear", {"bias": [int(len(s.args) > 1 and s.args[1] is not None)]}, []),
        "conv2d": conv,
        "conv1d": conv,
        "conv_transpose2d": lambda s, y: conv(s, y, True),
        "max_pool2d": pool("max_pool2d"),
        "max_pool1d": pool("max_pool2d", True),
        "avg_pool2d": pool("avg_pool2d"),
        "avg_pool1d": pool("avg_pool2d", True),
        "adaptive_avg_pool2d": global_pool,
        "batch_norm": normalised("batch_norm"),
        "layer_norm": normalised("layer_norm"),
        "group_norm": normalised("group_norm"),
        "instance_norm": normalised("instance_norm"),
        "cross_entropy": cross_entropy,
        "mse_loss": mean_loss("mse"),
        "binary_cross_entropy_with_logits": mean_loss("bce_with_logits"),
        "dropout": dropout,
    }.items()
}
MISSING = {"cumsum": "no such op", "prod": "no such op", "addr": "no such op"}
PLAIN = {"argmax", "one_hot"}


def float_tensors(s, undifferentiable):
    """Every floating tensor of a sample, and a function that calls the op with others in their place."""
    found = []

    def visit(v, key=None):
        if torch.is_tensor(v) and v.is_floating_point():
            found.append((v, key not in undifferentiable))
            return ("slot", len(found) - 1)
        if isinstance(v, (list, tuple)) and any(torch.is_tensor(x) for x in v):
            return ("list", [visit(x) for x in v])
        return ("as_is", v)

    places = [visit(s.input)] + [visit(a, i) for i, a in enumerate(s.args)]
    named = {k: visit(v, k) for k, v in s.kwargs.items()}

    def put(place, x):
        kind, v = place
        return x[v] if kind == "slot" else [put(p, x) for p in v] if kind == "list" else v

    return found, lambda op, x: op(*[put(p, x) for p in places], **{k: put(p, x) for k, p in named.items()})


def bounds(t):
    """Low and span in eighths around the numbers of a sample."""
    if t.numel() == 0:
        return -8, 16
    low, high = int(np.floor(float(t.min()) * 8)), int(np.ceil(float(t.max()) * 8))
    low = max(low, 1) if float(t.min()) > 0 else low
    return low, max(high - low, 8)


def collect():
    """All samples that Glocal has a counterpart for, and how many of each op were refused for which reason."""
    ops = {}
    for info in common_methods_invocations.op_db:
        ops.setdefault(info.name + ("." + info.variant_test_name if info.variant_test_name else ""), info)
    cases, refused = Cases(0), {}
    for name in sorted(table):
        torch.manual_seed(0)
        info, translate = ops[name], table[name]
        integer = name == "nn.functional.one_hot"
        samples = list(info.sample_inputs("cpu", torch.int64 if integer else torch.float64, requires_grad=not integer))
        for s in samples:
            try:
                need(translate is not None, MISSING.get(name, ""))
                norm = "norm" in name
                found, call = float_tensors(
                    s,
                    {0, 1, "running_mean", "running_var"}
                    if norm
                    else {0, "weight"}
                    if name.endswith("cross_entropy")
                    else (),
                )
                if name == "nn.functional.layer_norm" or name == "nn.functional.group_norm":
                    found = [(t, True) for t, _ in found]
                y = call(info.op, [t.detach().clone() for t, _ in found])
                single = lambda x: info.op(x, *s.args, **s.kwargs)
                if translate == "index":
                    op, params, integers = by_index(s, y, single)
                elif translate == "permute":
                    op, params, integers = permuted(s, y, single)
                else:
                    op, params, integers = translate(s, y)
                if name == "trace":
                    op = "take_sum"
                    integers = [torch.arange(s.input.numel()).reshape(s.input.shape).diagonal()]
                inputs = [(t.shape, *bounds(t.detach()), d) for t, d in found]
                if name in (
                    "max.reduction_with_dim",
                    "min.reduction_with_dim",
                    "nn.functional.max_pool2d",
                    "nn.functional.max_pool1d",
                ):
                    first = lambda *x, call=call, op=info.op: (lambda r: r[0] if isinstance(r, tuple) else r)(
                        call(op, x)
                    )
                else:
                    first = lambda *x, call=call, op=info.op: call(op, x)
                cases.add(name, op, params, inputs, integers, first, plain=name.split(".")[-1] in PLAIN)
            except (Refused, ValueError) as reason:
                key = f"{name}: {reason}"
                refused[key] = refused.get(key, 0) + 1
    return cases, refused

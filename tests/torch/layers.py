"""Calls at sizes of our own: where Glocal has a special kernel (fused, tiled, Winograd), and the options of layers."""
import torch
import torch.nn.functional as F

from golden import Cases, signed

BASE = 4096  # seeds after those of the samples


def tensor(shape, low=-16, span=32, differentiable=True):
    return (shape, low, span, differentiable)


def conv(cases, x, w, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, pooled=False):
    params = {
        "stride": list(stride),
        "padding": list(padding),
        "dilation": list(dilation),
        "groups": [groups],
        "bias": [1],
    }

    def f(x, w, b):
        y = F.conv2d(x, w, b, stride, padding, dilation, groups)
        return F.max_pool2d(y, 2) if pooled else y

    cases.add(
        "conv2d",
        "conv2d_max_pool" if pooled else "conv2d",
        params,
        [tensor(x), tensor(w, -4, 8), tensor((w[0],), -4, 8)],
        [],
        f,
    )


def batch_norm(cases, x, training, relu=False, momentum=0.1, eps=1e-5, offset=0):
    c = x[1]
    params = {
        "eps": [eps],
        "momentum": [momentum],
        "training": [int(training)],
        "relu": [int(relu)],
        "has": "weight+bias+running_mean+running_var",
    }

    def f(x, w, b, mean, var):
        # PyTorch does not differentiate its buffers: their derivatives come from the definition, their values from it.
        axes, shape = [a for a in range(x.dim()) if a != 1], [1, -1] + [1] * (x.dim() - 2)
        buffers = mean.detach().clone(), var.detach().clone()
        theirs = F.batch_norm(x.detach(), *buffers, w.detach(), b.detach(), training, momentum, eps)
        if not training:
            y = (x - mean.view(shape)) * torch.rsqrt(var + eps).view(shape) * w.view(shape) + b.view(shape)
            assert torch.allclose(y.detach(), theirs, rtol=1e-12, atol=1e-13)
            return F.relu(y) if relu else y
        new = [
            (1 - momentum) * mean + momentum * x.mean(axes),
            (1 - momentum) * var + momentum * x.var(axes, unbiased=True),
        ]
        for a, b_ in zip(new, buffers):
            assert torch.allclose(a.detach(), b_, rtol=1e-12, atol=0)
        y = F.batch_norm(x, None, None, w, b, True, momentum, eps)
        return [F.relu(y) if relu else y, *new]

    cases.add(
        "batch_norm",
        "batch_norm",
        params,
        [
            tensor(x, -16 + offset),
            tensor((c,), 4, 8),
            tensor((c,)),
            tensor((c,), -4, 8),
            tensor((c,), 4, 8),
        ],
        [],
        f,
    )


def norm(cases, kind, x, f, inner, **params):
    params = {"eps": [1e-5], "has": "weight+bias"} | params
    cases.add(kind, kind, params, [tensor(x), tensor(inner, 4, 8), tensor(inner)], [], f)


def loss(cases, n, k, smoothing, weighted, low=-32, span=64):
    labels = (torch.arange(n) * 7 + 3) % k
    inputs = [tensor((n, k), low, span)] + ([tensor((k,), 4, 12)] if weighted else [])

    def f(x, *w):
        # F.cross_entropy is not differentiable in its weights; the definition is, and has the same value.
        logp = F.log_softmax(x, 1)
        target = (1 - smoothing) * F.one_hot(labels, k).double() + smoothing / k
        weight = w[0] if w else torch.ones(k, dtype=x.dtype)
        y = -(target * weight * logp).sum() / weight[labels].sum()
        theirs = F.cross_entropy(x.detach(), labels, weight.detach(), label_smoothing=smoothing)
        assert torch.allclose(y.detach(), theirs, rtol=1e-12, atol=0)
        return y

    cases.add(
        "cross_entropy",
        "cross_entropy",
        {"reduction": "mean", "smoothing": [smoothing], "weight": [int(weighted)], "soft": [0]},
        inputs,
        [labels],
        f,
    )


def clip(cases, max_norm, shapes):
    def f(*grads):
        total = torch.sqrt(sum((g * g).sum() for g in grads))
        scaled = [g * (max_norm / total) if total > max_norm else g for g in grads]
        holders = [torch.zeros_like(g, requires_grad=True) for g in grads]
        for h, g in zip(holders, grads):
            h.grad = g.detach().clone()
        torch.nn.utils.clip_grad_norm_(holders, max_norm)
        for h, g in zip(holders, scaled):  # PyTorch divides by norm + 1e-6
            assert torch.allclose(h.grad, g.detach(), rtol=2e-6, atol=0)
        return scaled

    cases.add("clip_grad_norm_", "clip", {"max_norm": [max_norm]}, [tensor(s) for s in shapes], [], f)


def collect():
    cases = Cases(BASE)
    for x, w, stride, padding, dilation, groups in [
        ((2, 1, 28, 28), (6, 1, 5, 5), (1, 1), (2, 2), (1, 1), 1),
        ((2, 6, 14, 14), (16, 6, 5, 5), (1, 1), (0, 0), (1, 1), 1),
        ((2, 16, 12, 12), (16, 16, 3, 3), (1, 1), (1, 1), (1, 1), 1),
        ((1, 32, 9, 11), (32, 32, 3, 3), (1, 1), (1, 1), (1, 1), 1),
        ((2, 16, 9, 9), (32, 16, 3, 3), (2, 2), (1, 1), (1, 1), 1),
        ((2, 16, 8, 8), (32, 16, 1, 1), (1, 1), (0, 0), (1, 1), 1),
        ((2, 16, 8, 8), (32, 16, 1, 1), (2, 2), (0, 0), (1, 1), 1),
        ((2, 8, 10, 7), (12, 4, 3, 2), (2, 1), (1, 0), (1, 2), 2),
        ((2, 8, 6, 6), (8, 1, 3, 3), (1, 1), (1, 1), (1, 1), 8),
        ((1, 3, 5, 5), (4, 3, 5, 5), (1, 1), (4, 4), (1, 1), 1),
        ((3, 2, 7, 9), (4, 2, 3, 3), (3, 2), (2, 1), (2, 2), 1),
    ]:
        conv(cases, x, w, stride, padding, dilation, groups)
    for x, w, padding in [
        ((2, 1, 28, 28), (6, 1, 5, 5), (2, 2)),
        ((2, 6, 14, 14), (16, 6, 5, 5), (0, 0)),
        ((2, 3, 10, 12), (8, 3, 3, 3), (1, 1)),
        ((2, 3, 9, 9), (4, 3, 3, 3), (1, 1)),
    ]:
        conv(cases, x, w, padding=padding, pooled=True)
    for x in [(6, 5), (8, 33), (4, 8, 5, 5), (2, 16, 12, 12), (3, 3, 7)]:
        for relu in (False, True):
            batch_norm(cases, x, True, relu)
            batch_norm(cases, x, False, relu)
    batch_norm(cases, (4, 3, 4, 4), True, momentum=0.3, eps=1e-2)
    batch_norm(cases, (4, 3, 4, 4), True, offset=800)
    for shape, over in [((6, 7), (7,)), ((4, 3, 5), (3, 5)), ((2, 3, 4, 64), (64,))]:
        norm(
            cases,
            "layer_norm",
            shape,
            lambda x, w, b, over=over: F.layer_norm(x, over, w, b),
            over,
            axes=list(range(len(over))),
        )
    for shape, groups in [((3, 8, 4, 4), 2), ((2, 16, 6, 6), 8), ((4, 6, 5), 3)]:
        norm(
            cases, "group_norm", shape, lambda x, w, b, g=groups: F.group_norm(x, g, w, b), (shape[1],), groups=[groups]
        )
    for n, k in [(5, 3), (16, 10), (3, 257)]:
        for smoothing, weighted in [(0.0, False), (0.1, False), (0.0, True), (0.3, True)]:
            loss(cases, n, k, smoothing, weighted)
    loss(cases, 4, 5, 0.1, True, -2400, 4800)  # logits up to +-300
    clip(cases, 0.5, [(3, 4), (5,), (2, 2, 2)])
    clip(cases, 1000.0, [(3, 4), (5,)])
    for name, f in {
        "relu": F.relu,
        "gelu": F.gelu,
        "silu": F.silu,
        "softplus": lambda x: F.softplus(x, threshold=100),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "erf": torch.erf,
    }.items():
        for low, span in [(-16, 32), (-160, 320), (-1, 2)]:
            cases.add(name, name, {}, [tensor((5, 13), low, span)], [], f)
    for exponent in (0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, 1.5, -0.5):
        cases.add("pow", "pow", {"exponent": [exponent]}, [tensor((33,), 2, 24)], [], lambda x, e=exponent: x**e)
    for exponent in (2.0, 3.0, -1.0):
        cases.add("pow", "pow", {"exponent": [exponent]}, [tensor((33,), -24, 22)], [], lambda x, e=exponent: x**e)
    for name, f in {
        "exp": torch.exp,
        "log": torch.log,
        "log1p": torch.log1p,
        "sqrt": torch.sqrt,
        "rsqrt": torch.rsqrt,
        "reciprocal": torch.reciprocal,
        "square": torch.square,
        "sin": torch.sin,
        "cos": torch.cos,
    }.items():
        cases.add(name, name, {}, [tensor((67,), 1, 40)], [], f)
    for a, b in [
        ((70, 40), (40, 50)),
        ((1, 300), (300, 1)),
        ((33, 1), (1, 65)),
        ((2, 17, 33), (2, 33, 9)),
        ((3, 5, 8), (8, 6)),
    ]:
        cases.add(
            "matmul",
            "matmul",
            {"a": list(a), "b": list(b), "big_a": list(a), "big_b": list(b), "swap_b": [0]},
            [tensor(a), tensor(b)],
            [],
            torch.matmul,
        )
    cases.add("linear", "linear", {"bias": [1]}, [tensor((9, 65)), tensor((33, 65)), tensor((33,))], [], F.linear)
    cases.add("axpy", "axpy", {}, [tensor(()), tensor((4, 5)), tensor((4, 5))], [], lambda a, x, y: a * x + y)
    cases.add(
        "adaptive_avg_pool2d",
        "global_avg_pool",
        {},
        [tensor((2, 5, 7, 6))],
        [],
        lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
    )
    for name, f in {"softmax": F.softmax, "log_softmax": F.log_softmax}.items():
        for shape, span in [((7, 10), 32), ((3, 100), 640), ((2, 3, 5), 32)]:
            cases.add(
                name, name, {"axis": [len(shape) - 1]}, [tensor(shape, -span // 2, span)], [], lambda x, f=f: f(x, -1)
            )
    for name, f in {"max_pool2d": F.max_pool2d, "avg_pool2d": F.avg_pool2d}.items():
        for x, kernel, stride, padding in [
            ((2, 3, 13, 18), (2, 2), (2, 2), (0, 0)),
            ((2, 3, 9, 9), (3, 3), (2, 2), (1, 1)),
            ((2, 16, 12, 12), (2, 2), (2, 2), (0, 0)),
            ((1, 2, 8, 5), (3, 2), (1, 2), (1, 0)),
        ]:
            cases.add(
                name,
                name,
                {"kernel": list(kernel), "stride": list(stride), "padding": list(padding)},
                [tensor(x)],
                [],
                lambda x, f=f, k=kernel, s=stride, p=padding: f(x, k, s, p),
            )
    return cases

"""Ties, kinks, infinities: what PyTorch answers where mathematics leaves a choice."""
import numpy as np
import torch
import torch.nn.functional as F

INF = float("inf")
# name: (function, inputs, ...); the gradient is that of the sum of y * (1, 2, 3, ...).
CASES = {
    "relu 0": (F.relu, [-1.0, 0.0, 1.0]),
    "leaky_relu 0": (lambda x: F.leaky_relu(x, 0.1), [-1.0, 0.0, 1.0]),
    "elu 0": (F.elu, [-1.0, 0.0, 1.0]),
    "abs 0": (torch.abs, [-1.0, 0.0, 2.0]),
    "sign 0": (torch.sign, [-1.0, 0.0, 2.0]),
    "clamp bounds": (lambda x: x.clamp(-1, 2), [-2.0, -1.0, 0.0, 2.0, 3.0]),
    "minimum tie": (torch.minimum, [1.0, 2.0, 3.0], [1.0, 5.0, 0.0]),
    "maximum tie": (torch.maximum, [1.0, 2.0, 3.0], [1.0, 5.0, 0.0]),
    "max tie": (lambda x: x.max(0)[0], [1.0, 3.0, 3.0, 2.0]),
    "amax tie": (lambda x: x.amax(0), [1.0, 3.0, 3.0, 2.0]),
    "max_pool tie": (
        lambda x: F.max_pool2d(x.reshape(1, 1, 2, 4), 2).flatten(),
        [1.0, 1.0, 0.0, 5.0, 1.0, 1.0, 5.0, 5.0],
    ),
    "max_pool tie padded": (lambda x: F.max_pool2d(x.reshape(1, 1, 2, 2), 2, 1, 1).flatten(), [-1.0, -1.0, -2.0, -1.0]),
    "sqrt 0": (torch.sqrt, [0.0, 4.0]),
    "rsqrt 0": (torch.rsqrt, [0.0, 4.0]),
    "log 0": (torch.log, [0.0, 2.0]),
    "log1p -1": (torch.log1p, [-1.0, 1e-20, -1e-20]),
    "reciprocal 0": (torch.reciprocal, [0.0, 4.0]),
    "div 0": (torch.div, [1.0, 0.0, -1.0], [0.0, 2.0, 0.0]),
    "norm 0": (torch.norm, [0.0, 0.0]),
    "sqrt of sum of squares 0": (lambda x: (x * x).sum().sqrt(), [0.0, 0.0]),
    "pow 0": (lambda x: x**0.0, [0.0, 2.0, -2.0]),
    "pow 1": (lambda x: x**1.0, [0.0, 2.0, -2.0]),
    "pow 2": (lambda x: x**2.0, [0.0, 2.0, -2.0]),
    "pow 3": (lambda x: x**3.0, [0.0, 2.0, -2.0]),
    "pow half": (lambda x: x**0.5, [0.0, 2.0]),
    "pow 1.5": (lambda x: x**1.5, [0.0, 2.0]),
    "pow -1": (lambda x: x**-1.0, [0.0, 2.0, -2.0]),
    "pow of tensors": (torch.pow, [0.0, 0.0, 0.0, 2.0, 1.0], [2.0, 1.0, 0.5, 0.0, 3.0]),
    "pow of tensors 0 0": (torch.pow, [0.0, 2.0], [0.0, 1.0]),
    "exp large": (torch.exp, [-800.0, 710.0, -INF]),
    "tanh large": (torch.tanh, [-400.0, 400.0, 1e-20]),
    "sigmoid large": (torch.sigmoid, [-800.0, 800.0, -30.0, 30.0]),
    "erf large": (torch.erf, [-30.0, 30.0, 1e-20]),
    "gelu large": (F.gelu, [-50.0, 50.0, -5.0]),
    "silu large": (F.silu, [-800.0, 800.0, -30.0]),
    "softplus large": (F.softplus, [-800.0, 800.0, -30.0, 15.0]),
    "softplus above 20": (F.softplus, [20.5, 25.0]),
    "logsumexp large": (lambda x: x.logsumexp(0), [1e4, 1e4, -1e4]),
    "logsumexp -inf": (lambda x: x.logsumexp(0), [-INF, 0.0, 1.0]),
    "logsumexp all -inf": (lambda x: x.logsumexp(0), [-INF, -INF]),
    "softmax large": (lambda x: x.softmax(0), [1e4, 1e4 - 1, -1e4]),
    "softmax -inf": (lambda x: x.softmax(0), [-INF, 0.0, 1.0]),
    "log_softmax large": (lambda x: x.log_softmax(0), [1e4, 1e4 - 1, -1e4]),
    "log_softmax huge": (lambda x: x.log_softmax(0), [1e308, -1e308, 0.0]),
    "cross_entropy large": (lambda x: F.cross_entropy(x.reshape(1, 3), torch.tensor([2])), [1e4, 0.0, -1e4]),
    "bce large": (
        lambda x: F.binary_cross_entropy_with_logits(x, torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)),
        [-800.0, 800.0, 800.0],
    ),
    "where masked": (lambda x: torch.where(x > 0, x * x, torch.zeros_like(x)), [-1.0, 0.0, 2.0]),
    "where masked infinity": (lambda x: torch.where(x > 0, x.log(), torch.zeros_like(x)), [0.0, 2.0]),
    "normalise a constant": (
        lambda x: F.batch_norm(x.reshape(4, 1), None, None, training=True).flatten(),
        [3.0, 3.0, 3.0, 3.0],
    ),
    "normalise offset": (
        lambda x: F.batch_norm(x.reshape(4, 1), None, None, training=True).flatten(),
        [1e6, 1e6 + 1, 1e6 - 2, 1e6 + 3],
    ),
}


def collect():
    lines, numbers = [], []
    for name, (f, *values) in CASES.items():
        x = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
        y = f(*x)
        weights = torch.arange(1, y.numel() + 1, dtype=torch.float64).reshape(y.shape)
        gx = torch.autograd.grad(y, x, weights, allow_unused=True)
        for t in [y, *gx]:
            numbers += (
                [0.0] if t is None else (torch.zeros(t.shape, dtype=torch.float64) + t.detach()).reshape(-1).tolist()
            )
        lines.append(name + ": " + " | ".join(" ".join(repr(n) for n in v) for v in values))
    return {"cases": "\n".join(lines), "numbers": np.array(numbers)}

"""The tables of compare.py, in Markdown."""
import math
import re
import subprocess
from pathlib import Path

import rows

def write_between_marks(path, text, place=""):
    """Replaces what stands between the two marks of a file; `place` tells them from others."""
    begin, end = (f"<!-- compare.py{' ' if place else ''}{place}: {mark} -->" for mark in ("begin", "end"))
    old = path.read_text()
    new, count = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", old, flags=re.S)
    if count != 1:
        raise SystemExit(f"compare.py: {path} has no place for the tables ({begin} ... {end})")
    path.write_text(new)


def table(head, lines):
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines])


def milliseconds(seconds):
    return f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:,.0f}"


def number(value):
    return "" if value is None else f"{value:.3g}"


def verdict(value, pair, smaller=False):
    """goal, bound or below: the best of those that the value meets."""
    if value is None or pair is None:
        return ""
    bound, goal = pair
    meets = (lambda limit: value <= limit) if smaller else (lambda limit: value >= limit)
    return "goal" if meets(goal) else "bound" if meets(bound) else "**below**"


def pair_of(pair):
    return "" if pair is None else f"{pair[0]:.3g} / {pair[1]:.3g}"


def ratio_of(results, row):
    """Peer / ours of the best times, or None."""
    if not row.peer or row.peer not in results.clean or row.ours not in results.clean:
        return None
    return results.best(row.peer) / results.best(row.ours)


def memory_ratio(results, row):
    if ratio_of(results, row) is None:
        return None
    whole = row.ours.name == "startup"
    return results.memory(row.ours, whole) / max(results.memory(row.peer, whole), 0.1)


def comparison_line(bench, results, row):
    if row.ours not in results.clean:
        return [row.label, f"**failed: {bench.missing.get(row.ours, '')}**"] + [""] * 7
    best, ratio = results.best(row.ours), ratio_of(results, row)
    label = row.label + (" \\*" if row.ours in results.unclean or row.peer in results.unclean else "")
    share = results.share(row.ours)
    peak = f"{results.memory(row.ours, True):.0f}"
    start = [label, milliseconds(best)]
    shared = f"{share:.2f}" if share and share > 0.005 else ""
    if ratio is None:
        why = bench.missing.get(row.peer, "") if row.peer else "none"
        met = "" if row.peak_mb is None else "goal" if results.memory(row.ours, True) <= row.peak_mb else "**below**"
        limit = "" if row.peak_mb is None else f" (at most {row.peak_mb:g})"
        return [*start, why, "", "", pair_of(row.ratio), met, shared, peak + limit]
    difference = results.difference(row)
    median = results.median(row.peer) / results.median(row.ours)
    memory = f"{peak} / {results.memory(row.peer, True):.0f}"
    if row.memory:
        memory += f"; x {memory_ratio(results, row):.2f} ({pair_of(row.memory)}) " + verdict(
            memory_ratio(results, row), row.memory, smaller=True)
    variant = bench.variants.get(row.peer, {}).get("best", "plain")
    peer = milliseconds(results.best(row.peer)) + ("" if variant == "plain" else f" ({variant})")
    met = verdict(ratio, row.ratio)
    if difference is not None and difference > row.tolerance:
        met = f"**answers differ by {difference:.1g}**"
    return [*start, peer, f"{ratio:.2f}", f"{median:.2f}", pair_of(row.ratio), met, shared, memory]


def comparison_table(bench, results, selected):
    head = ["work", "ours, ms", "peer, ms", "ratio of best", "ratio of medians", "bound / goal", "met",
            "share of limit", "peak MB, ours / peer"]
    lines = [comparison_line(bench, results, row) for row in selected if row not in rows.CONVOLUTION_ROWS]
    return table(head, lines) if lines else ""


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def convolution_table(bench, results, selected):
    """GFLOP/s of the direct count, every shape and direction, and the geometric means of the ratios."""
    lines, means = [], []
    for direction, pair in rows.CONVOLUTIONS.items():
        ratios, unit_stride = [], []
        for row in selected:
            if row not in rows.CONVOLUTION_ROWS or row.ours.name.split("/")[1] != direction:
                continue
            if row.ours not in results.clean:
                lines.append([direction, row.label, f"**failed: {bench.missing.get(row.ours, '')}**", "", "", "", ""])
                continue
            gflop = results.clean[row.ours][0]["gflop"]
            C, O, H, stride = row.label.replace("s", "").split("_")
            shape = f"{C} -> {O}, {H} x {H}" + (", stride 2" if stride == "2" else "")
            cells = [direction, shape, f"{gflop / results.best(row.ours):.0f}"]
            ratio = ratio_of(results, row)
            if ratio is None:
                lines.append([*cells, bench.missing.get(row.peer, ""), "", "", f"{results.share(row.ours):.2f}"])
                continue
            ratios.append(ratio)
            unit_stride += [ratio] if stride == "1" and C != "3" else []
            difference = results.difference(row)
            note = f" **answers differ by {difference:.1g}**" if difference > row.tolerance else ""
            median = results.median(row.peer) / results.median(row.ours)
            lines.append([*cells, f"{gflop / results.best(row.peer):.0f}", f"{ratio:.2f}{note}", f"{median:.2f}",
                          f"{results.share(row.ours):.2f}"])
        if ratios:
            mean = geometric_mean(ratios)
            means.append([direction, f"{mean:.2f}", number(geometric_mean(unit_stride)) if unit_stride else "",
                          pair_of(pair), verdict(mean, pair)])
    if not lines:
        return ""
    text = table(["direction", "shape", "ours, GFLOP/s", "oneDNN, GFLOP/s", "ratio of best", "ratio of medians",
                  "share of limit"], lines)
    head = ["geometric mean", "all shapes", "those of stride 1 between blocks", "bound / goal", "met"]
    return text + ("\n\n" + table(head, means) if means else "")


def share_table(results, selected):
    lines = [[row.label, f"{results.share(row.ours):.2f}", pair_of(row.share),
              verdict(results.share(row.ours), row.share)]
             for row in selected if row.share and row.ours in results.clean]
    return table(["share of the machine's limit, direct count", "ours", "bound / goal", "met"], lines) if lines else ""


def unit_time(results, run):
    """Seconds of one plain step, or of the whole run when it is no plain training."""
    best = results.best(run)
    return best / int(run.name.rsplit("/T", 1)[1]) if best and run.name.startswith("plain/") else best


def cost_table(results, costs):
    lines = []
    for cost in costs:
        best, unit = results.best(cost.run), unit_time(results, cost.unit)
        if best and unit:
            value = best / (unit * cost.steps)
            pair = (cost.bound, cost.goal) if cost.bound else None
            lines.append([cost.label, f"{value:.3g}", pair_of(pair), verdict(value, pair, smaller=True)])
    return table(["cost in units of plain training", "ours", "bound / goal", "met"], lines) if lines else ""


def slope(points):
    """Exponent a of the least-squares fit log y = a log x + b."""
    x, y = [math.log(p) for p, _ in points], [math.log(q) for _, q in points]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)


def growth_table(results, growths):
    lines = []
    for growth in growths:
        if any(results.best(run) is None for _, run in growth.points):
            continue
        base = growth.base * unit_time(results, growth.plain) if growth.plain else 0
        points = [(size, results.best(run) - base) for size, run in growth.points]
        if min(time for _, time in points) <= 0:
            lines.append([growth.label, "a run is faster than its base", number(growth.theory), ""])
            continue
        a = slope(points)
        lines.append([growth.label, f"{a:.2f}", number(growth.theory),
                      "yes" if abs(a - growth.theory) <= 0.1 else "**no**"])
    return table(["growth", "exponent fitted", "theory", "within 0.1"], lines) if lines else ""


SETS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")


def processor():
    """The processor's name, with those of its instruction sets that matter here."""
    about = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        about.setdefault(key.strip(), value.strip())
    sets = [name for name in SETS if name in about.get("flags", "").split()]
    return f"{about.get('model name', 'processor unknown')} ({', '.join(sets) or 'none of ' + ', '.join(SETS)})"


def peer(python):
    """PyTorch and the oneDNN that is in it, with their versions."""
    if not python:
        return "no PyTorch"
    code = "import torch; print(torch.__version__); print(torch.__config__.show())"
    text = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout
    onednn = re.search(r"(?:MKL-DNN|oneDNN)\)? v([0-9.]+)", text)
    return f"PyTorch {text.splitlines()[0] if text else '?'}" + (f" with oneDNN {onednn[1]}" if onednn else "")


def machine(bench, results, rounds):
    """What was measured where."""
    isa = next(s["isa"] for run, samples in bench.samples.items() if run.program == "work" for s in samples)
    one, two = bench.probes.get(1), bench.probes.get(2)
    text = f"{processor()}; ours on {isa}, against {peer(bench.interpreter())}. Fused multiply-adds reach {one:.0f} GFLOP/s on one thread"
    if two:
        cores = "two cores" if two > 1.8 * one else "not two whole cores"
        text += f" and {two:.0f} on two, so they are {cores}"
    blocks = [s for samples in bench.samples.values() for s in samples]
    dirty = sum(s["slowest_probe"] < 0.9 * bench.probes[s["threads"]] for s in blocks)
    text += f". {rounds} rounds; {dirty} of {len(blocks)} measurements discarded, because a probe beside them was below " \
            "0.9 of the best."
    if results.unclean:
        text += " Rows with \\* had no clean block: all of theirs were used."
    return text


def document(bench, results, comparison, costs, growths, rounds):
    parts = [machine(bench, results, rounds), comparison_table(bench, results, comparison),
             convolution_table(bench, results, comparison), share_table(results, comparison),
             cost_table(results, costs), growth_table(results, growths)]
    return "\n\n".join(part for part in parts if part)


SUMMARY = ["train/mlp_784_128_10/b32", "train/mlp_784_128_10/b128", "train/lenet/b32", "train/lenet/b128",
           "train/wrn28_2/b128", "infer/lenet/b128", "forward/mlp/q3", "forward/lenet/q3", "global/mlp/T100/stored",
           "global/mlp/T200/checkpointed", "global/lenet/T50/stored", "startup"]


def summary(results, selected):
    """The short table of the README."""
    lines = []
    for row in selected:
        ratio = ratio_of(results, row)
        if row.ours.name in SUMMARY and row.ours.threads == 1 and row.peer.program == "torch" and ratio is not None:
            lines.append([row.label, milliseconds(results.best(row.ours)), milliseconds(results.best(row.peer)),
                          f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}",
                          f"{results.memory(row.ours, True):.0f} / {results.memory(row.peer, True):.0f}"])
    return table(["one thread", "Glocal, ms", "PyTorch, ms", "times faster", "peak MB"], lines)

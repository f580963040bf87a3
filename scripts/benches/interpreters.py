"""Sections about --python."""

import itertools
import sys

from command import run, tell
from rows import Row, wall_ratio


def with_python(bench, tree, *pythons):
    named = itertools.chain.from_iterable(("--python", python) for python in pythons)
    return [*bench.program, *named, tree.path]


def with_and_without(bench, tree):
    return {
        "pycompileall": [*bench.program, tree.path],
        "pycompileall --python": with_python(bench, tree, sys.executable),
    }


def python(bench):
    tree = bench.tree
    run(with_python(bench, tree, sys.executable))
    bench.expect_fresh(tree, tree.sources)
    samples = bench.measure("python", with_and_without(bench, tree))
    yield wall_ratio("python", samples, "pycompileall --python", "pycompileall")


def python_stale(bench):
    tree = bench.stale_tree
    samples = bench.measure_stale(
        "python-stale",
        tree,
        with_and_without(bench, tree),
        lambda name: bench.expect_fresh(tree, tree.sources),
    )
    yield wall_ratio("python-stale", samples, "pycompileall --python", "pycompileall")


def at_once(quantity, samples, pythons):
    """A run for all interpreters against the sum of the runs for each of them."""
    alone = zip(*(samples[python] for python in pythons))
    sums = (sum(sample.wall for sample in row) for row in alone)
    values = [a.wall / b for a, b in zip(samples["all at once"], sums)]
    return Row("targets", quantity, values)


def targets(bench):
    pythons, tree = bench.pythons, bench.stale_tree
    if len(pythons) < 2:
        tell("targets: left out, fewer than two interpreters are named with --python")
        return
    commands = {python: with_python(bench, tree, python) for python in pythons}
    commands["all at once"] = with_python(bench, tree, *pythons)
    samples = bench.measure_stale("targets", tree, commands)
    yield at_once("wall: all at once / one after the other", samples, pythons)
    run(commands["all at once"])
    samples = bench.measure("targets", commands)
    yield at_once("wall, nothing stale: all at once / one after the other", samples, pythons)

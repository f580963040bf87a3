"""Sections in which nothing, or next to nothing, is stale."""

import os

import trees
from rows import Row, wall_excess, wall_ratio
from command import run


def fresh(bench):
    tree = bench.tree
    bench.expect_fresh(tree, tree.sources)
    samples = bench.measure(
        "fresh",
        {
            "pycompileall": [*bench.program, tree.path],
            "floor_check": bench.floor("floor_check", bench.jobs, tree.path),
            "compileall -j1": [*bench.compileall, "-j1", tree.path],
            "compileall -jN": [*bench.compileall, "-j%d" % bench.jobs, tree.path],
        },
    )
    yield wall_ratio("fresh", samples, "pycompileall", "floor_check")
    # The floor's own is what a program could reach at best.
    for compileall in ("compileall -j1", "compileall -jN"):
        yield wall_ratio("fresh", samples, compileall, "pycompileall")
        yield wall_ratio("fresh", samples, compileall, "floor_check")


def hash_checked(bench):
    tree = bench.tree
    command = [*bench.program, "--invalidation-mode", "checked-hash", tree.path]
    run(command)
    bench.expect_fresh(tree, tree.sources, "--hash")
    floor = bench.floor("floor_check", "--hash", bench.jobs, tree.path)
    samples = bench.measure("hash", {"pycompileall": command, "floor_check --hash": floor})
    yield wall_ratio("hash", samples, "pycompileall", "floor_check --hash")


def one(bench):
    source = bench.tree.longest[bench.tree.sources // 2]
    empty = bench.path("empty")
    os.mkdir(empty)
    samples = bench.measure(
        "one",
        {
            "pycompileall": [*bench.program, source],
            "pycompileall, empty folder": [*bench.program, empty],
            "floor_nothing": bench.floor("floor_nothing"),
            "compileall": [*bench.compileall, source],
            "compileall, empty folder": [*bench.compileall, empty],
        },
    )
    for end in ("", ", empty folder"):
        yield wall_ratio("one", samples, "compileall" + end, "pycompileall" + end)
        yield wall_excess("one", samples, "pycompileall" + end, "floor_nothing")


def take_byte_code(sources):
    for source in sources:
        if os.path.exists(trees.cache_of(source)):
            os.remove(trees.cache_of(source))


def three(bench):
    """Three sources of usual length that lie apart, among all the others and by themselves."""
    tree = bench.tree
    middle = sorted(tree.longest[tree.sources // 3 : -tree.sources // 3])
    chosen = middle[:: len(middle) // 3][:3]
    alone = bench.describe(trees.copy_sources(chosen, bench.path("alone"), 3))
    stale = {"none stale": [], "three stale": chosen, "the three alone": alone.longest}
    samples = bench.measure(
        "three",
        {
            name: [*bench.program, alone.path if name == "the three alone" else tree.path]
            for name in stale
        },
        before=lambda name: take_byte_code(stale[name]),
        after=lambda name: bench.expect_fresh(tree, tree.sources),
    )
    bench.expect_fresh(alone, 3)
    rounds = zip(*(samples[name] for name in stale))
    values = [some.wall / (none.wall + few.wall) for none, some, few in rounds]
    yield Row("three", "wall: three stale / (none stale + the three alone)", values)
    yield wall_excess("three", samples, "three stale", "none stale")

"""Sections in which everything is stale."""

import trees
from rows import busy_ratio, cpu_ratio, wall_ratio


def measure(bench, section, tree):
    """Rows of a tree of any shape."""

    def check(name):
        bench.expect_fresh(tree, 0 if name == "floor_compile" else tree.sources)

    commands = {
        "pycompileall": [*bench.program, tree.path],
        "floor_compile": bench.floor("floor_compile", bench.jobs, tree.list),
        "floor_compile --write": bench.floor("floor_compile", "--write", bench.jobs, tree.list),
        "compileall -jN": [*bench.compileall, "-j%d" % bench.jobs, tree.path],
    }
    samples = bench.measure_stale(section, tree, commands, check)
    yield wall_ratio(section, samples, "compileall -jN", "pycompileall")
    yield wall_ratio(section, samples, "pycompileall", "floor_compile")
    yield cpu_ratio(section, samples, "pycompileall", "floor_compile")
    # What a program could reach at best that leaves behind what it compiled.
    yield wall_ratio(section, samples, "floor_compile --write", "floor_compile")
    yield cpu_ratio(section, samples, "floor_compile --write", "floor_compile")
    yield wall_ratio(section, samples, "pycompileall", "floor_compile --write")
    yield cpu_ratio(section, samples, "pycompileall", "floor_compile --write")
    # The floor is busy to its end: where it is not, the machine had something else to do.
    yield busy_ratio(section, samples, "pycompileall", "floor_compile")


def stale(bench):
    return measure(bench, "stale", bench.stale_tree)


def tiny(bench):
    path = trees.make_tiny_tree(bench.path("tiny"), 25, 40)
    return measure(bench, "tiny", bench.describe(path))


def flat(bench):
    count = bench.options.scale["flat sources"]
    # In the order of their names: what is long comes anywhere.
    sources = sorted(bench.stale_tree.longest)
    path = trees.copy_sources(sources, bench.path("flat"), count)
    return measure(bench, "flat", bench.describe(path))


def levels(bench):
    tree = bench.stale_tree
    commands = {
        "-o 0": [*bench.program, "-o", "0", tree.path],
        "-o 0 -o 1": [*bench.program, "-o", "0", "-o", "1", tree.path],
    }
    samples = bench.measure_stale(
        "levels", tree, commands, lambda name: bench.expect_fresh(tree, tree.sources)
    )
    yield wall_ratio("levels", samples, "-o 0 -o 1", "-o 0")
    yield cpu_ratio("levels", samples, "-o 0 -o 1", "-o 0")

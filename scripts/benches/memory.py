"""Sections about resident memory, and about a million files."""

import os
import statistics
import sys
from typing import NamedTuple

import trees
from command import fail, run, tell
from rows import Row

# Those of the library's sources among which is the one that needs the most memory.
LONGEST = 10

# Functions in the giant source, which has some 3 MB with them.
GIANT = 40000


class Process(NamedTuple):
    """A process that has ended, and its resident memory."""

    peak: int  # KiB
    last: int  # KiB, as it ended
    name: str


def run_peaks(bench, command):
    """Runs a command that must succeed. Returns its Processes."""
    output = bench.path("peaks")
    run([os.path.join(bench.build, "scripts", "peaks"), output, *command], cwd=bench.scratch)
    with open(output, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(" ", 2) for line in file]
    return [Process(int(peak), int(last), name) for peak, last, name in lines]


def peak(bench, command):
    return max(process.peak for process in run_peaks(bench, command))


def servers_of(bench, tree, *options):
    """The servers that compile a whole tree, in the order of their ends."""
    bench.put_cache_aside(tree)
    found = run_peaks(bench, [*bench.program, *options, tree.path])
    bench.expect_fresh(tree, tree.sources)
    return [process for process in found if process.name == "compile_server"]


def need(bench, source, least):
    """KiB for compiling a source, beyond what compiling a tiny one takes."""
    listed = trees.write_list(bench.scratch, [source])
    return peak(bench, bench.floor("floor_compile", 1, listed)) - least


def median_of(bench, section, function):
    """The median of as many runs as the section has rounds: what a row's values are divided by."""
    return statistics.median(function() for _ in range(bench.rounds(section)))


def servers(bench):
    library = bench.describe(bench.library[1])
    giant = bench.describe(trees.make_giant_tree(bench.path("giant"), GIANT))
    rounds = range(bench.rounds("servers"))
    tell("servers, %d rounds" % len(rounds))
    python = median_of(bench, "servers", lambda: peak(bench, [sys.executable, "-c", "pass"]))
    tiny = trees.write_list(bench.scratch, giant.longest[-1:])
    command = bench.floor("floor_compile", 1, tiny)
    least = median_of(bench, "servers", lambda: peak(bench, command))
    largest = max(need(bench, source, least) for source in library.longest[:LONGEST])
    giants = need(bench, giant.longest[0], least)

    values = [max(s.peak for s in servers_of(bench, library)) for _ in rounds]
    yield Row("servers", "MiB: python3 -c pass", [python / 1024])
    yield Row("servers", "MiB: what the largest source needs", [largest / 1024])
    yield Row(
        "servers",
        "a server's peak − its largest source's / python3 -c pass",
        [(value - largest) / python for value in values],
    )
    runs = [servers_of(bench, giant, "-j1") for _ in rounds]
    # The server that had the giant source is the one with the highest peak. The one that ends last
    # is there until the run ends, and has had the sources behind the giant one.
    had = [max(run, key=lambda server: server.peak) for run in runs]
    left = [run[-1].last for run in runs]
    yield Row("servers", "MiB: what the giant source needs", [giants / 1024])
    yield Row(
        "servers", "the same, giant source", [(server.peak - giants) / python for server in had]
    )
    yield Row(
        "servers",
        "left after the giant source / python3 -c pass",
        [last / python for last in left],
    )


def resident(bench, tree):
    """MiB that the main program has resident at most, when nothing is stale, for each round."""
    rounds = range(bench.rounds("memory"))
    return [peak(bench, [*bench.program, tree]) / 1024 for _ in rounds]


def a_file(quantity, values_of, samples, program):
    """How much more a file takes in a tree that has fifty times as many."""
    many, few = (samples["%s, %s sources" % (program, n)] for n in ("1,000,000", "20,000"))
    values = [values_of(a) / values_of(b) / 50 for a, b in zip(many, few)]
    return Row("memory", "%s a file, %s: of 1,000,000 / of 20,000" % (quantity, program), values)


def make_linked(bench, name, folders, sources):
    """Path of a synthetic tree with so many folders of so many sources."""
    path = trees.make_linked_tree(bench.path(name), folders, sources)
    count = folders * sources
    found = run(bench.floor("floor_check", bench.jobs, path)).strip()
    if found != "%d sources, %d fresh" % (count, count):
        fail("of %d sources all should be fresh: %s" % (count, found))
    return path


def memory(bench):
    tell("memory: making trees of 20,000, 200,000 and 1,000,000 sources")
    few = make_linked(bench, "few", 1000, 20)
    wide = make_linked(bench, "wide", 1, 200000)
    many = make_linked(bench, "many", 50000, 20)
    samples = bench.measure(
        "memory",
        {
            "pycompileall, 1,000,000 sources": [*bench.program, many],
            "pycompileall, 20,000 sources": [*bench.program, few],
            "floor_check, 1,000,000 sources": bench.floor("floor_check", bench.jobs, many),
            "floor_check, 20,000 sources": bench.floor("floor_check", bench.jobs, few),
        },
    )
    # What the floor takes more is the kernel's.
    for program in ("pycompileall", "floor_check"):
        yield a_file("wall", lambda sample: sample.wall, samples, program)
        yield a_file("CPU", lambda sample: sample.cpu, samples, program)
    name = "MiB: pycompileall, 1,000,000 sources in 50,000 folders"
    yield Row("memory", name, resident(bench, many))
    name = "MiB: pycompileall, 200,000 sources in one folder"
    yield Row("memory", name, resident(bench, wide))

"""Measures pycompileall against compileall and against the floor programs of scripts/floors.

scripts/bench calls it with the interpreter that configure found, whose libpython is embedded.
"""

import argparse
import itertools
import json
import os
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from typing import NamedTuple

HELP = """\
Measures pycompileall on a scratch tree under $TMPDIR: the standard library of the linked Python,
copied until there are enough sources. Prints a Markdown table of ratios and one of times.

sections:
  fresh  nothing is stale: against floor_check (the system calls that prove it, and nothing else)
         and compileall
  one    one file that is up to date, and an empty folder: against floor_nothing and compileall
  stale  no byte-code is there: against floor_compile (reads, compiles and marshals, and writes
         nothing) and compileall
  hash   nothing is stale, byte-code with checked source hashes: against floor_check --hash
  python        nothing is stale, for the linked Python as one of --python, known from before:
                against the same without that option
  python-stale  the same with no byte-code there
  targets       no byte-code is there, for all of the interpreters named with --python at once:
                against a run for each of them

Every round runs all programs of a section once, one after the other, and begins with another one
of them; a ratio is taken within a round, and the table has the median of the rounds. Caches are
warm. The floors are given the threads or processes that --jobs says. What a file system takes to
make files can be left out by a $TMPDIR in memory.
"""

EPILOG = """\
exit status: 0 every bar is met; 1 one is missed; 2 the command line is wrong; 3 it could not be
measured, or a program did not do what it was measured for.
"""

# What is promised: section and quantity, then how the median must compare to the limit. A quantity
# without a bar is only shown.
BARS = {
    ("fresh", "wall: pycompileall / floor_check"): ("<=", 1.5),
    ("fresh", "wall: compileall -j1 / pycompileall"): (">=", 8),
    ("fresh", "wall: compileall -jN / pycompileall"): (">=", 15),
    ("one", "wall: compileall / pycompileall"): (">=", 15),
    ("stale", "wall: compileall -jN / pycompileall"): (">=", 1.1),
    ("stale", "CPU: pycompileall / floor_compile"): ("<=", 1.2),
    ("stale", "cores busy: pycompileall / floor_compile"): (">=", 0.95),
    ("python", "wall: pycompileall --python / pycompileall"): ("<=", 1.1),
    ("python-stale", "wall: pycompileall --python / pycompileall"): ("<=", 1.1),
    ("targets", "wall: all at once / one after the other"): ("<=", 1),
}

# Sources of the tree, and rounds by section. --quick is to take less than two minutes.
QUICK = {"sources": 5000, "fresh": 10, "one": 20, "stale": 3, "hash": 5}
QUICK |= {"python": 10, "python-stale": 3, "targets": 1}
FULL = {"sources": 20000, "fresh": 20, "one": 40, "stale": 10, "hash": 10}
FULL |= {"python": 20, "python-stale": 10, "targets": 3}


class Sample(NamedTuple):
    """One run of one program, with all the processes it waited for."""

    wall: float  # seconds
    cpu: float  # seconds, user and system


class Row(NamedTuple):
    """A line of the table of ratios."""

    section: str
    quantity: str
    values: list  # one a round


class Tree(NamedTuple):
    """A scratch tree, all of whose sources compile."""

    path: str
    sources: int
    folders: int
    size: int  # bytes of all sources
    one: str  # a source of it
    empty: str  # an empty folder outside of it
    list: str  # file with the path of every source, the longest source first


def tell(message):
    print("bench: %s" % message, file=sys.stderr)


def fail(message):
    tell(message)
    sys.exit(3)


def run(command, **keywords):
    done = subprocess.run(command, capture_output=True, text=True, **keywords)
    if done.returncode != 0:
        fail("%s: status %d\n%s" % (shlex.join(command), done.returncode, done.stderr))
    return done.stdout


# --- The scratch tree -------------------------------------------------------------------------


def only_sources(folder, names):
    """For shutil.copytree: what of a folder is left out."""
    skipped = {"__pycache__", "site-packages", "dist-packages"}
    paths = ((name, os.path.join(folder, name)) for name in names)
    return [
        name
        for name, path in paths
        if name in skipped or not (os.path.isdir(path) or name.endswith(".py"))
    ]


def walk_sources(path):
    for folder, folders, names in os.walk(path):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
        yield folder, [os.path.join(folder, name) for name in names]


def copy_library(target):
    """Copies and compiles the standard library. Returns how many sources there are.

    Sources that do not compile would be stale for ever, and are removed.
    """
    shutil.copytree(
        sysconfig.get_path("stdlib"), target, ignore=only_sources, ignore_dangling_symlinks=True
    )
    subprocess.run(
        [sys.executable, "-m", "compileall", "-qq", "-j0", target], stdin=subprocess.DEVNULL
    )
    left = 0
    for folder, sources in walk_sources(target):
        for source in sources:
            stem, _ = os.path.splitext(os.path.basename(source))
            name = "%s.%s.pyc" % (stem, sys.implementation.cache_tag)
            if os.path.exists(os.path.join(folder, "__pycache__", name)):
                left += 1
            else:
                os.remove(source)
    return left


def make_tree(scratch, wanted):
    """A tree of at least `wanted` sources, as of several systems side by side, all up to date."""
    path = os.path.join(scratch, "tree")
    place = "system%02d/usr/lib/" + os.path.basename(sysconfig.get_path("stdlib"))
    first = os.path.join(path, place % 0)
    count = copy_library(first)
    for number in range(1, -(-wanted // count)):
        shutil.copytree(first, os.path.join(path, place % number))

    folders = list(walk_sources(path))
    sizes = {source: os.path.getsize(source) for _, sources in folders for source in sources}
    longest_first = sorted(sizes, key=lambda source: (-sizes[source], source))
    with open(os.path.join(scratch, "sources"), "w", encoding="utf-8") as file:
        file.writelines("%s\n" % source for source in longest_first)
    empty = os.path.join(scratch, "empty")
    os.mkdir(empty)
    return Tree(
        path=path,
        sources=len(sizes),
        folders=len(folders),
        size=sum(sizes.values()),
        one=longest_first[len(sizes) // 2],
        empty=empty,
        list=file.name,
    )


# --- Measuring --------------------------------------------------------------------------------


class Bench:
    def __init__(self, options, scratch, tree):
        self.jobs = options.jobs or len(os.sched_getaffinity(0))
        self.rounds = {s: options.rounds or options.scale[s] for s in SECTIONS}
        self.scratch = scratch
        self.tree = tree
        self.build = options.build
        # The program's own default is measured, unless another number is asked for.
        own_jobs = ["-j%d" % options.jobs] if options.jobs else []
        self.program = [os.path.join(self.build, "src", "pycompileall"), "-q", *own_jobs]
        self.compileall = [sys.executable, "-m", "compileall", "-q"]
        self.load = os.getloadavg()[0]  # before anything was measured
        self.times = []  # section, program, samples
        self.pythons = options.python or []

    def floor(self, name, *arguments):
        return [os.path.join(self.build, "scripts", "floors", name), *map(str, arguments)]

    def expect_fresh(self, expected, *options):
        """Ends the bench unless so many of the tree's sources are up to date."""
        found = run(self.floor("floor_check", *options, self.jobs, self.tree.path)).strip()
        if found != "%d sources, %d fresh" % (self.tree.sources, expected):
            fail("of %d sources %d should be fresh: %s" % (self.tree.sources, expected, found))

    def run_once(self, command):
        """Runs a command once, by hyperfine. Returns its Sample."""
        export = os.path.join(self.scratch, "run.json")
        # Not every source of one version is a source of another.
        arguments = ["--shell=none", "--style=none", "--runs=1", "--export-json", export]
        arguments += ["--ignore-failure"] if self.pythons else []
        run(["hyperfine", *arguments, shlex.join(command)], cwd=self.scratch)
        with open(export, encoding="utf-8") as file:
            (result,) = json.load(file)["results"]
        return Sample(result["mean"], result["user"] + result["system"])

    def measure(self, section, commands, before=None, after=None, warm_up=1):
        """Runs the section's rounds. Returns lists of a Sample a round, by name of the command.

        `before` and `after` are called around each run with the name of the command.
        """
        rounds = self.rounds[section]
        names = list(commands)
        tell("%s, %d rounds of %s" % (section, rounds, "; ".join(names)))
        samples = {name: [] for name in names}
        for number in range(-warm_up, rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                if before:
                    before(name)
                sample = self.run_once(commands[name])
                if number >= 0:
                    samples[name].append(sample)
                if after:
                    after(name)
        self.times += [(section, name, samples[name]) for name in names]
        return samples

    def put_cache_aside(self):
        """Takes the tree's byte-code away, and what is on its way to the disk.

        It is moved and emptied, not removed: ext4 without a journal does not use an inode again
        for minutes, and searches past all of these for each file that it makes.
        """
        aside = tempfile.mkdtemp(dir=self.scratch)
        caches = [f for f, _, _ in os.walk(self.tree.path) if os.path.basename(f) == "__pycache__"]
        for number, cache in enumerate(caches):
            os.rename(cache, os.path.join(aside, str(number)))
        for folder, _, names in os.walk(aside):
            for name in names:
                os.truncate(os.path.join(folder, name), 0)
        run(["sync", "--file-system", self.tree.path])

    def fresh(self):
        tree = self.tree.path
        self.expect_fresh(self.tree.sources)
        samples = self.measure(
            "fresh",
            {
                "pycompileall": [*self.program, tree],
                "floor_check": self.floor("floor_check", self.jobs, tree),
                "compileall -j1": [*self.compileall, "-j1", tree],
                "compileall -jN": [*self.compileall, "-j%d" % self.jobs, tree],
            },
        )
        yield wall_ratio("fresh", samples, "pycompileall", "floor_check")
        yield wall_ratio("fresh", samples, "compileall -j1", "pycompileall")
        yield wall_ratio("fresh", samples, "compileall -jN", "pycompileall")
        # What a program could reach at best that is as fast as the floor.
        yield wall_ratio("fresh", samples, "compileall -j1", "floor_check")

    def one(self):
        samples = self.measure(
            "one",
            {
                "pycompileall": [*self.program, self.tree.one],
                "pycompileall, empty folder": [*self.program, self.tree.empty],
                "floor_nothing": self.floor("floor_nothing"),
                "compileall": [*self.compileall, self.tree.one],
                "compileall, empty folder": [*self.compileall, self.tree.empty],
            },
        )
        yield wall_ratio("one", samples, "compileall", "pycompileall")
        yield wall_excess("one", samples, "pycompileall", "floor_nothing")
        yield wall_ratio(
            "one", samples, "compileall, empty folder", "pycompileall, empty folder"
        )
        yield wall_excess("one", samples, "pycompileall, empty folder", "floor_nothing")

    def stale(self):
        tree = self.tree.path

        def after(name):
            self.expect_fresh(0 if name == "floor_compile" else self.tree.sources)

        samples = self.measure(
            "stale",
            {
                "pycompileall": [*self.program, tree],
                "floor_compile": self.floor("floor_compile", self.jobs, self.tree.list),
                "compileall -jN": [*self.compileall, "-j%d" % self.jobs, tree],
            },
            before=lambda name: self.put_cache_aside(),
            after=after,
            warm_up=0,
        )
        yield wall_ratio("stale", samples, "compileall -jN", "pycompileall")
        yield wall_ratio("stale", samples, "pycompileall", "floor_compile")
        yield cpu_ratio("stale", samples, "pycompileall", "floor_compile")
        # The floor is busy to its end: where it is not, the machine had something else to do.
        yield busy_ratio("stale", samples, "pycompileall", "floor_compile")

    def hash(self):
        command = [*self.program, "--invalidation-mode", "checked-hash", self.tree.path]
        run(command)
        self.expect_fresh(self.tree.sources, "--hash")
        samples = self.measure(
            "hash",
            {
                "pycompileall": command,
                "floor_check --hash": self.floor(
                    "floor_check", "--hash", self.jobs, self.tree.path
                ),
            },
        )
        yield wall_ratio("hash", samples, "pycompileall", "floor_check --hash")


    def with_python(self, *pythons):
        named = itertools.chain.from_iterable(("--python", python) for python in pythons)
        return [*self.program, *named, self.tree.path]

    def python(self):
        run(self.with_python(sys.executable))
        self.expect_fresh(self.tree.sources)
        samples = self.measure("python", self.with_and_without_python())
        yield wall_ratio("python", samples, "pycompileall --python", "pycompileall")

    def python_stale(self):
        samples = self.measure(
            "python-stale",
            self.with_and_without_python(),
            before=lambda name: self.put_cache_aside(),
            after=lambda name: self.expect_fresh(self.tree.sources),
            warm_up=0,
        )
        yield wall_ratio("python-stale", samples, "pycompileall --python", "pycompileall")

    def with_and_without_python(self):
        return {
            "pycompileall": [*self.program, self.tree.path],
            "pycompileall --python": self.with_python(sys.executable),
        }

    def targets(self):
        if len(self.pythons) < 2:
            tell("targets: left out, fewer than two interpreters are named with --python")
            return
        commands = {python: self.with_python(python) for python in self.pythons}
        commands["all at once"] = self.with_python(*self.pythons)
        samples = self.measure(
            "targets", commands, before=lambda name: self.put_cache_aside(), warm_up=0
        )
        alone = zip(*(samples[python] for python in self.pythons))
        sums = (sum(sample.wall for sample in row) for row in alone)
        values = [a.wall / b for a, b in zip(samples["all at once"], sums)]
        yield Row("targets", "wall: all at once / one after the other", values)


# In the order in which they are run: the first two need the tree as it was made.
SECTIONS = {
    "fresh": Bench.fresh,
    "one": Bench.one,
    "python": Bench.python,
    "stale": Bench.stale,
    "python-stale": Bench.python_stale,
    "targets": Bench.targets,
    "hash": Bench.hash,
}


def pairs(samples, left, right):
    return zip(samples[left], samples[right])


def wall_ratio(section, samples, left, right):
    values = [a.wall / b.wall for a, b in pairs(samples, left, right)]
    return Row(section, "wall: %s / %s" % (left, right), values)


def wall_excess(section, samples, left, right):
    values = [(a.wall - b.wall) * 1000 for a, b in pairs(samples, left, right)]
    return Row(section, "wall, ms: %s − %s" % (left, right), values)


def busy_ratio(section, samples, left, right):
    values = [(a.cpu / a.wall) / (b.cpu / b.wall) for a, b in pairs(samples, left, right)]
    return Row(section, "cores busy: %s / %s" % (left, right), values)


def cpu_ratio(section, samples, left, right):
    values = [a.cpu / b.cpu for a, b in pairs(samples, left, right)]
    return Row(section, "CPU: %s / %s" % (left, right), values)


# --- Printing ---------------------------------------------------------------------------------


def first_line(path, key):
    """What follows the key and a colon or equals sign in a file; "unknown" without such a line."""
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                name, _, value = line.replace("=", ":", 1).partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return "unknown"


def print_facts(bench):
    tree = bench.tree
    makefile = os.path.join(bench.build, "Makefile")
    flags = (first_line(makefile, "CFLAGS"), first_line(makefile, "SANITIZER_CFLAGS"))
    facts = {
        "machine": "%d CPUs usable, %s; %s %s; load average before the first round %.1f"
        % (
            len(os.sched_getaffinity(0)),
            first_line("/proc/cpuinfo", "model name"),
            platform.system(),
            platform.release(),
            bench.load,
        ),
        "Python": "%s %s" % (platform.python_implementation(), platform.python_version()),
        "built with": " ".join(flags).strip(),
        "N": "%d (%s)" % (bench.jobs, "--jobs" if bench.program[2:] else "the program's default"),
        "tree": "%d sources, %.1f MB, in %d folders, on %s"
        % (
            tree.sources,
            tree.size / 1e6,
            tree.folders,
            run(["stat", "--file-system", "--format=%T", tree.path]).strip(),
        ),
    }
    for name, value in facts.items():
        print("- %s: %s" % (name, value))
    print()


def judge(row):
    """The bar of a row and whether it is met, as the table has them."""
    bar = BARS.get((row.section, row.quantity))
    if not bar:
        return "", ""
    sense, limit = bar
    median = statistics.median(row.values)
    met = median <= limit if sense == "<=" else median >= limit
    sign = {"<=": "≤", ">=": "≥"}[sense]
    return "%s %g" % (sign, limit), "ok" if met else "MISSED"


def print_ratios(rows):
    """Prints the table. Returns whether every bar is met."""
    print("| section | measured | median | min – max | bar | |")
    print("|---|---|--:|--:|--:|---|")
    missed = False
    for row in rows:
        bar, verdict = judge(row)
        missed |= verdict == "MISSED"
        numbers = statistics.median(row.values), min(row.values), max(row.values)
        print(
            "| %s | %s | %.2f | %.2f – %.2f | %s | %s |"
            % (row.section, row.quantity, *numbers, bar, verdict)
        )
    print()
    return not missed


def print_times(bench):
    """Prints medians; cores busy is the share of N processors that a program had."""
    print("| section | program | wall, ms | CPU, ms | cores busy | rounds |")
    print("|---|---|--:|--:|--:|--:|")
    for section, name, samples in bench.times:
        wall = statistics.median(sample.wall for sample in samples) * 1000
        cpu = statistics.median(sample.cpu for sample in samples) * 1000
        busy = statistics.median(sample.cpu / sample.wall for sample in samples) / bench.jobs
        print(
            "| %s | %s | %.1f | %.1f | %.0f %% | %d |"
            % (section, name, wall, cpu, busy * 100, len(samples))
        )


# --- The command line -------------------------------------------------------------------------


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def describe(scale):
    rounds = ", ".join("%s %d" % (section, scale[section]) for section in SECTIONS)
    return "%d sources, rounds: %s" % (scale["sources"], rounds)


def parse_options():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--build", metavar="DIR", help="build folder (default: $BUILD_DIR, or ./build)"
    )
    parser.add_argument(
        "--quick",
        dest="scale",
        action="store_const",
        const=QUICK,
        default=FULL,
        help="%s; without: %s" % (describe(QUICK), describe(FULL)),
    )
    parser.add_argument("--sources", type=positive, metavar="N", help="at least N sources")
    parser.add_argument("--rounds", type=positive, metavar="N", help="N rounds in every section")
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="N workers (default: as many as usable CPUs)"
    )
    parser.add_argument(
        "--python",
        action="append",
        metavar="EXE",
        help="an interpreter for the section targets; to be given more than once",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=SECTIONS,
        metavar="SECTION",
        help="only this section; may be given more than once",
    )
    return parser.parse_args()


def clean_environment():
    """Takes away what would change how Python or the program compiles."""
    for name in list(os.environ):
        if name.startswith("PYTHON") or name == "SOURCE_DATE_EPOCH":
            del os.environ[name]


def main():
    options = parse_options()
    options.build = os.path.abspath(options.build)
    clean_environment()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    with tempfile.TemporaryDirectory(prefix="pycompileall-bench.") as scratch:
        wanted = options.sources or options.scale["sources"]
        tell("making a tree of %d sources in %s" % (wanted, scratch))
        bench = Bench(options, scratch, make_tree(scratch, wanted))
        sections = [SECTIONS[name] for name in SECTIONS if name in (options.only or SECTIONS)]
        rows = list(itertools.chain.from_iterable(section(bench) for section in sections))
        print_facts(bench)
        met = print_ratios(rows)
        print_times(bench)
    return 0 if met else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(3)

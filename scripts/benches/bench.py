"""What all sections share: the programs, the trees, and how rounds are run."""

import functools
import json
import os
import random
import shlex
import sys
import tempfile

import trees
from command import fail, run, tell
from rows import Sample


class Bench:
    def __init__(self, options, scratch):
        self.jobs = options.jobs or len(os.sched_getaffinity(0))
        self.options = options
        self.scratch = scratch
        self.build = options.build
        # The program's own default is measured, unless another number is asked for.
        own_jobs = ["-j%d" % options.jobs] if options.jobs else []
        self.program = [os.path.join(self.build, "src", "pycompileall"), "-q", *own_jobs]
        self.compileall = [sys.executable, "-m", "compileall", "-q"]
        self.load = os.getloadavg()[0]  # before anything was measured
        self.times = []  # section, program, samples
        self.pythons = options.python or []

    @functools.cached_property
    def library(self):
        """Paths of the copies of the library, and of the first of these."""
        wanted = self.options.sources or self.options.scale["sources"]
        tell("making a tree of %d sources in %s" % (wanted, self.scratch))
        return trees.make_library_tree(self.scratch, wanted)

    @functools.cached_property
    def tree(self):
        return trees.describe(self.scratch, self.library[0])

    @functools.cached_property
    def stale_tree(self):
        """What is compiled as a whole: the tree, or, where that takes too long, one copy of it."""
        if self.options.scale["stale whole"]:
            return self.tree
        return trees.describe(self.scratch, self.library[1])

    def describe(self, path):
        return trees.describe(self.scratch, path)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def rounds(self, section):
        return self.options.rounds or self.options.scale.get(section, 1)

    def floor(self, name, *arguments):
        return [os.path.join(self.build, "scripts", "floors", name), *map(str, arguments)]

    def expect_fresh(self, tree, expected, *options):
        """Ends the bench unless so many of the tree's sources are up to date."""
        found = run(self.floor("floor_check", *options, self.jobs, tree.path)).strip()
        if found != "%d sources, %d fresh" % (tree.sources, expected):
            fail("of %d sources %d should be fresh: %s" % (tree.sources, expected, found))

    def run_once(self, command):
        """Runs a command once, by hyperfine. Returns its Sample."""
        export = self.path("run.json")
        # Not every source of one version is a source of another.
        arguments = ["--shell=none", "--style=none", "--runs=1", "--export-json", export]
        arguments += ["--ignore-failure"] if self.pythons else []
        run(["hyperfine", *arguments, shlex.join(command)], cwd=self.scratch)
        with open(export, encoding="utf-8") as file:
            (result,) = json.load(file)["results"]
        return Sample(result["mean"], result["user"] + result["system"])

    def measure(self, section, commands, before=None, after=None, warm_up=1):
        """Runs the section's rounds. Returns lists of a Sample a round, by name of the command.

        The order in each round is by chance, the same in every bench: what a command leaves behind,
        in caches and in memory, is not always met by the same other one.

        `before` and `after` are called around each run with the name of the command.
        """
        rounds = self.rounds(section)
        names = list(commands)
        tell("%s, %d rounds of %s" % (section, rounds, "; ".join(names)))
        samples = {name: [] for name in names}
        chance = random.Random(section)
        for number in range(-warm_up, rounds):
            for name in chance.sample(names, len(names)):
                if before:
                    before(name)
                sample = self.run_once(commands[name])
                if number >= 0:
                    samples[name].append(sample)
                if after:
                    after(name)
        self.times += [(section, name, samples[name]) for name in names]
        return samples

    def measure_stale(self, section, tree, commands, check=None):
        """The same, with all byte-code of the tree taken away before each run."""
        return self.measure(
            section,
            commands,
            before=lambda name: self.put_cache_aside(tree),
            after=check,
            warm_up=0,
        )

    def put_cache_aside(self, tree):
        """Takes a tree's byte-code away, and what is on its way to the disk.

        It is moved and emptied, not removed: ext4 without a journal does not use an inode again
        for minutes, and searches past all of these for each file that it makes.
        """
        aside = tempfile.mkdtemp(dir=self.scratch)
        caches = [f for f, _, _ in os.walk(tree.path) if os.path.basename(f) == "__pycache__"]
        for number, cache in enumerate(caches):
            os.rename(cache, os.path.join(aside, str(number)))
        for folder, _, names in os.walk(aside):
            for name in names:
                os.truncate(os.path.join(folder, name), 0)
        run(["sync", "--file-system", tree.path])

"""The scratch trees."""

import importlib.util
import itertools
import marshal
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
from typing import NamedTuple

# Every other copy of the library has its folders divided into parts of so many sources, so that
# there are also as many folders as a tree of packages has.
PART = 5

# Some file systems have no more than 65,000 links to a file.
LINKS = 60000


class Tree(NamedTuple):
    """A scratch tree, all of whose sources compile."""

    path: str
    sources: int
    folders: int
    size: int  # bytes of all sources
    longest: list  # the path of every source, the longest source first
    list: str  # file with these, one a line


def walk_sources(path):
    for folder, folders, names in os.walk(path):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
        yield folder, [os.path.join(folder, name) for name in names]


def cache_of(source):
    return importlib.util.cache_from_source(source, optimization="")


def write_list(scratch, sources):
    """Writes paths into a new file, as floor_compile reads them. Returns its path."""
    for number in itertools.count():
        path = os.path.join(scratch, "sources-%d" % number)
        if not os.path.exists(path):
            break
    with open(path, "x", encoding="utf-8") as file:
        file.writelines("%s\n" % source for source in sources)
    return path


def describe(scratch, path):
    """The Tree of what lies at a path."""
    folders = list(walk_sources(path))
    sizes = {source: os.path.getsize(source) for _, sources in folders for source in sources}
    longest = sorted(sizes, key=lambda source: (-sizes[source], source))
    return Tree(
        path=path,
        sources=len(sizes),
        folders=len(folders),
        size=sum(sizes.values()),
        longest=longest,
        list=write_list(scratch, longest),
    )


# --- Copies of the standard library -------------------------------------------------------------


def only_sources(folder, names):
    """For shutil.copytree: what of a folder is left out."""
    skipped = {"__pycache__", "site-packages", "dist-packages"}
    paths = ((name, os.path.join(folder, name)) for name in names)
    return [
        name
        for name, path in paths
        if name in skipped or not (os.path.isdir(path) or name.endswith(".py"))
    ]


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
    for _, sources in walk_sources(target):
        for source in sources:
            if os.path.exists(cache_of(source)):
                left += 1
            else:
                os.remove(source)
    return left


def move_sources(sources, target):
    """Moves sources and their byte-code, which stays up to date, to a new folder."""
    os.makedirs(os.path.join(target, "__pycache__"))
    for source in sources:
        moved = os.path.join(target, os.path.basename(source))
        os.rename(cache_of(source), cache_of(moved))
        os.rename(source, moved)


def divide_folders(path):
    """Leaves PART sources in each folder; the others go to folders below it."""
    for folder, sources in list(walk_sources(path)):
        for number, begin in enumerate(range(PART, len(sources), PART)):
            part = os.path.join(folder, "part%03d" % number)
            move_sources(sources[begin : begin + PART], part)


def place(path, number):
    """Where a copy lies, as if the tree held several systems side by side."""
    library = os.path.basename(sysconfig.get_path("stdlib"))
    return os.path.join(path, "system%02d/usr/lib" % number, library)


def make_library_tree(scratch, wanted):
    """Copies of the library, all up to date, until there are at least `wanted` sources.

    Returns the path of all, and that of the first copy.
    """
    path = os.path.join(scratch, "tree")
    count = copy_library(place(path, 0))
    for number in range(1, -(-wanted // count)):
        shutil.copytree(place(path, max(0, number - 2)), place(path, number))
        if number == 1:
            divide_folders(place(path, number))
    return path, place(path, 0)


def copy_sources(sources, target, count):
    """Makes a folder of `count` copies of the sources, in turn, without byte-code."""
    os.mkdir(target)
    for number, source in enumerate(itertools.islice(itertools.cycle(sources), count)):
        shutil.copyfile(source, os.path.join(target, "module_%06d.py" % number))
    return target


# --- Synthetic trees ----------------------------------------------------------------------------


def write_source(path, text):
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)


def make_tiny_tree(path, folders, sources):
    """So many folders of so many sources of a few lines each; no two sources are equal."""
    for folder in range(folders):
        below = os.path.join(path, "package_%03d" % folder)
        os.makedirs(below)
        for number in range(sources):
            write_source(
                os.path.join(below, "module_%03d.py" % number),
                "import os\n\n\ndef name_%d_%d(path):\n    return os.path.join(path, '%d.%d')\n"
                % (folder, number, folder, number),
            )
    return path


def make_giant_tree(path, functions):
    """One folder: a source of so many functions between 400 tiny ones."""
    os.mkdir(path)
    for number in range(400):
        first = "a" if number < 200 else "z"
        text = "def value(x):\n    return x + %d\n" % number
        write_source(os.path.join(path, "%s%03d.py" % (first, number)), text)
    function = "def function_%d(a, b):\n    return [a + b * %d, 'text %d']\n"
    text = "".join(function % (number, number, number) for number in range(functions))
    write_source(os.path.join(path, "giant.py"), text)
    return path


def write_pair(path):
    """Writes a source and byte-code that fits it. Returns the paths of both."""
    text = "x = 1\n"
    write_source(path, text)
    status = os.stat(path)
    header = struct.pack("<III", 0, int(status.st_mtime), status.st_size)
    with open(path + "c", "xb") as file:
        file.write(importlib.util.MAGIC_NUMBER + header)
        file.write(marshal.dumps(compile(text, path, "exec")))
    return path, path + "c"


def link_pairs(folder, pairs):
    """Gives a new folder a source and its byte-code for each of the pairs."""
    end = ".%s.pyc" % sys.implementation.cache_tag
    cache = os.path.join(folder, "__pycache__")
    os.makedirs(cache)
    for number, (source, byte_code) in enumerate(pairs):
        name = "module_%06d" % number
        os.link(source, os.path.join(folder, name + ".py"))
        os.link(byte_code, os.path.join(cache, name + end))


def make_linked_tree(path, folders, sources):
    """So many folders of so many sources, all up to date.

    They are links to a few files: only their names take time to make and room on the disk.
    """
    seeds = path + ".seeds"
    os.mkdir(seeds)
    count = -(-folders * sources // LINKS)
    written = [write_pair(os.path.join(seeds, "%d.py" % number)) for number in range(count)]
    pairs = itertools.chain.from_iterable(itertools.repeat(pair, LINKS) for pair in written)
    for number in range(folders):
        below = "package_%03d/part_%03d" % divmod(number, 100) if folders > 1 else ""
        link_pairs(os.path.join(path, below), itertools.islice(pairs, sources))
    return path

"""CPython's compileall or py_compile with some of our deliberate differences patched in.

    reference.py DIFFERENCE[,DIFFERENCE...] compileall|py_compile ARGUMENT...

Where the program differs from CPython on purpose, the difference itself is tested by holding the
program against this. Each difference is a change of the interpreter's own compileall.py; one that
finds nothing to change ends with an assertion, since CPython is then not what we take it for.
"""

import importlib._bootstrap_external as bootstrap
import importlib.util
import linecache
import os
import py_compile
import re
import sys
import warnings


def replace(source, old, new):
    assert old in source, old
    return source.replace(old, new)


def strip(source):
    """-s as of 3.13: whole leading parts, or it is ignored and a line says so."""
    if "is not a valid prefix" in source:
        return source
    return re.sub(
        r"        stripdir_parts = .*\n(.*\n)*?        dfile = os\.path\.join\(\*ddir_parts\)\n",
        """\
        stripdir_parts = stripdir.split(os.path.sep)
        if stripdir_parts != fullname_parts[:len(stripdir_parts)]:
            if quiet < 2:
                print("The stripdir path {!r} is not a valid prefix for "
                      "source path {!r}; ignoring".format(stripdir, fullname))
        else:
            dfile = os.path.join(*fullname_parts[len(stripdir_parts):])
""",
        source,
    )


def strip_slash(source):
    """Trailing slashes of -s, and of the operand that -d takes off, do not count."""
    return replace(
        source,
        "        stripdir_parts = stripdir.split(os.path.sep)\n",
        "        stripdir_parts = stripdir.rstrip('/').split(os.path.sep)\n",
    )


def strip_sources(source):
    """The line about -s is printed for sources only."""
    return replace(
        source,
        "            if quiet < 2:\n                print(\"The stripdir",
        "            if quiet < 2 and name.endswith('.py') and os.path.isfile(fullname):\n"
        "                print(\"The stripdir",
    )


def sys_path(source):
    """No operand: the folders of sys.path as if they were named, so that all options count."""
    return replace(
        source,
        "        if compile_dests:\n",
        """\
        if not compile_dests:
            maxlevels = 0
            if not getattr(sys.flags, "safe_path", False):
                sys.path[0] = os.getcwd()
            compile_dests = [dir or os.getcwd() for dir in sys.path]
        if compile_dests:
""",
    )


def dupes(source):
    """--hardlink-dupes does not link a file to itself."""
    return replace(
        source,
        "if index > 0 and hardlink_dupes:",
        "if index > 0 and hardlink_dupes and cfile != opt_cfiles[optimize[index - 1]]:",
    )


def own_level(source):
    """Levels below 0 are the interpreter's own, which is compiled once if it is named twice."""
    return replace(
        source,
        "    if rx is not None:\n        mo =",
        "    own = sys.flags.optimize\n"
        "    optimize = list(dict.fromkeys(own if o < 0 else o for o in optimize))\n"
        "    if rx is not None:\n        mo =",
    )


def link_limit(source):
    """-e as of 3.13: loops are no errors. And no path goes through pathlib, which interns it."""
    return replace(
        source,
        "Path(limit_sl_dest).resolve() not in Path(fullname).resolve().parents",
        "Path(os.path.realpath(limit_sl_dest)) not in Path(os.path.realpath(fullname)).parents",
    )


def order(source):
    """The walk's order, whatever -j is."""
    return replace(source, "    if workers != 1:\n", "    workers = 1\n    if workers != 1:\n")


def unlistable(source):
    """A folder that cannot be listed is a failure (cpython#88621)."""
    source = replace(
        source,
        "        names = os.listdir(dir)\n    except OSError:\n",
        "        names = os.listdir(dir)\n    except OSError:\n        unlistable.append(dir)\n",
    )
    return source + "\nunlistable = []\n"


# What each of these turns on in is_fresh.
STRICTER = {"whole-header", "hash-compared", "other-mode"}
stricter = set()


def judge_hash(pyc, file):
    if "hash-compared" not in stricter:
        return False
    with open(file, "rb") as stream:
        source = stream.read()
    bootstrap._validate_hash_pyc(pyc, importlib.util.source_hash(source), file, {})
    return True


def judge(pyc, file, mode):
    flags = bootstrap._classify_pyc(pyc, file, {})
    if flags & 1:
        if "other-mode" in stricter and mode is not None:
            wanted = 3 if mode == py_compile.PycInvalidationMode.CHECKED_HASH else 1
            if mode == py_compile.PycInvalidationMode.TIMESTAMP or flags != wanted:
                return False
        return judge_hash(pyc, file)
    if "other-mode" in stricter and mode not in (None, py_compile.PycInvalidationMode.TIMESTAMP):
        return False
    status = os.stat(file)
    if "whole-header" not in stricter:
        return pyc[8:12] == (int(status.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
    bootstrap._validate_timestamp_pyc(pyc, int(status.st_mtime), status.st_size, file, {})
    return len(pyc) > 16


def is_fresh(cfile, file, mode):
    """compileall's check of one .pyc, made as strict as import's where that was asked for."""
    with open(cfile, "rb") as stream:
        pyc = stream.read()
    if "whole-header" not in stricter and len(pyc) < 16:
        pyc = pyc.ljust(16 if len(pyc) >= 12 else 0, b"\0")
    try:
        return judge(pyc, file, mode)
    except (ImportError, EOFError):
        return False


def staleness(source):
    """The check of the header, level by level; only stale levels are written."""
    check = re.search(
        r"                    mtime = int\(.*\n(.*\n)*?                        return success\n", source
    ).group()
    return source.replace(
        check,
        "                    if all(is_fresh(cfile, fullname, invalidation_mode)\n"
        "                           for cfile in opt_cfiles.values()):\n"
        "                        return success\n",
    )


def is_fresh_level(cfile, file, mode, force):
    try:
        return not force and is_fresh(cfile, file, mode)
    except OSError:
        return False


def stale_levels(source):
    """Of several levels, only those that are stale are written."""
    return replace(
        source,
        "ok = py_compile.compile(",
        "ok = is_fresh_level(cfile, fullname, invalidation_mode, force) or py_compile.compile(",
    )


def compile_unquoted(compile):
    """py_compile.compile that quotes no line of a file that only has the name of the source."""

    def unquoted(file, cfile=None, dfile=None, *rest, **options):
        getline = linecache.getline
        if dfile and dfile != file:
            linecache.getline = lambda *arguments: ""
        try:
            return compile(file, cfile, dfile, *rest, **options)
        except py_compile.PyCompileError as error:
            if not dfile or dfile == file or not isinstance(error.exc_value, SyntaxError):
                raise
            again = compile_nameless(compile, file, cfile, dfile, rest, options)
        finally:
            linecache.getline = getline
        raise again

    return unquoted


def compile_nameless(compile, file, cfile, dfile, rest, options):
    """Compiles under a name that no file has, and puts the other one into the error."""
    showwarning = warnings.showwarning
    warnings.showwarning = lambda *arguments, **more: None
    try:
        compile(file, cfile, "\n/\n", *rest, **options)
    except py_compile.PyCompileError as error:
        value = error.exc_value
        if value.filename is not None:
            value.filename = dfile
        return py_compile.PyCompileError(type(value), value, dfile)
    finally:
        warnings.showwarning = showwarning
    raise AssertionError(file)


def quote(source):
    py_compile.compile = compile_unquoted(py_compile.compile)
    return source


def run_compileall(differences):
    import compileall

    with open(compileall.__file__, encoding="utf-8") as stream:
        source = stream.read()
    if stricter:
        source = staleness(source)
    for difference, change in CHANGES.items():
        if difference in differences:
            source = change(source)
    names = {"__name__": "reference", "is_fresh": is_fresh, "is_fresh_level": is_fresh_level}
    exec(compile(source, compileall.__file__, "exec"), names)
    return int(not names["main"]() or bool(names.get("unlistable")))


def py_compile_one(name, quiet):
    try:
        py_compile.compile(name, doraise=True)
    except (py_compile.PyCompileError, OSError) as error:
        text = error.msg if isinstance(error, py_compile.PyCompileError) else str(error)
        if not quiet:
            sys.stderr.write(text if text.endswith("\n") else text + "\n")
        return 1
    return 0


def run_py_compile():
    """All files are tried, and each message is a line (or several) of its own."""
    names = [name for name in sys.argv[1:] if name not in ("-q", "--quiet")]
    quiet = len(names) < len(sys.argv) - 1
    if names == ["-"]:
        names = [name.rstrip("\n") for name in sys.stdin.readlines()]
    return max([py_compile_one(name, quiet) for name in names], default=0)


# In the order in which they are made.
CHANGES = {
    "strip-3.13": strip,
    "strip-slash": strip_slash,
    "strip-sources": strip_sources,
    "sys-path": sys_path,
    "dupes-lost": dupes,
    "own-level": own_level,
    "link-limit": link_limit,
    "order": order,
    "stale-levels": stale_levels,
    "unlistable": unlistable,
    "quote": quote,
}


def main():
    differences = set(sys.argv[1].split(","))
    module = sys.argv[2]
    assert differences <= set(CHANGES) | STRICTER | {"goes-on"}, differences
    stricter.update(differences & STRICTER)
    sys.argv[:3] = [module + ".py"]
    return run_compileall(differences) if module == "compileall" else run_py_compile()


if __name__ == "__main__":
    sys.exit(main())

"""Prints what configure has to know of the interpreter that runs this, as shell assignments."""

import importlib.util
import os
import shlex
import sys
import sysconfig


def facts():
    variable = sysconfig.get_config_var
    yield "implementation", sys.implementation.name
    yield "version", sys.version.split()[0]
    yield "hexversion", "%#010x" % sys.hexversion
    yield "executable", os.path.abspath(sys.executable)
    yield "cache_tag", sys.implementation.cache_tag
    yield "magic_bytes", ", ".join("0x%02x" % byte for byte in importlib.util.MAGIC_NUMBER)
    yield "includepy", variable("INCLUDEPY")
    yield "libdir", variable("LIBDIR")
    yield "libpl", variable("LIBPL")
    yield "libpc", variable("LIBPC")
    yield "ldversion", variable("LDVERSION")
    yield "shared", variable("Py_ENABLE_SHARED")
    yield "multiarch", variable("MULTIARCH")
    yield "libs", "%s %s" % (variable("LIBS"), variable("SYSLIBS"))
    yield "linkforshared", variable("LINKFORSHARED")


for name, value in facts():
    print("python_%s=%s" % (name, shlex.quote("" if value is None else str(value))))

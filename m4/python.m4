# python.m4: the Python that is embedded, and what is known of it at compile time.

# PYCOMPILEALL_PYTHON
# Finds an interpreter and its libpython: those of PYTHON or --with-python where given, else those of
# pkg-config's python3-embed. `python3` on PATH is not asked: it may be another Python than the one
# that can be linked. Substitutes PYTHON, PYTHON_CFLAGS and PYTHON_LIBS, defines PYTHON_* in
# config.h, and fails unless interpreter, headers and library are of one version.
AC_DEFUN([PYCOMPILEALL_PYTHON], [
	AC_ARG_VAR([PYTHON], [interpreter whose libpython is embedded (default: python3-embed's)])
	AC_ARG_WITH([python], [AS_HELP_STRING([--with-python=EXE], [the same as PYTHON=EXE])],
		[PYTHON=$withval])

	AS_IF([test "x$PYTHON" = x], [_PYCOMPILEALL_PYTHON_PKG_CONFIG])
	_PYCOMPILEALL_PYTHON_DESCRIBE
	AS_IF([test "x$PYTHON_LIBS" = x], [_PYCOMPILEALL_PYTHON_FLAGS])
	_PYCOMPILEALL_PYTHON_RPATH
	_PYCOMPILEALL_PYTHON_AGREE

	AC_DEFINE_UNQUOTED([PYTHON_VERSION_STRING], ["$python_version"],
		[Version of the embedded Python.])
	AC_DEFINE_UNQUOTED([PYTHON_CACHE_TAG], ["$python_cache_tag"],
		[sys.implementation.cache_tag of the embedded Python.])
	AC_DEFINE_UNQUOTED([PYTHON_MAGIC_BYTES], [$python_magic_bytes],
		[importlib.util.MAGIC_NUMBER of the embedded Python, as an initialiser.])
	AC_DEFINE_UNQUOTED([PYTHON_HASH_KIND], [$python_hash_kind],
		[What _imp.source_hash of the embedded Python computes, an enum source_hash_kind.])
	AC_DEFINE_UNQUOTED([PYTHON_EXECUTABLE], ["$PYTHON"],
		[Interpreter of the embedded Python, from which its standard library is found.])
])

# Sets PYTHON, PYTHON_CFLAGS and PYTHON_LIBS from pkg-config's python3-embed.
AC_DEFUN([_PYCOMPILEALL_PYTHON_PKG_CONFIG], [
	PKG_CHECK_MODULES([PYTHON], [python3-embed >= 3.8], [], [AC_MSG_ERROR(m4_normalize([
		Python 3.8 or later with its headers and library is needed (Debian: python3
		libpython3-dev): pkg-config knows no python3-embed, and no PYTHON= was given.]))])
	PYTHON=`$PKG_CONFIG --variable=exec_prefix python3-embed`/bin/python`$PKG_CONFIG --modversion python3-embed`
])

# Asks PYTHON what it is: sets the python_* variables that m4/describe_python.py prints, and PYTHON to
# its absolute path.
AC_DEFUN([_PYCOMPILEALL_PYTHON_DESCRIBE], [
	AC_MSG_CHECKING([what $PYTHON is])
	python_version=
	eval "`\"$PYTHON\" -I -S \"$srcdir/m4/describe_python.py\" 2>&AS_MESSAGE_LOG_FD | grep '^python_'`"
	AS_IF([test "x$python_version" = x], [
		AC_MSG_RESULT([no Python 3])
		AC_MSG_ERROR([$PYTHON does not run as a Python 3 interpreter (see config.log).])])
	AC_MSG_RESULT([$python_implementation $python_version])

	AS_IF([test "x$python_implementation" != xcpython],
		[AC_MSG_ERROR([$PYTHON is $python_implementation, and only CPython can be embedded.])])
	AS_VERSION_COMPARE([$python_version], [3.8], [AC_MSG_ERROR(
		[$PYTHON is Python $python_version, and 3.8 is the oldest that can be embedded.])])
	AS_VERSION_COMPARE([$python_version], [3.15], [], [AC_MSG_WARN(
		[$PYTHON is Python $python_version, and 3.14 is the newest known to work.])],
		[AC_MSG_WARN(
		[$PYTHON is Python $python_version, and 3.14 is the newest known to work.])])
	AS_IF([test "x$python_cache_tag" = x],
		[AC_MSG_ERROR([$PYTHON has no cache tag, and so writes no byte-code.])])

	PYTHON=$python_executable
	AS_VERSION_COMPARE([$python_version], [3.11],
		[python_hash_kind=SOURCE_HASH_SIP24],
		[python_hash_kind=SOURCE_HASH_SIP13], [python_hash_kind=SOURCE_HASH_SIP13])
])

# Sets PYTHON_CFLAGS and PYTHON_LIBS for a PYTHON that was named: from its own pkg-config file if it
# is built with a shared library and has one, else as its python-config would. (A static library
# needs the libraries under it, which pkg-config's --libs leaves out.)
AC_DEFUN([_PYCOMPILEALL_PYTHON_FLAGS], [
	AC_MSG_CHECKING([how to embed $PYTHON])
	AS_IF([test "x$python_shared" = x1 &&
		PYTHON_LIBS=`PKG_CONFIG_PATH=$python_libpc $PKG_CONFIG --libs "python-$python_ldversion-embed" 2>&AS_MESSAGE_LOG_FD`],
		[PYTHON_CFLAGS=`PKG_CONFIG_PATH=$python_libpc $PKG_CONFIG --cflags "python-$python_ldversion-embed"`],
		[PYTHON_CFLAGS=-I$python_includepy
		PYTHON_LIBS="-L$python_libdir -lpython$python_ldversion $python_libs"
		AS_IF([test "x$python_shared" != x1],
			[PYTHON_LIBS="-L$python_libpl $PYTHON_LIBS $python_linkforshared"])])
	AC_MSG_RESULT([$PYTHON_CFLAGS $PYTHON_LIBS])
	AC_SUBST([PYTHON_CFLAGS])
	AC_SUBST([PYTHON_LIBS])
])

# Adds the library's folder to PYTHON_LIBS as a run path, where the loader would not look by itself.
AC_DEFUN([_PYCOMPILEALL_PYTHON_RPATH], [
	AS_CASE([$python_libdir],
		[/lib|/lib64|/usr/lib|/usr/lib64|/lib/$python_multiarch|/usr/lib/$python_multiarch], [],
		[AS_IF([test "x$python_shared" = x1],
			[AS_VAR_APPEND([PYTHON_LIBS], [" -Wl,-rpath,$python_libdir"])])])
])

# Fails unless the headers and, where a program can be run, the library are of PYTHON's version.
AC_DEFUN([_PYCOMPILEALL_PYTHON_AGREE], [
	pycompileall_cppflags=$CPPFLAGS
	pycompileall_libs=$LIBS
	CPPFLAGS="$CPPFLAGS $PYTHON_CFLAGS"
	LIBS="$PYTHON_LIBS $LIBS"

	AC_MSG_CHECKING([whether the headers are Python $python_version's])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
			#include <Python.h>
			_Static_assert(PY_VERSION_HEX == $python_hexversion, "another version");
		]])],
		[AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([$PYTHON is Python $python_version, and Python.h under "$PYTHON_CFLAGS" is missing or of another version.])])

	AC_MSG_CHECKING([whether the library is Python $python_version's])
	AC_RUN_IFELSE([AC_LANG_PROGRAM([[
			#include <Python.h>
			#include <string.h>
		]], [[
			size_t size = strlen(PY_VERSION);
			const char *version = Py_GetVersion();
			return strncmp(version, PY_VERSION, size) != 0 || version[size] != ' ';
		]])],
		[AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([$PYTHON is Python $python_version, and the library under "$PYTHON_LIBS" does not link, does not run or is of another version.])],
		[AC_MSG_RESULT([not checked (cross compiling)])])

	CPPFLAGS=$pycompileall_cppflags
	LIBS=$pycompileall_libs
])

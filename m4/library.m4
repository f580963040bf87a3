# library.m4: what libpycompile's linker can do.

# PYCOMPILEALL_VERSION_SCRIPT
# Sets the conditional VERSION_SCRIPT where the linker takes GNU's --version-script: src/pycompile.map
# says what is exported. Elsewhere libtool is given an expression that says the same.
AC_DEFUN([PYCOMPILEALL_VERSION_SCRIPT], [
	AC_CACHE_CHECK([whether the linker takes a version script],
		[pycompileall_cv_version_script], [
		pycompileall_ldflags=$LDFLAGS
		LDFLAGS="$LDFLAGS -shared -fPIC -Wl,--version-script=$srcdir/src/pycompile.map"
		AC_LINK_IFELSE([AC_LANG_SOURCE([[int pycompile_probe(void) { return 0; }]])],
			[pycompileall_cv_version_script=yes], [pycompileall_cv_version_script=no])
		LDFLAGS=$pycompileall_ldflags
	])
	AM_CONDITIONAL([VERSION_SCRIPT], [test "x$pycompileall_cv_version_script" = xyes])
])

# PYCOMPILEALL_CXX
# Sets the conditional HAVE_CXX where there is a C++ compiler that works. Only a test needs it.
AC_DEFUN([PYCOMPILEALL_CXX], [
	AC_CACHE_CHECK([whether $CXX is a C++ compiler that works], [pycompileall_cv_cxx], [
		AC_LANG_PUSH([C++])
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <string>]],
			[[return (int)std::string("").size();]])],
			[pycompileall_cv_cxx=yes], [pycompileall_cv_cxx=no])
		AC_LANG_POP([C++])
	])
	AM_CONDITIONAL([HAVE_CXX], [test "x$pycompileall_cv_cxx" = xyes])
])

# walker.m4: which of the C library's tree walks is used.

# PYCOMPILEALL_WALKER
# --with-walker=auto|fts|nftw. Defines HAVE_FTS or USE_NFTW, one of the two, and sets `walker`.
AC_DEFUN([PYCOMPILEALL_WALKER], [
	AC_ARG_WITH([walker],
		[AS_HELP_STRING([--with-walker=NAME],
			[walk trees with fts, nftw, or auto: fts where there is one (default: auto)])],
		[], [with_walker=auto])
	AS_CASE([$with_walker], [auto|fts|nftw], [],
		[AC_MSG_ERROR([--with-walker takes auto, fts or nftw, not "$with_walker".])])

	walker=nftw
	AS_IF([test "$with_walker" != nftw],
		[AC_CHECK_HEADER([fts.h],
			[AC_SEARCH_LIBS([fts_open], [fts],
				[AC_CHECK_MEMBER([FTS.fts_child], [walker=fts], [], [[
#include <sys/types.h>
#include <sys/stat.h>
#include <fts.h>
]])])])])
	AS_IF([test "$with_walker" = fts && test "$walker" != fts],
		[AC_MSG_ERROR([--with-walker=fts was given, and neither libc nor libfts has an fts_open with lists that can be sorted (FTS.fts_child).])])
	AS_IF([test "$walker" = nftw],
		[AC_CHECK_FUNC([nftw], [],
			[AC_MSG_ERROR([fts or nftw is needed, and the C library has neither.])])])

	AS_IF([test "$walker" = fts],
		[AC_DEFINE([HAVE_FTS], [1], [Define to 1 to walk trees with fts.])],
		[AC_DEFINE([USE_NFTW], [1], [Define to 1 to walk trees with nftw.])])
])

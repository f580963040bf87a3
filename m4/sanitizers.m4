# sanitizers.m4: --enable-asan, --enable-ubsan, --enable-tsan, --enable-fuzzers.

# PYCOMPILEALL_SANITIZERS
# Substitutes SANITIZER_CFLAGS, for the compiler and the linker, and sets the conditional TSAN: under
# it Criterion's runner cannot start, so that only the program itself is instrumented. The conditional
# FUZZ_ENGINE says that the fuzz targets are linked with libFuzzer.
AC_DEFUN([PYCOMPILEALL_SANITIZERS], [
	AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [build with AddressSanitizer])])
	AC_ARG_ENABLE([ubsan],
		[AS_HELP_STRING([--enable-ubsan], [build with UndefinedBehaviorSanitizer])])
	AC_ARG_ENABLE([tsan], [AS_HELP_STRING([--enable-tsan], [build with ThreadSanitizer])])

	AC_ARG_ENABLE([fuzzers],
		[AS_HELP_STRING([--enable-fuzzers],
			[build the fuzz targets with libFuzzer (clang; needs --enable-asan)])])

	AS_IF([test "x$enable_fuzzers" = xyes && test "x$enable_asan" != xyes],
		[AC_MSG_ERROR([--enable-fuzzers needs --enable-asan.])])
	AS_IF([test "x$enable_asan" = xyes && test "x$enable_tsan" = xyes],
		[AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other.])])

	SANITIZER_CFLAGS=
	AS_IF([test "x$enable_asan" = xyes],
		[AS_VAR_APPEND([SANITIZER_CFLAGS], [" -fsanitize=address"])])
	AS_IF([test "x$enable_ubsan" = xyes],
		[AS_VAR_APPEND([SANITIZER_CFLAGS],
			[" -fsanitize=undefined -fno-sanitize-recover=undefined"])])
	AS_IF([test "x$enable_tsan" = xyes],
		[AS_VAR_APPEND([SANITIZER_CFLAGS], [" -fsanitize=thread"])])
	AS_IF([test "x$enable_fuzzers" = xyes],
		[AS_VAR_APPEND([SANITIZER_CFLAGS], [" -fsanitize=fuzzer-no-link"])])

	AS_IF([test "x$SANITIZER_CFLAGS" != x], [
		AS_VAR_APPEND([SANITIZER_CFLAGS], [" -fno-omit-frame-pointer"])
		AC_MSG_CHECKING([whether $CC links with$SANITIZER_CFLAGS])
		pycompileall_cflags=$CFLAGS
		CFLAGS="$CFLAGS$SANITIZER_CFLAGS"
		AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])
			AC_MSG_ERROR([the compiler cannot link a program with the sanitizers asked for.])])
		CFLAGS=$pycompileall_cflags
	])
	AC_SUBST([SANITIZER_CFLAGS])
	AM_CONDITIONAL([TSAN], [test "x$enable_tsan" = xyes])
	AM_CONDITIONAL([FUZZ_ENGINE], [test "x$enable_fuzzers" = xyes])
])

# compiler_flags.m4: flags of our own. The user's CFLAGS and LDFLAGS are never edited.

# PYCOMPILEALL_FLAGS(VARIABLE, FLAGS)
# Substitutes VARIABLE with those of FLAGS that the compiler takes. -Werror stands beside each one
# because clang only warns of a flag that it does not know.
AC_DEFUN([PYCOMPILEALL_FLAGS], [
	AC_LANG_ASSERT([C])
	$1=
	for pycompileall_flag in $2; do
		AS_VAR_PUSHDEF([cached], [pycompileall_cv_flag_$pycompileall_flag])
		AC_CACHE_CHECK([whether $CC takes $pycompileall_flag], [cached], [
			pycompileall_cflags=$CFLAGS
			CFLAGS="$CFLAGS -Werror $pycompileall_flag"
			AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cached], [yes])],
				[AS_VAR_SET([cached], [no])])
			CFLAGS=$pycompileall_cflags
		])
		AS_VAR_IF([cached], [yes], [AS_VAR_APPEND([$1], [" $pycompileall_flag"])])
		AS_VAR_POPDEF([cached])
	done
	AC_SUBST([$1])
])

# PYCOMPILEALL_WERROR
# --enable-werror: every warning is an error. For those who change the program, not for packagers.
AC_DEFUN([PYCOMPILEALL_WERROR], [
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [make warnings errors])])
	AS_IF([test "x$enable_werror" = xyes], [AS_VAR_APPEND([WARN_CFLAGS], [" -Werror"])])
])

# PYCOMPILEALL_COMPLETION(SHELL, DIRECTORY)
# -----------------------------------------
# --with-SHELL-completion-dir, by default DIRECTORY. Sets SHELLcompletiondir and the conditional
# SHELL_COMPLETION, in capitals.
AC_DEFUN([PYCOMPILEALL_COMPLETION],
	[AC_ARG_WITH([$1-completion-dir],
		[AS_HELP_STRING([--with-$1-completion-dir=DIR],
			[install the completion for $1 in DIR; "no": nowhere (default: $2)])],
		[], [with_$1_completion_dir=yes])
	AS_IF([test "x$with_$1_completion_dir" = xyes], [with_$1_completion_dir='$2'])
	AC_SUBST([$1completiondir], [$with_$1_completion_dir])
	AM_CONDITIONAL(m4_toupper([$1])[_COMPLETION], [test "x$with_$1_completion_dir" != xno])])

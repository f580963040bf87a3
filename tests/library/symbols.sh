#!/bin/sh
# tests/library/symbols.sh: libpycompile.so exports the functions of pycompile.h and nothing else, and
# no room behind it keeps state.
set -eu

header=$top_srcdir/src/pycompile.h
library=$top_builddir/src/.libs/libpycompile.so
failed=

complain() {
	printf 'symbols: %s\n' "$*" >&2
	failed=yes
}

# What is defined and visible, without the version.
exported() {
	# shellcheck disable=SC2086 # libtool gives it an option
	$NM -D --defined-only "$library" | sed -n 's/^[0-9a-f]* [A-Z] \([^@]*\).*/\1/p' |
		grep -v '^PYCOMPILE_' | sort
}

# The names that stand before a parenthesis where a line of the header begins with a declaration.
declared() {
	sed -n 's/^[a-z].*[ *]\(pycompile_[a-z_]*\)(.*/\1/p' "$header" | sort
}

# "name.o symbol": what can be written to while a program runs. A sanitizer has such things of its own.
# gcc puts a number behind the name of a variable of a function, clang the function before it.
writable() {
	for object in "$top_builddir"/src/.libs/*.o; do
		# shellcheck disable=SC2086
		$NM --format=sysv "$object" | tr -d ' ' |
			awk -F '|' -v object="${object##*/}" '
				$4 == "OBJECT" && $7 !~ /^\.(rodata|data\.rel\.ro)/ {
					sub(/\.[0-9]+$/, "", $1)
					sub(/.*\./, "", $1)
					print object, $1
				}'
	done
}

# What may be: a cache of what the kernel lacks, a counter that makes names different, and what is only
# written after text_init, which the library does not call. None of them changes a result.
allowed() {
	cat <<-END
		folder.o unsupported
		temporary.o serial
		text.o charset
		text.o finding
		text.o locale
	END
}

if [ ! -e "$library" ]; then
	echo "symbols: no shared library was built" >&2
	exit 77
fi
[ "$(declared | wc -l)" -ge 20 ] || complain "the header's functions were not found"
if [ "$(declared)" != "$(exported)" ]; then
	complain "declared, and then exported:"
	declared >&2
	exported >&2
fi
if [ -z "$SANITIZER_CFLAGS" ] && [ "$(writable)" != "$(allowed)" ]; then
	complain "writable:" "$(writable)"
fi
[ -z "$failed" ]

#!/bin/sh
# tests/library/manual.sh: every function of pycompile.h has a manual page, and the other way round.
# Its own page, or one that leads by .so to a page that names it and shows its declaration.
set -eu

header=$top_srcdir/src/pycompile.h
doc=$top_srcdir/doc
failed=

complain() {
	printf 'manual: %s\n' "$*" >&2
	failed=yes
}

# A text as one line, without the manual's requests and fonts, and with single blanks.
flatten() {
	sed -e 's/^\.[A-Z][A-Z]* *//' -e 's/\\f[BIRP]//g' -e 's/["]//g' "$@" | tr '\t\n' '  ' |
		sed -e 's/  */ /g' -e 's/ \([,;)]\)/\1/g'
}

# Every declaration of a function, one a line.
declarations() {
	flatten "$header" | grep -o '[a-z][a-z0-9_ ]*[ *]*pycompile_[a-z_]*([^()]*);' | sed 's/^ *//'
}

name_of() {
	printf '%s\n' "$1" | sed 's/.*[ *]\(pycompile_[a-z_]*\)(.*/\1/'
}

# The page that a page of that name leads to.
page_of() {
	page=$(sed -n 's|^\.so man3/||p' "$doc/links/$1.3" 2>/dev/null) || page=
	printf '%s\n' "$doc/${page:-$1.3}"
}

check_function() {
	name=$(name_of "$1")
	page=$(page_of "$name")
	if [ ! -e "$page" ]; then
		complain "$name has no page"
		return
	fi
	sed -n '/^\.SH NAME/,/^\.SH SYNOPSIS/p' "$page" | tr ' ,' '\n\n' | grep -qx "$name" ||
		complain "$page does not name $name"
	flatten "$page" | grep -qF "$1" || complain "$page does not declare: $1"
	grep -q "$name" "$doc/pycompile.3" || complain "pycompile.3 does not list $name"
}

# Pages, links and words of the pages that no function stands behind.
check_reverse() {
	for page in "$doc"/links/*.3; do
		names | grep -qx "$(basename "$page" .3)" || complain "$page: no such function"
	done
	for word in $(cat "$doc"/pycompile*.3 | grep -o 'pycompile_[a-z_]*[a-z]' | sort -u); do
		{ names; types; } | grep -qx "$word" || complain "pages name $word, which is nothing"
	done
}

names() {
	declarations | while read -r line; do name_of "$line"; done
}

types() {
	grep -o '\(struct\|enum\) pycompile_[a-z_]*' "$header" | sed 's/.* //' | sort -u
}

[ "$(declarations | wc -l)" -ge 20 ] || complain "the header's functions were not found"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
declarations >"$list"
while read -r declaration; do
	check_function "$declaration"
done <"$list"
check_reverse
[ -z "$failed" ]

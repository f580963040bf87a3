# bash completion for pycompileall and pycompile

# Prints the option whose value is to be completed, if the word before it is one. $1 are the options
# that take a value.
_pycompileall_option() {
	local word=${COMP_WORDS[COMP_CWORD - 1]} letters valued

	# All white space a single space, for the comparison below.
	valued=$(echo $1)
	# "--name=value" comes as three words.
	[[ $word == = ]] && word=${COMP_WORDS[COMP_CWORD - 2]}
	[[ ${COMP_WORDS[COMP_CWORD]} == = ]] && word=${COMP_WORDS[COMP_CWORD - 1]}
	case $word in
	--*) echo "$word" ;;
	-?*)
		# Of a cluster, the first letter that takes a value ends it.
		letters=${word#-}
		while [[ ${#letters} -gt 1 && " $valued " != *" -${letters:0:1} "* ]]; do
			letters=${letters:1}
		done
		[[ ${#letters} -eq 1 ]] && echo "-$letters"
		;;
	esac
}

# Offers folders, and files: those whose names end in .$1, or all if there is no $1.
_pycompileall_files() {
	compopt -o filenames 2>/dev/null
	if [[ ${1-} ]]; then
		mapfile -t COMPREPLY < <(compgen -f -X "!*.$1" -- "$cur"; compgen -d -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

_pycompileall_folders() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -d -- "$cur")
}

# Offers interpreters on PATH, or files where a path was begun.
_pycompileall_programs() {
	if [[ $cur == */* ]]; then
		_pycompileall_files
	else
		mapfile -t COMPREPLY < <(compgen -c -X '!@(python|pypy)*' -- "$cur" | sort -u)
	fi
}

_pycompileall_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_pycompileall() {
	local cur=${COMP_WORDS[COMP_CWORD]} suffix=py
	local flags='-h --help -l -f -q --quiet -b -0 --null --hardlink-dupes -v --verbose --py-compile
		--cache-path --source-path --version --no-interpreter-cache --sync'
	local valued='-r -d -s -p -x -i -j --workers --invalidation-mode -o -e --cfile --dfile
		--optimization --python --timeout --memory-limit'
	local option=$(_pycompileall_option "$valued")

	COMPREPLY=()
	[[ $cur == = ]] && cur=
	case $option in
	--invalidation-mode) _pycompileall_words 'timestamp checked-hash unchecked-hash' ;;
	-o) _pycompileall_words '-1 0 1 2' ;;
	-j | --workers) _pycompileall_words "$(seq 0 "$(nproc)")" ;;
	-d | -s | -p | -e) _pycompileall_folders ;;
	-i | --cfile | --dfile) _pycompileall_files ;;
	--python) _pycompileall_programs ;;
	-r | -x | --optimization | --timeout | --memory-limit) ;;
	*)
		if [[ $cur == -* ]]; then
			_pycompileall_words "$flags $valued"
			return
		fi
		[[ " ${COMP_WORDS[*]} " == *' --source-path '* ]] && suffix=pyc
		_pycompileall_files "$suffix"
		;;
	esac
}

complete -F _pycompileall pycompileall pycompile

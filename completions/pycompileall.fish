# fish completion for pycompileall and pycompile

function __pycompileall_sources
    if __fish_contains_opt source-path
        __fish_complete_suffix .pyc
    else
        __fish_complete_suffix .py
    end
end

complete -c pycompileall -k -f -a '(__pycompileall_sources)'
complete -c pycompileall -s h -l help -d 'Print a help and exit'
complete -c pycompileall -s l -d 'Do not enter subfolders'
complete -c pycompileall -s r -x -d 'Enter subfolders this deep'
complete -c pycompileall -s f -d 'Compile also what is up to date'
complete -c pycompileall -s q -l quiet -d 'Print only errors; twice: nothing'
complete -c pycompileall -s b -d 'Write x.pyc beside x.py'
complete -c pycompileall -s d -x -a '(__fish_complete_directories)' -d 'Name sources as if the operand were this folder'
complete -c pycompileall -s s -x -a '(__fish_complete_directories)' -d 'Take this leading folder off the names'
complete -c pycompileall -s p -x -a '(__fish_complete_directories)' -d 'Put this folder before the names'
complete -c pycompileall -s x -x -d 'Skip files in whose path this is found'
complete -c pycompileall -s i -r -F -d 'Take also the files and folders listed here'
complete -c pycompileall -s 0 -l null -d 'Names end with a NUL byte'
complete -c pycompileall -s j -l workers -x -d 'Use this many worker threads'
complete -c pycompileall -l invalidation-mode -x -a 'timestamp checked-hash unchecked-hash' -d 'How imports check the byte-code'
complete -c pycompileall -s o -x -a '-1 0 1 2' -d 'Optimization level'
complete -c pycompileall -s e -x -a '(__fish_complete_directories)' -d 'Skip symbolic links that lead out of this folder'
complete -c pycompileall -l hardlink-dupes -d 'Link equal byte-code of consecutive levels'
complete -c pycompileall -s v -l verbose -d 'Print a verdict for each file, and counts'
complete -c pycompileall -l python -r -F -a '(__fish_complete_command)' -d 'Make the byte-code of this interpreter'
complete -c pycompileall -l no-interpreter-cache -d 'Ask interpreters what they are'
complete -c pycompileall -l timeout -x -d 'Give up on a file after so many seconds'
complete -c pycompileall -l memory-limit -x -d 'Let no compile server take more memory'
complete -c pycompileall -l sync -d 'Wait until all is on the disk'
complete -c pycompileall -l py-compile -d 'Compile each named file'
complete -c pycompileall -l cfile -r -F -d 'Write byte-code here'
complete -c pycompileall -l dfile -r -F -d 'Name of the source in byte-code and messages'
complete -c pycompileall -l cache-path -d 'Print where byte-code belongs'
complete -c pycompileall -l optimization -x -d 'Optimization tag for the paths'
complete -c pycompileall -l source-path -d 'Print where the source of byte-code is'
complete -c pycompileall -l version -d 'Print the version and exit'

complete -c pycompile -w pycompileall

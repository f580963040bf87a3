/*
 * zoo: a small tree of everything that is odd about names, links, modes, times and sources.
 *
 *     zoo/names    spaces, quotes, newlines, other scripts, undecodable bytes; .py, X.PY, a.b.py
 *     zoo/links    to files, folders, nowhere, in a loop, out of the zoo
 *     zoo/modes    read-only and executable sources
 *     zoo/times    before 1970, past 2038 and 2106, and with fractions
 *     zoo/levels   sources whose levels differ, and some whose levels do not
 *     zoo/bad      what does not compile, and what compiles with a warning
 *     zoo/text     encodings, byte order marks, line ends
 *     prior        sources that have byte-code already: fresh, stale in every way, odd
 *     outside      what links of the zoo lead to
 *
 * and the lists zoo.list, odd.list, latin.list beside it.
 */
#ifndef TESTS_ZOO_H
#define TESTS_ZOO_H

/* Builds it in the scratch folder; always the same. A time that the file system cannot keep is what
 * it makes of it. */
void zoo_build(void);

/*
 * Only sources that compile without a word: zoo/names, zoo/modes, zoo/times, zoo/levels.
 */
void zoo_build_tame(void);

/* Only sources that do not compile, or with a warning, and odd texts: zoo/bad, zoo/text. */
void zoo_build_sources(void);

/* The zoo, and zoo/locked with what the owner may not read, list or write. */
void zoo_build_locked(void);

/* Where two sources have each other's names once -d, -s or -p are done: zoo/bad and other. */
void zoo_build_doubles(void);

/*
 * What prior is made of; takes it from the interpreter once, before the first of the above that
 * has it.
 */
void zoo_prepare(void);

#endif

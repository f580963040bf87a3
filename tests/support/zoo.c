#include "config.h"

#include "zoo.h"

#include "oracle.h"
#include "scratch.h"
#include "snapshot.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A source by its path beneath the zoo. */
struct source {
	const char *path;
	const char *text;
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The same where the text may hold NUL bytes. */
struct raw_source {
	const char *path;
	const char *bytes;
	size_t size;
};

#define RAW(path, literal)                                                                         \
	{                                                                                          \
		path, literal, sizeof(literal) - 1                                                 \
	}

static const char *const names[] = {
	"plain.py",
	"sp ace.py",
	" lead.py",
	"quo'te.py",
	"dou\"ble.py",
	"both'\".py",
	"new\nline.py",
	"tab\t.py",
	"bell\a.py",
	"back\\slash.py",
	"per%cent{}.py",
	"dollar$(x).py",
	"-dash.py",
	"--.py",
	"\xc3\xa4.py",                 /* a letter with two bytes */
	"e\xcc\x81.py",                /* a combining accent */
	"\xe6\x97\xa5\xe6\x9c\xac.py", /* East Asian */
	"\xf0\x9f\x90\x8d.py",         /* beyond the basic plane */
	"\xee\x80\x80.py",             /* private use: sorts after lone surrogates */
	"\xe2\x80\x8b.py",             /* no width: not printable */
	"\xc2\xa0.py",                 /* a space that does not break: not printable */
	"\x7f.py",
	"\xff\xfe.py",     /* not UTF-8 */
	"a\xe4z.py",       /* Latin-1 */
	"\xed\xa0\x80.py", /* an encoded surrogate */
	"a.b.py",
	"a..py",
	".py",
	"..py",
	".hidden.py",
	"X.PY",
	"x.Py",
	"b.pyw",
	"c.py3",
	"py",
	"d.py~",
	"x.py/in.py",
	".folder/in.py",
	"__pycache__x/in.py",
	"sub/__pycache__/never.py",
	"sub/in.py",
	"sub/deep/in.py",
	"sub/deep/er/in.py",
	"sub.py",
	"Sub/in.py",
	"\xff/in.py",
	"new\nfolder/in.py",
};

static const struct source levels[] = {
	{"doc.py", "'''doc'''\n\n\ndef f():\n    'doc'\n    assert f\n    return __debug__\n"},
	{"asserts.py", "def f(x):\n    assert x\n    return x\n"},
	{"docs.py", "class C:\n    'doc'\n"},
	{"same.py", "x = 1\n"},
	{"empty.py", ""},
	{"file.py", "def f():\n    return __file__\n"},
};

static const struct raw_source bad[] = {
	RAW("syntax.py", "x = 1\ny = = 2\n"),
	RAW("return.py", "x = 1\nreturn x\n"),
	RAW("continue.py", "def f():\n    continue\n"),
	RAW("nonlocal.py", "nonlocal x\n"),
	RAW("future.py", "from __future__ import nothing\n"),
	RAW("late_future.py", "x = 1\nfrom __future__ import annotations\n"),
	RAW("indent.py", "def f():\nx = 1\n"),
	RAW("tabs.py", "if 1:\n        x = 1\n\ty = 2\n"),
	RAW("open.py", "x = (1,\n"),
	RAW("string.py", "x = 'abc\n"),
	RAW("triple.py", "x = '''abc\n\n"),
	RAW("nul.py", "x = 1\0\n"),
	RAW("latin.py", "x = '\xe4'\n"),
	RAW("cookie.py", "# coding: no-such\nx = 1\n"),
	RAW("two.py", "\xef\xbb\xbf# coding: latin-1\nx = 1\n"),
	RAW("utf16.py", "\xff\xfex\0=\0001\0\n\0"),
	RAW("wide.py", "x = '\xe6\x97\xa5\xf0\x9f\x90\x8d' = 3\n"),
	RAW("latin_cookie.py", "# coding: latin-1\nx = '\xe4' '\xfc' = 3\n"),
	RAW("walrus.py", "(x := 1) = 2\n"),
	RAW("assign.py", "f() = 1\n"),
	RAW("py2.py", "print 'hello'\n"),
	RAW("integer.py", "x = 0777\n"),
	RAW("surrogate.py", "x = u'\\ud800'\n"),
	RAW("escape.py", "x = '\\N{no such}'\n"),
	RAW("is.py", "x = 1\nif x is 1:\n    pass\n"),
	RAW("assert.py", "assert (1, 'always')\n"),
	RAW("call.py", "x = 1()\n"),
	RAW("digits.py", "x = '\\d'\n"),
	RAW("warn_and_fail.py", "x = 1 is 1\nreturn\n"),
	RAW("is\xff.py", "x = 1\nx is 2\n"),
	RAW("fails \xff'\n.py", "x = = 1\n"),
};

static const struct raw_source text[] = {
	RAW("bom.py", "\xef\xbb\xbfx = 1\n"),
	RAW("crlf.py", "x = 1\r\ny = '''a\r\nb'''\r\n"),
	RAW("cr.py", "x = 1\ry = 2\r"),
	RAW("no_end.py", "x = 1"),
	RAW("feed.py", "x = 1\n\f\ny = 2\n"),
	RAW("comment.py", "# nothing"),
	RAW("cookie.py", "# -*- coding: cp1252 -*-\nx = '\x80\xe4'\n"),
	RAW("second_line.py", "#!/bin/sh\n# vim: set fileencoding=latin-1 :\nx = '\xe4'\n"),
	RAW("utf8.py", "\xce\xbb = '\xf0\x9f\x90\x8d'\n"),
	RAW("lambda.py", "f = lambda *a, **k: (yield)\n"),
	RAW("class.py", "class C:\n    def m(self):\n        return [x for x in self]\n"),
	RAW("numbers.py", "x = (1, 2.5, 3j, 10**50, b'\\x00', frozenset, ..., None)\n"),
	RAW("annotated.py", "from __future__ import annotations\nx: int = 1\n"),
};

/* Around the ends of what 32 bits hold, signed and unsigned, and what a double makes of it. */
static const struct {
	const char *path;
	long long seconds;
	long nanoseconds;
} times[] = {
	{"zero.py", 0, 0},
	{"one.py", 1, 0},
	{"minus_one.py", -1, 0},
	{"minus_half.py", -1, 500000000},
	{"before_1970.py", -6, 500000000},
	{"before_1970_fraction.py", -100000000, 999999999},
	{"before_1902.py", -2147483648, 0},
	{"fraction.py", 1600000000, 999999999},
	{"fraction_down.py", 1600000000, 999999880},
	{"fraction_up.py", 1600000000, 999999881},
	{"fraction_low.py", 1600000000, 1},
	{"last_of_2038.py", 2147483647, 999999999},
	{"past_2038.py", 2147483648, 0},
	{"past_2038_fraction.py", 2500000000, 999999999},
	{"last_of_2106.py", 4294967295, 999999999},
	{"past_2106.py", 4294967296, 0},
	{"past_2106_more.py", 4294967396, 999999999},
	{"far.py", 8589934592, 500000000},
};

/* Owner's write permission is added, execution taken away. */
static const struct {
	const char *path;
	mode_t mode;
} modes[] = {{"read_only.py", 0444}, {"owner_only.py", 0600},    {"executable.py", 0755},
	     {"secret.py", 0400},    {"group_write.py", 0664},   {"all.py", 0777},
	     {"set_uid.py", 04755},  {"no_owner_write.py", 0466}};

static const struct {
	const char *target;
	const char *path;
} links[] = {
	{"../levels/doc.py", "file.py"},
	{"../levels/doc.py", "file.txt"},
	{"../../outside/away.py", "away.py"},
	{"../levels", "folder"},
	{"../levels", "folder.py"},
	{"../../outside", "away"},
	{"nothing.py", "nowhere.py"},
	{"nothing", "nowhere"},
	{"loop.py", "loop.py"},
	{"pong.py", "ping.py"},
	{"ping.py", "pong.py"},
	{"..", "up"},
	{"chain.py", "chain_start.py"},
	{"file.py", "chain.py"},
	{"fi\xff.py", "to_undecodable.py"},
};

static char *beneath(const char *room, const char *name)
{
	char *path = NULL;

	cr_assert_geq(asprintf(&path, "%s/%s", room, name), 0, "out of memory");
	return path;
}

static void write_raw(const char *room, const struct raw_source *sources, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *path = beneath(room, sources[i].path);
		scratch_bytes(path, sources[i].bytes, sources[i].size);
		free(path);
	}
}

static void build_names(void)
{
	char content[32];

	for (size_t i = 0; i < COUNT(names); i++) {
		char *path = beneath("zoo/names", names[i]);
		(void)snprintf(content, sizeof(content), "x = %zu\n", i);
		scratch_file(path, content);
		free(path);
	}
	scratch_folder("zoo/names/empty");
}

static void build_levels(void)
{
	for (size_t i = 0; i < COUNT(levels); i++) {
		char *path = beneath("zoo/levels", levels[i].path);
		scratch_file(path, levels[i].text);
		free(path);
	}
}

static void build_times(void)
{
	for (size_t i = 0; i < COUNT(times); i++) {
		char *path = beneath("zoo/times", times[i].path);
		struct timespec stamps[2] = {{0, UTIME_OMIT},
					     {(time_t)times[i].seconds, times[i].nanoseconds}};
		scratch_file(path, "x = 1\n");
		(void)utimensat(AT_FDCWD, path, stamps, 0);
		free(path);
	}
}

static void build_modes(void)
{
	for (size_t i = 0; i < COUNT(modes); i++) {
		char *path = beneath("zoo/modes", modes[i].path);
		scratch_file(path, "x = 1\n");
		scratch_mode(path, modes[i].mode);
		free(path);
	}
}

static void build_links(void)
{
	for (size_t i = 0; i < COUNT(links); i++) {
		char *path = beneath("zoo/links", links[i].path);
		scratch_symlink(links[i].target, path);
		free(path);
	}
	scratch_file("zoo/links/fi\xff.py", "x = 1\n");
	scratch_file("outside/away.py", "x = 1\n");
	scratch_file("outside/sub/far.py", "x = 1\n");
	scratch_symlink("zoo", "way_in");
	scratch_symlink("zoo/levels/same.py", "way.py");
}

static void build_lists(void)
{
	scratch_file("zoo.list", "zoo/levels\n  zoo/names/a.b.py\t\nzoo/names/sp ace.py\r\n"
				 "zoo/bad/syntax.py\nzoo/links/folder\n");
	scratch_file("odd.list",
		     "zoo/levels/doc.py\n\nno/such.py\n\xc3\xa4\nzoo/names/\xc3\xa4.py");
	scratch_bytes("latin.list", "zoo/levels\nzoo/names/a\xe4z.py\n", 31);
	scratch_file("empty.list", "");
}

/* --- Byte-code that is there already ---------------------------------------------------------- */

#define PRIOR_SOURCE "def f():\n    'doc'\n    assert f\n"

/* What is done to fresh byte-code. */
enum prior_damage {
	PRIOR_NONE,
	PRIOR_CUT,   /* to `value` bytes */
	PRIOR_PATCH, /* the byte at `value` is changed */
	PRIOR_LINK,  /* it is a symbolic link to the file */
	PRIOR_FOLDER /* a folder has its name */
};

static const struct prior {
	const char *name;
	enum combination_mode mode;
	enum prior_damage damage;
	size_t value;
	mode_t permissions; /* of the .pyc; 0: 0644 */
	bool levels;        /* opt-1 and opt-2, too */
} priors[] = {
	{.name = "fresh"},
	{.name = "fresh_levels", .levels = true},
	{.name = "fresh_secret", .permissions = 0600},
	{.name = "magic", .damage = PRIOR_PATCH, .value = 0},
	{.name = "flags", .damage = PRIOR_PATCH, .value = 4},
	{.name = "flags_high", .damage = PRIOR_PATCH, .value = 7},
	{.name = "mtime", .damage = PRIOR_PATCH, .value = 8},
	{.name = "size", .damage = PRIOR_PATCH, .value = 12},
	{.name = "size_levels", .damage = PRIOR_PATCH, .value = 12, .levels = true},
	{.name = "code", .damage = PRIOR_PATCH, .value = 40},
	{.name = "cut_0", .damage = PRIOR_CUT, .value = 0},
	{.name = "cut_11", .damage = PRIOR_CUT, .value = 11},
	{.name = "cut_12", .damage = PRIOR_CUT, .value = 12},
	{.name = "cut_16", .damage = PRIOR_CUT, .value = 16},
	{.name = "cut_17", .damage = PRIOR_CUT, .value = 17},
	{.name = "checked", .mode = COMBINATION_CHECKED_HASH},
	{.name = "checked_levels", .mode = COMBINATION_CHECKED_HASH, .levels = true},
	{.name = "checked_old",
	 .mode = COMBINATION_CHECKED_HASH,
	 .damage = PRIOR_PATCH,
	 .value = 9},
	{.name = "unchecked", .mode = COMBINATION_UNCHECKED_HASH},
	{.name = "unchecked_old",
	 .mode = COMBINATION_UNCHECKED_HASH,
	 .damage = PRIOR_PATCH,
	 .value = 15},
	{.name = "link", .damage = PRIOR_LINK},
	{.name = "folder", .damage = PRIOR_FOLDER},
};

#define MODES  3
#define LEVELS 3

/* Fresh byte-code of prior/NAME.py by mode and level, taken from the interpreter. */
static struct fresh {
	char *path; /* its cache path */
	char *content[MODES];
	size_t size[MODES];
} fresh[COUNT(priors)][LEVELS];

static char *prior_source(size_t index)
{
	char *path = NULL;

	cr_assert_geq(asprintf(&path, "prior/%s.py", priors[index].name), 0, "out of memory");
	return path;
}

static void build_prior_sources(void)
{
	for (size_t i = 0; i < COUNT(priors); i++) {
		char *path = prior_source(i);
		scratch_file(path, PRIOR_SOURCE);
		free(path);
	}
}

/* The part of a cache path behind the source's stem is the same for all: asked for once a level. */
static char *cache_path(size_t index, int level)
{
	static char *patterns[LEVELS];
	char *path = NULL;

	if (!patterns[level])
		patterns[level] = oracle_cache_path("prior/x.py", level);
	const char *suffix = strrchr(patterns[level], '/') + strlen("/x");
	cr_assert_geq(asprintf(&path, "prior/__pycache__/%s%s", priors[index].name, suffix), 0,
		      "out of memory");
	return path;
}

void zoo_prepare(void)
{
	for (int mode = 0; mode < MODES; mode++) {
		scratch_clear();
		build_prior_sources();
		oracle_compile(RUN_LIST("-q", combination_mode_option((enum combination_mode)mode),
					"-o0", "-o1", "-o2", "prior"));
		for (size_t i = 0; i < COUNT(priors) * LEVELS; i++) {
			struct fresh *code = &fresh[i / LEVELS][i % LEVELS];
			if (!code->path)
				code->path = cache_path(i / LEVELS, (int)(i % LEVELS));
			code->content[mode] = scratch_read(code->path, &code->size[mode]);
		}
	}
	scratch_clear();
}

static void damage(const char *path, const struct prior *prior)
{
	unsigned char changed;
	size_t size;

	if (prior->damage == PRIOR_CUT) {
		scratch_truncate(path, (off_t)prior->value);
	} else if (prior->damage == PRIOR_PATCH) {
		char *content = scratch_read(path, &size);
		changed = (unsigned char)content[prior->value] ^ 0x10;
		scratch_patch(path, (off_t)prior->value, &changed, 1);
		free(content);
	}
}

static void build_prior_code(const struct prior *prior, const struct fresh *code)
{
	cr_assert_not_null(code->path, "zoo_prepare was not called");
	if (prior->damage == PRIOR_FOLDER) {
		scratch_folder(code->path);
	} else if (prior->damage == PRIOR_LINK) {
		scratch_bytes("prior/linked", code->content[prior->mode], code->size[prior->mode]);
		scratch_symlink("../linked", code->path);
	} else {
		scratch_bytes(code->path, code->content[prior->mode], code->size[prior->mode]);
		damage(code->path, prior);
		scratch_mode(code->path, prior->permissions ? prior->permissions : 0644);
	}
}

static void build_prior(void)
{
	build_prior_sources();
	for (size_t i = 0; i < COUNT(priors); i++)
		for (size_t level = 0; level < (priors[i].levels ? LEVELS : 1); level++)
			build_prior_code(&priors[i], &fresh[i][level]);
	/* Left over: nothing of it is anybody's business. */
	scratch_file("prior/__pycache__/gone.cpython-30.pyc", "old");
	scratch_file("prior/legacy.pyc", "old");
	scratch_file("prior/legacy.py", "x = 1\n");
}

/* --- The trees -------------------------------------------------------------------------------- */

void zoo_build_tame(void)
{
	build_names();
	build_levels();
	build_times();
	build_modes();
}

void zoo_build_sources(void)
{
	write_raw("zoo/bad", bad, COUNT(bad));
	write_raw("zoo/text", text, COUNT(text));
}

void zoo_build(void)
{
	zoo_build_tame();
	build_links();
	zoo_build_sources();
	build_prior();
	build_lists();
}

void zoo_build_locked(void)
{
	zoo_build();
	scratch_file("zoo/locked/unreadable.py", "x = 1\n");
	scratch_mode("zoo/locked/unreadable.py", 0);
	scratch_file("zoo/locked/unwritable/a.py", "x = 1\n");
	scratch_mode("zoo/locked/unwritable", 0555);
	scratch_file("zoo/locked/unwritable_cache/a.py", "x = 1\n");
	scratch_folder("zoo/locked/unwritable_cache/__pycache__");
	scratch_mode("zoo/locked/unwritable_cache/__pycache__", 0555);
	scratch_file("zoo/locked/unlistable/a.py", "x = 1\n");
	scratch_mode("zoo/locked/unlistable", 0333);
	scratch_file("zoo/locked/z.py", "x = 1\n");
}

void zoo_build_doubles(void)
{
	write_raw("zoo/bad", bad, COUNT(bad));
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *path = beneath("other", bad[i].path);
		scratch_file(path, "first = 'of another file'\nsecond = 'of another file'\n");
		free(path);
	}
}

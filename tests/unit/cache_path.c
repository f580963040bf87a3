/*
 * cache_path: against what importlib.util of CPython 3.13 gave, with "/cwd" as the current folder.
 */
#include "config.h"

#include "buffer.h"
#include "cache_path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define TAG "cpython-313"
#define CWD "/cwd"

/* cache_from_source(source, optimization=...), with sys.pycache_prefix. */
static const struct {
	const char *source;
	const char *optimization;
	const char *prefix;
	const char *path;
} forward[] = {
	{"/foo/bar/baz.py", "", NULL, "/foo/bar/__pycache__/baz.cpython-313.pyc"},
	{"/foo/bar/baz.py", "1", NULL, "/foo/bar/__pycache__/baz.cpython-313.opt-1.pyc"},
	{"/foo/bar/baz.py", "2", NULL, "/foo/bar/__pycache__/baz.cpython-313.opt-2.pyc"},
	{"baz.py", "", NULL, "__pycache__/baz.cpython-313.pyc"},
	{"a.b.py", "", NULL, "__pycache__/a.b.cpython-313.pyc"},
	{".py", "", NULL, "__pycache__/py.cpython-313.pyc"},
	{"x", "", NULL, "__pycache__/xcpython-313.pyc"},
	{"x.", "", NULL, "__pycache__/x.cpython-313.pyc"},
	{".a.b", "", NULL, "__pycache__/.a.cpython-313.pyc"},
	{"..", "", NULL, "__pycache__/..cpython-313.pyc"},
	{"dir/..", "", NULL, "dir/__pycache__/..cpython-313.pyc"},
	{"X.PY", "", NULL, "__pycache__/X.cpython-313.pyc"},
	{"", "", NULL, "__pycache__/cpython-313.pyc"},
	{"dir/", "", NULL, "dir/__pycache__/cpython-313.pyc"},
	{"./q//a.py", "", NULL, "./q/__pycache__/a.cpython-313.pyc"},
	{"//b.py", "", NULL, "/__pycache__/b.cpython-313.pyc"},
	{"/b.py", "", NULL, "__pycache__/b.cpython-313.pyc"},
	{"a//b.py", "abc9", NULL, "a/__pycache__/b.cpython-313.opt-abc9.pyc"},
	{"\303\251t\303\251/na\303\257ve.py", "\303\2511", NULL,
	 "\303\251t\303\251/__pycache__/na\303\257ve.cpython-313.opt-\303\2511.pyc"},
	{"a.py", "\302\262\340\245\251x", NULL,
	 "__pycache__/a.cpython-313.opt-\302\262\340\245\251x.pyc"},
	{"/foo/bar/baz.py", "", "/cache", "/cache/foo/bar/baz.cpython-313.pyc"},
	{"baz.py", "", "/cache", "/cache/cwd/baz.cpython-313.pyc"},
	{"sub/baz.py", "", "/cache", "/cache/cwd/sub/baz.cpython-313.pyc"},
	{"./sub/baz.py", "", "/cache", "/cache/cwd/sub/baz.cpython-313.pyc"},
	{"././baz.py", "", "/cache", "/cache/cwd/./baz.cpython-313.pyc"},
	{"../baz.py", "", "/cache", "/cache/cwd/../baz.cpython-313.pyc"},
	{".//baz.py", "", "/cache", "/cache/cwd/baz.cpython-313.pyc"},
	{".///baz.py", "", "/cache", "/cache/cwd/baz.cpython-313.pyc"},
	{".///sub/baz.py", "", "/cache", "/cache/cwd///sub/baz.cpython-313.pyc"},
	{"/foo//baz.py", "", "/cache", "/cache/foo/baz.cpython-313.pyc"},
	{"///foo/bar///baz.py", "", "/cache", "/cache/foo/bar/baz.cpython-313.pyc"},
	{"/baz.py", "", "/cache", "/cache/cwd/baz.cpython-313.pyc"},
	{"/foo/bar/baz.py", "", "/cache//", "/cache/foo/bar/baz.cpython-313.pyc"},
	{"baz.py", "", "/cache//", "/cache/cwd/baz.cpython-313.pyc"},
	{"/foo/bar/baz.py", "", "/", "/foo/bar/baz.cpython-313.pyc"},
	{"baz.py", "", "/", "/cwd/baz.cpython-313.pyc"},
	{"sub/baz.py", "", "/", "/cwd/sub/baz.cpython-313.pyc"},
	{"./sub/baz.py", "", "/", "/cwd/sub/baz.cpython-313.pyc"},
	{"././baz.py", "", "/", "/cwd/./baz.cpython-313.pyc"},
	{"../baz.py", "", "/", "/cwd/../baz.cpython-313.pyc"},
	{".//baz.py", "", "/", "/cwd/baz.cpython-313.pyc"},
	{"/foo//baz.py", "", "/", "/foo/baz.cpython-313.pyc"},
	{"///foo/bar///baz.py", "", "/", "/foo/bar/baz.cpython-313.pyc"},
	{"/baz.py", "", "/", "/cwd/baz.cpython-313.pyc"},
	{"/foo/bar/baz.py", "", "rel/cache", "rel/cache/foo/bar/baz.cpython-313.pyc"},
	{"baz.py", "", "rel/cache", "rel/cache/cwd/baz.cpython-313.pyc"},
};

/* source_from_cache(path), with sys.pycache_prefix. */
static const struct {
	const char *path;
	const char *prefix;
	enum cache_path_error error;
	const char *source;
} inverse[] = {
	{"/foo/__pycache__/baz.cpython-311.pyc", NULL, CACHE_PATH_OK, "/foo/baz.py"},
	{"__pycache__/baz.t.pyc", NULL, CACHE_PATH_OK, "baz.py"},
	{"foo//__pycache__/baz.t.opt-1.pyc", NULL, CACHE_PATH_OK, "foo/baz.py"},
	{"foo/__pycache__/a.b.t.pyc", NULL, CACHE_PATH_NO_OPT, NULL},
	{"foo/__pycache__/baz.t.opt-.pyc", NULL, CACHE_PATH_OPT_NOT_ALNUM, NULL},
	{"foo/__pycache__/baz.t.opt-\303\2519.pyc", NULL, CACHE_PATH_OK, "foo/baz.py"},
	{"foo/__pycache__/baz.t.opt-a b.pyc", NULL, CACHE_PATH_OPT_NOT_ALNUM, NULL},
	{"foo/__pycache__/baz.pyc", NULL, CACHE_PATH_DOTS, NULL},
	{"foo/__pycache__/baz", NULL, CACHE_PATH_DOTS, NULL},
	{"foo/__pycache__/a.b.c.opt-1.pyc", NULL, CACHE_PATH_DOTS, NULL},
	{"foo/baz.t.pyc", NULL, CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"foo/__pycache__x/baz.t.pyc", NULL, CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"x__pycache__/baz.t.pyc", NULL, CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"baz.t.pyc", NULL, CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"/__pycache__/baz.t.pyc", NULL, CACHE_PATH_OK, "baz.py"},
	{"__pycache__/baz.t.", NULL, CACHE_PATH_OK, "baz.py"},
	{"foo/__pycache__/.t.pyc", NULL, CACHE_PATH_OK, "foo/.py"},
	{"/cache/foo/bar/baz.t.pyc", NULL, CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"/cache/baz.t.pyc", NULL, CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"/cache//foo//baz.t.pyc", NULL, CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"/cachefoo/baz.t.pyc", NULL, CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"/cache/foo/__pycache__/baz.t.pyc", NULL, CACHE_PATH_OK, "/cache/foo/baz.py"},
	{"/foo/__pycache__/baz.cpython-311.pyc", "/cache", CACHE_PATH_OK, "/foo/baz.py"},
	{"/__pycache__/baz.t.pyc", "/cache", CACHE_PATH_OK, "baz.py"},
	{"/cache/foo/bar/baz.t.pyc", "/cache", CACHE_PATH_OK, "/foo/bar/baz.py"},
	{"/cache/baz.t.pyc", "/cache", CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"/cache//foo//baz.t.pyc", "/cache", CACHE_PATH_OK, "//foo/baz.py"},
	{"/cachefoo/baz.t.pyc", "/cache", CACHE_PATH_NOT_IN_PYCACHE, NULL},
	{"/cache/foo/__pycache__/baz.t.pyc", "/cache", CACHE_PATH_OK, "/foo/__pycache__/baz.py"},
	{"/cache/foo/bar/baz.t.pyc", "/cache/", CACHE_PATH_OK, "/foo/bar/baz.py"},
	{"/foo/__pycache__/baz.cpython-311.pyc", "/", CACHE_PATH_OK, "/foo/__pycache__/baz.py"},
	{"/__pycache__/baz.t.pyc", "/", CACHE_PATH_OK, "/__pycache__/baz.py"},
	{"/cache/foo/bar/baz.t.pyc", "/", CACHE_PATH_OK, "/cache/foo/bar/baz.py"},
	{"/cache/baz.t.pyc", "/", CACHE_PATH_OK, "/cache/baz.py"},
	{"/cache//foo//baz.t.pyc", "/", CACHE_PATH_OK, "/cache//foo/baz.py"},
	{"/cachefoo/baz.t.pyc", "/", CACHE_PATH_OK, "/cachefoo/baz.py"},
	{"/cache/foo/__pycache__/baz.t.pyc", "/", CACHE_PATH_OK, "/cache/foo/__pycache__/baz.py"},
};

Test(cache_path, from_source_python)
{
	for (size_t i = 0; i < COUNT(forward); i++) {
		struct buffer path = BUFFER_INIT;

		cr_expect_eq(cache_path_from_source(&path, forward[i].source, TAG,
						    forward[i].optimization, forward[i].prefix,
						    CWD),
			     0);
		cr_expect_str_eq(buffer_string(&path), forward[i].path, "\"%s\": %s",
				 forward[i].source, buffer_string(&path));
		buffer_fini(&path);
	}
}

Test(cache_path, from_source_beneath_root)
{
	struct buffer path = BUFFER_INIT;

	cr_assert_eq(cache_path_from_source(&path, "sub/baz.py", TAG, "", "/cache", "/"), 0);
	cr_assert_str_eq(buffer_string(&path), "/cache/sub/baz.cpython-313.pyc");
	buffer_clear(&path);
	cr_assert_eq(cache_path_from_source(&path, ".//sub/baz.py", TAG, "", "/cache", "/"), 0);
	cr_assert_str_eq(buffer_string(&path), "/cache/sub/baz.cpython-313.pyc");
	buffer_fini(&path);
}

/* importlib raises IndexError here; the folder is the prefix all the same. */
Test(cache_path, from_source_in_root)
{
	struct buffer path = BUFFER_INIT;

	cr_assert_eq(cache_path_from_source(&path, "baz.py", TAG, "", "/cache", "/"), 0);
	cr_assert_str_eq(buffer_string(&path), "/cache/baz.cpython-313.pyc");
	buffer_clear(&path);
	cr_assert_eq(cache_path_from_source(&path, "//baz.py", TAG, "", "/cache", "/x"), 0);
	cr_assert_str_eq(buffer_string(&path), "/cache/baz.cpython-313.pyc");
	buffer_fini(&path);
}

Test(cache_path, from_source_appends)
{
	struct buffer path = BUFFER_INIT;

	buffer_append_string(&path, "kept/");
	cr_assert_eq(cache_path_from_source(&path, "a.py", "t", "2", NULL, CWD), 0);
	cr_assert_str_eq(buffer_string(&path), "kept/__pycache__/a.t.opt-2.pyc");
	buffer_fini(&path);
}

Test(cache_path, optimization_not_alphanumeric)
{
	static const char *const refused[] = {"-", "1.5", "a b", " ", "/", "1-", "\xe9", "\u2460-"};

	for (size_t i = 0; i < COUNT(refused); i++) {
		struct buffer path = BUFFER_INIT;

		buffer_append_string(&path, "kept");
		errno = 0;
		cr_expect_eq(cache_path_from_source(&path, "a.py", TAG, refused[i], NULL, CWD), -1,
			     "\"%s\"", refused[i]);
		cr_expect_eq(errno, EINVAL);
		cr_expect_str_eq(buffer_string(&path), "kept");
		buffer_fini(&path);
	}
}

Test(cache_path, append_name_alone)
{
	struct buffer name = BUFFER_INIT;

	cr_assert_eq(cache_path_append_name(&name, "baz.py", TAG, "1"), 0);
	cr_assert_str_eq(buffer_string(&name), "baz.cpython-313.opt-1.pyc");
	buffer_fini(&name);
}

Test(cache_path, append_folder_alone)
{
	struct buffer folder = BUFFER_INIT;

	cr_assert_eq(cache_path_append_folder(&folder, "a/b.py", NULL, CWD), 0);
	cr_assert_str_eq(buffer_string(&folder), "a/__pycache__");
	buffer_clear(&folder);
	cr_assert_eq(cache_path_append_folder(&folder, "a/b.py", "/cache/", CWD), 0);
	cr_assert_str_eq(buffer_string(&folder), "/cache/cwd/a");
	buffer_clear(&folder);
	cr_assert_eq(cache_path_append_folder(&folder, "//b.py", "/", CWD), 0);
	cr_assert_str_eq(buffer_string(&folder), "");
	buffer_fini(&folder);
}

Test(cache_path, optimization_of_level)
{
	char text[CACHE_PATH_OPTIMIZATION_SIZE];

	cr_assert_str_eq(cache_path_optimization(text, -1), "");
	cr_assert_str_eq(cache_path_optimization(text, 0), "");
	cr_assert_str_eq(cache_path_optimization(text, 2), "2");
	cr_assert_str_eq(cache_path_optimization(text, INT_MAX), "2147483647");
}

Test(cache_path, to_source_python)
{
	for (size_t i = 0; i < COUNT(inverse); i++) {
		struct buffer source = BUFFER_INIT;

		cr_expect_eq(cache_path_to_source(&source, inverse[i].path, inverse[i].prefix),
			     inverse[i].error, "\"%s\"", inverse[i].path);
		cr_expect_str_eq(buffer_string(&source), inverse[i].source ? inverse[i].source : "",
				 "\"%s\": %s", inverse[i].path, buffer_string(&source));
		buffer_fini(&source);
	}
}

/* A buffer that lost an append before stands for memory running out in the midst. */
static void lose_append(struct buffer *buffer)
{
	volatile size_t too_much = SIZE_MAX;

	buffer_append(buffer, "", too_much);
}

Test(cache_path, no_memory)
{
	struct buffer path = BUFFER_INIT;

	lose_append(&path);
	errno = 0;
	cr_assert_eq(cache_path_from_source(&path, "a.py", TAG, "", NULL, CWD), -1);
	cr_assert_eq(errno, ENOMEM);
	errno = 0;
	cr_assert_eq(cache_path_append_folder(&path, "a.py", NULL, CWD), -1);
	cr_assert_eq(errno, ENOMEM);
	errno = 0;
	cr_assert_eq(cache_path_to_source(&path, "__pycache__/a.t.pyc", NULL),
		     CACHE_PATH_NO_MEMORY);
	cr_assert_eq(errno, ENOMEM);
	buffer_fini(&path);
}

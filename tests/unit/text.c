/*
 * text: order and printed forms of names, against what CPython made of the same bytes.
 *
 * Where the C library has no other locale than C and C.UTF-8, the tests of other character sets
 * build one of their own with localedef.
 */
#include "config.h"

#include "buffer.h"
#include "text.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/*
 * With s = os.fsdecode(name) in C.UTF-8: repr(s), and s.encode("utf-8", "backslashreplace"), by
 * CPython 3.8, 3.11, 3.12 and 3.13 alike.
 */
static const struct {
	const char *name;
	const char *repr;
	const char *printed;
} names[] = {
	{"", "''", ""},
	{"a.py", "'a.py'", "a.py"},
	{"it's", "\"it's\"", "it's"},
	{"say \"hi\"", "'say \"hi\"'", "say \"hi\""},
	{"both ' and \"", "'both \\' and \"'", "both ' and \""},
	{"back\\slash", "'back\\\\slash'", "back\\slash"},
	{"tab\tnl\ncr\r", "'tab\\tnl\\ncr\\r'", "tab\tnl\ncr\r"},
	{"\001\037\177", "'\\x01\\x1f\\x7f'", "\001\037\177"},
	{"two words", "'two words'", "two words"},
	{"\303\251.py", "'\303\251.py'", "\303\251.py"},
	{"\346\227\245\346\234\254.py", "'\346\227\245\346\234\254.py'",
	 "\346\227\245\346\234\254.py"},
	{"\360\237\230\200.py", "'\360\237\230\200.py'", "\360\237\230\200.py"},
	{"\302\240\302\255\302\205", "'\\xa0\\xad\\x85'", "\302\240\302\255\302\205"},
	{"\342\200\250\342\200\251\343\200\200\342\200\213\342\200\256",
	 "'\\u2028\\u2029\\u3000\\u200b\\u202e'",
	 "\342\200\250\342\200\251\343\200\200\342\200\213\342\200\256"},
	{"\357\273\277x", "'\\ufeffx'", "\357\273\277x"},
	{"\356\200\200\357\243\277", "'\\ue000\\uf8ff'", "\356\200\200\357\243\277"},
	{"\363\240\200\201\364\217\277\277", "'\\U000e0001\\U0010ffff'",
	 "\363\240\200\201\364\217\277\277"},
	{"e\314\201", "'e\314\201'", "e\314\201"},
	{"\377\376", "'\\udcff\\udcfe'", "\\udcff\\udcfe"},
	{"\200x", "'\\udc80x'", "\\udc80x"},
	{"caf\351.py", "'caf\\udce9.py'", "caf\\udce9.py"},
	{"\300\257", "'\\udcc0\\udcaf'", "\\udcc0\\udcaf"},
	{"\340\200\200", "'\\udce0\\udc80\\udc80'", "\\udce0\\udc80\\udc80"},
	{"\355\240\200", "'\\udced\\udca0\\udc80'", "\\udced\\udca0\\udc80"},
	{"\355\262\200", "'\\udced\\udcb2\\udc80'", "\\udced\\udcb2\\udc80"},
	{"\364\220\200\200", "'\\udcf4\\udc90\\udc80\\udc80'", "\\udcf4\\udc90\\udc80\\udc80"},
	{"\360\237\230", "'\\udcf0\\udc9f\\udc98'", "\\udcf0\\udc9f\\udc98"},
	{"\343\201", "'\\udce3\\udc81'", "\\udce3\\udc81"},
	{"\343\201A", "'\\udce3\\udc81A'", "\\udce3\\udc81A"},
	{"\377'", "\"\\udcff'\"", "\\udcff'"},
	{"\303\277", "'\303\277'", "\303\277"},
	{"\315\270", "'\\u0378'", "\315\270"},
	{"\360\237\230\200\360", "'\360\237\230\200\\udcf0'", "\360\237\230\200\\udcf0"},
};

/* sorted(names, key=os.fsdecode) by the same. */
static const char *const sorted[] = {
	"",
	"\001",
	" ",
	"A",
	"A.py",
	"B",
	"_",
	"__init__.py",
	"a",
	"a b",
	"a.py",
	"a/b",
	"aa",
	"a\303\251",
	"a\343\201\202",
	"a\343\201\202x",
	"a\355\237\277",
	"a\200",
	"a\343\201",
	"a\360\237\230",
	"a\360\237\230z",
	"a\377",
	"a\356\200\200",
	"a\357\277\277",
	"a\360\237\230\200",
	"a\360\237\230\200b",
	"z",
	"~",
	"\177",
	"\303\251a",
	"\303\251b",
	"\346\227\245\346\234\254",
	"\346\227\245\346\234\254\350\252\236",
	"\303",
	"\351",
	"\351a",
	"\355\240\200",
	"\364\220\200\200",
	"\357\277\275",
	"\364\217\277\277",
};

/* bytes.decode("utf-8", "backslashreplace") by the same. */
static const struct {
	const char *bytes;
	size_t size;
	const char *printed;
} messages[] = {
	{"plain\n", 6, "plain\n"},
	{"\303\251\346\227\245\346\234\254\360\237\230\200", 12,
	 "\303\251\346\227\245\346\234\254\360\237\230\200"},
	{"\377\376", 2, "\\xff\\xfe"},
	{"a\303", 2, "a\\xc3"},
	{"a\303z", 3, "a\\xc3z"},
	{"\343\201", 2, "\\xe3\\x81"},
	{"\343\201A", 3, "\\xe3\\x81A"},
	{"\355\240\200", 3, "\\xed\\xa0\\x80"},
	{"\300\200", 2, "\\xc0\\x80"},
	{"\364\220\200\200", 4, "\\xf4\\x90\\x80\\x80"},
	{"\360\237\230\200\200", 5, "\360\237\230\200\\x80"},
	{"\200\177", 2, "\\x80\177"},
	{"*** 'x'\011\001", 9, "*** 'x'\011\001"},
};

typedef void append_function(struct buffer *buffer, const char *name);

static void expect_form(append_function *append, const char *name, const char *expected)
{
	struct buffer buffer = BUFFER_INIT;

	append(&buffer, name);
	cr_expect_str_eq(buffer_string(&buffer), expected, "%s instead of %s",
			 buffer_string(&buffer), expected);
	buffer_fini(&buffer);
}

static void expect_utf8_form(const char *utf8, size_t size, const char *expected)
{
	struct buffer buffer = BUFFER_INIT;

	text_append_utf8(&buffer, utf8, size);
	cr_expect_str_eq(buffer_string(&buffer), expected, "%s instead of %s",
			 buffer_string(&buffer), expected);
	buffer_fini(&buffer);
}

Test(text, repr_python)
{
	for (size_t i = 0; i < COUNT(names); i++)
		expect_form(text_append_repr, names[i].name, names[i].repr);
}

Test(text, name_python)
{
	for (size_t i = 0; i < COUNT(names); i++)
		expect_form(text_append_name, names[i].name, names[i].printed);
}

Test(text, utf8_python)
{
	for (size_t i = 0; i < COUNT(messages); i++)
		expect_utf8_form(messages[i].bytes, messages[i].size, messages[i].printed);
}

/* os.fsdecode(name).encode("utf-8", "surrogatepass") by the same. */
Test(text, characters_python)
{
	expect_form(text_append_characters, "", "");
	expect_form(text_append_characters, "a b'\n\177", "a b'\n\177");
	expect_form(text_append_characters, "\303\251\346\227\245\360\237\230\200",
		    "\303\251\346\227\245\360\237\230\200");
	expect_form(text_append_characters, "caf\351\377", "caf\355\263\251\355\263\277");
	expect_form(text_append_characters, "\343\201A", "\355\263\243\355\262\201A");
	expect_form(text_append_characters, "\355\262\200", "\355\263\255\355\262\262\355\262\200");
}

/* The bytes beyond `size` would complete the character. */
Test(text, utf8_ends_at_size)
{
	expect_utf8_form("\xc3\xa9", 1, "\\xc3");
	expect_utf8_form(NULL, 0, "");
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

Test(text, compare_sorted_python)
{
	for (size_t i = 0; i < COUNT(sorted); i++) {
		for (size_t j = 0; j < COUNT(sorted); j++)
			cr_expect_eq(sign(text_compare(sorted[i], sorted[j])), (i > j) - (i < j),
				     "%zu and %zu", i, j);
	}
}

Test(text, compare_equal_copies)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		char *copy = strdup(names[i].name);

		cr_assert(copy);
		cr_expect_eq(text_compare(names[i].name, copy), 0, "%s", copy);
		free(copy);
	}
}

static void use_locale(const char *name)
{
	cr_assert_eq(setenv("LC_ALL", name, 1), 0);
	text_init();
}

/* U+00E9, and a byte of no character. */
static void expect_utf8_locale(void)
{
	expect_form(text_append_repr, "\xc3\xa9\xa4", "'\xc3\xa9\\udca4'");
	expect_utf8_form("\xe2\x82\xac", 3, "\xe2\x82\xac");
	cr_expect_lt(text_compare("\xa4", "\xee\x80\x80"), 0);
}

Test(text, init_utf8)
{
	use_locale("C.UTF-8");
	expect_utf8_locale();
	cr_expect_str_eq(setlocale(LC_CTYPE, NULL), "C", "the process's own was changed");
}

/* Finding a locale opens files that may not be there. */
Test(text, comparing_leaves_errno)
{
	use_locale("C.UTF-8");
	errno = EXDEV;
	cr_expect_lt(text_compare("\xc3\xa9", "\xe2\x82\xac"), 0);
	cr_expect_eq(errno, EXDEV);
}

Test(text, init_c_is_utf8)
{
	use_locale("C");
	expect_utf8_locale();
}

Test(text, init_posix_is_utf8)
{
	use_locale("POSIX");
	expect_utf8_locale();
}

Test(text, init_unknown_is_utf8)
{
	use_locale("xx_NOWHERE.KOI-7");
	expect_utf8_locale();
}

/* A character beyond ASCII in a locale's character set: its code point and its bytes. */
struct mapping {
	unsigned code;
	const char *bytes;
};

/* Writes a character map: ASCII and `mappings`, which end in a code of 0. */
static void write_charmap(const char *path, const char *charset, const struct mapping *mappings)
{
	struct buffer map = BUFFER_INIT;

	buffer_printf(&map,
		      "<code_set_name> %s\n<comment_char> %%\n<escape_char> /\n"
		      "<mb_cur_min> 1\n<mb_cur_max> 3\nCHARMAP\n",
		      charset);
	for (unsigned code = 0; code < 0x80; code++)
		buffer_printf(&map, "<U%04X> /x%02x C\n", code, code);
	for (; mappings->code; mappings++) {
		buffer_printf(&map, "<U%04X> ", mappings->code);
		for (const char *byte = mappings->bytes; *byte; byte++)
			buffer_printf(&map, "/x%02x", (unsigned)(unsigned char)*byte);
		buffer_append_string(&map, " C\n");
	}
	buffer_append_string(&map, "END CHARMAP\n");
	scratch_file(path, buffer_string(&map));
	buffer_fini(&map);
}

/* What LeakSanitizer is not to tell of: newlocale(3) of glibc keeps what it makes of $LOCPATH. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:__argz_add_sep\n";
}

/* It may complain of the categories that are not there: what counts is whether there is a result.
 */
static bool run_localedef(void)
{
	char *arguments[] = {"localedef", "-c",       "--quiet", "--no-warnings=ascii",
			     "-i",        "./source", "-f",      "./map",
			     "./locale",  NULL};
	pid_t process;
	int status;

	if (posix_spawnp(&process, arguments[0], NULL, NULL, arguments, environ) != 0)
		return false;
	cr_assert_eq(waitpid(process, &status, 0), process);
	return access("locale/LC_CTYPE", R_OK) == 0;
}

/* Builds a locale with that character set in the test's tree, and uses it. */
static void use_charset(const char *charset, const struct mapping *mappings)
{
	write_charmap("map", charset, mappings);
	scratch_file("source", "comment_char %\nescape_char /\nLC_CTYPE\nEND LC_CTYPE\n");
	scratch_folder("locale");
	if (!run_localedef())
		SCRATCH_SKIP("localedef builds no locale here");
	cr_assert_eq(setenv("LOCPATH", scratch_path(), 1), 0);
	use_locale("locale");
}

static const struct mapping latin9[] = {
	{0xe9, "\xe9"}, {0x20ac, "\xa4"}, {0xa0, "\xa0"}, {0, NULL}};

SCRATCH_TEST(text, single_bytes_repr)
{
	use_charset("ISO-8859-15", latin9);
	expect_form(text_append_repr, "caf\xe9 \xa4\xa0", "'caf\xe9 \xa4\\xa0'");
	expect_form(text_append_name, "caf\xe9 \xa4\xa0", "caf\xe9 \xa4\xa0");
}

/* 0xA4 is U+20AC, beyond 0xE9's U+00E9. */
SCRATCH_TEST(text, single_bytes_compare)
{
	use_charset("ISO-8859-15", latin9);
	cr_assert_gt(text_compare("a\xa4", "a\xe9"), 0);
	cr_assert_lt(text_compare("az", "a\xe9"), 0);
	cr_assert_eq(text_compare("\xe9\xa4", "\xe9\xa4"), 0);
	cr_assert_lt(text_compare("\xe9", "\xe9\xa4"), 0);
}

/* "\u65e5 \u20ac\xe9".encode("iso8859-15", "backslashreplace") */
SCRATCH_TEST(text, single_bytes_utf8)
{
	use_charset("ISO-8859-15", latin9);
	expect_utf8_form("\xe6\x97\xa5 \xe2\x82\xac\xc3\xa9", 10, "\\u65e5 \xa4\xe9");
	expect_utf8_form("\xf0\x9f\x98\x80", 4, "\\U0001f600");
	expect_utf8_form("\xc3\xbf"
			 "\xc2\x80",
			 4, "\xff\x80");
}

SCRATCH_TEST(text, single_bytes_characters)
{
	use_charset("ISO-8859-15", latin9);
	expect_form(text_append_characters, "caf\xe9 \xa4", "caf\xc3\xa9 \xe2\x82\xac");
}

static const struct mapping euc_jp[] = {{0x3042, "\xa4\xa2"}, {0, NULL}};

SCRATCH_TEST(text, several_bytes_repr)
{
	use_charset("EUC-JP", euc_jp);
	expect_form(text_append_repr, "\xa4\xa2'", "\"\xa4\xa2'\"");
	expect_form(text_append_repr, "\xff\xa4\xa2\xa4", "'\\udcff\xa4\xa2\\udca4'");
	expect_form(text_append_repr, "\xa4z", "'\\udca4z'");
}

SCRATCH_TEST(text, several_bytes_characters)
{
	use_charset("EUC-JP", euc_jp);
	expect_form(text_append_characters, "a\xa4\xa2\xa4", "a\xe3\x81\x82\xed\xb2\xa4");
}

/* A byte that decodes to nothing is U+DCA4, beyond U+3042. */
SCRATCH_TEST(text, several_bytes_compare)
{
	use_charset("EUC-JP", euc_jp);
	errno = EXDEV;
	cr_assert_gt(text_compare("\xa4", "\xa4\xa2"), 0);
	cr_assert_eq(errno, EXDEV);
	cr_assert_gt(text_compare("\xa4\xa2", "z"), 0);
	cr_assert_eq(text_compare("\xa4\xa2", "\xa4\xa2"), 0);
}

SCRATCH_TEST(text, several_bytes_utf8)
{
	use_charset("EUC-JP", euc_jp);
	expect_utf8_form("\xe3\x81\x82\xf0\x9f\x98\x80", 7, "\xa4\xa2\\U0001f600");
}

static void *print_often(void *failures)
{
	for (unsigned i = 0; i < 2000; i++) {
		struct buffer buffer = BUFFER_INIT;

		text_append_repr(&buffer, "\xa4\xa2\xff");
		text_append_utf8(&buffer, "\xe3\x81\x82", 3);
		if (strcmp(buffer_string(&buffer), "'\xa4\xa2\\udcff'\xa4\xa2") != 0 ||
		    text_compare("\xa4", "\xa4\xa2") <= 0)
			++*(unsigned *)failures;
		buffer_fini(&buffer);
	}
	return NULL;
}

/* A multibyte decoder has a state: each thread must have its own. */
SCRATCH_TEST(text, several_threads)
{
	pthread_t threads[4];
	unsigned failures[COUNT(threads)] = {0};

	use_charset("EUC-JP", euc_jp);
	for (size_t i = 0; i < COUNT(threads); i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, print_often, &failures[i]), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
		cr_assert_eq(failures[i], 0);
	}
}

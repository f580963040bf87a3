/*
 * regex: every pattern on every path, and the message for every wrong pattern, beside what Python's
 * re says to the same at the same time.
 */
#include "config.h"

#include "buffer.h"
#include "regex.h"

#include "support/run.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The paths are each of these with each of those. */
static const char *const folders[] = {
	"/usr/lib/python3/dist-packages/",
	"/usr/lib/python3.11/site-packages/numpy/tests/",
	"/usr/lib/python3.11/lib2to3/tests/data/",
	"/opt/conda/lib/python3.12/site-packages/jinja2/",
	"./",
	"",
	"tests/bad_coding/",
	"build/lib.linux-x86_64-3.11/",
	"with space/it's/",
	"say \"hi\"/[a-z]/",
	"new\nline/",
	"caf\303\251/\316\243\317\202/",
	"caf\351/\377\376/",
	"\346\227\245\346\234\254/\360\237\230\200/",
	"\304\260\304\261Ii/STRASSE/",
};

static const char *const names[] = {
	"__init__.py",
	"setup.py",
	"badsyntax_nocaret.py",
	"bad_coding2.py",
	"test_async.py",
	"asyncsupport.py",
	"A.PY",
	"a.b.py",
	"x\200\377.py",
	"tab\tvt\v\001\034.py",
	"\302\240\302\205\342\200\250.py",
	"ABCabc_K\342\204\252s\305\277.py",
	"\331\243\303\211\303\251\357\254\205.py",
	"aabb{2}$^.|()*+?\\#-.py",
	"trailing.py\n",
};

/* Python's minor version from which on a pattern means what it means today; 0: any. */
struct trial {
	const char *pattern;
	long since;
};

static const struct trial patterns[] = {
	/* In use by distributions, tools and build systems. */
	{"bad_coding|badsyntax|site-packages", 0},
	{"bad_coding|badsyntax|site-packages|lib2to3/tests/data", 0},
	{"/lib2to3/tests/data/", 0},
	{"lib2to3/tests|test/bad", 0},
	{"/test/|/tests/", 0},
	{".*/tests?/.*", 0},
	{"tests", 0},
	{"test_.*", 0},
	{"badsyntax_.*", 0},
	{"bad_coding\\d*\\.py$", 0},
	{"python3\\.(11|12)/", 0},
	{"/usr/lib/python(\\d(?:.\\d+)?)/(site|dist)-packages", 0},
	{"(^|/)setup\\.py$", 0},
	{"asyncsupport\\.py", 0},
	{"jinja2[\\/]async", 0},
	{"jinja2/async(support|filters)\\.py", 0},
	{"[/\\\\]test[s_]", 0},
	{"^\\./", 0},
	{"^(?!.*site-packages)", 0},
	{"^(?:(?!tests).)*$", 0},
	{"\\.b\\.", 0},
	{"/\\.", 0},
	{"build/lib\\.linux-[^/]+/", 0},
	{".*\\.py$", 0},
	/* Characters and their escapes. */
	{"a", 0},
	{" ", 0},
	{"'s/", 0},
	{"\"", 0},
	{"\\\\", 0},
	{"\\#-", 0},
	{"\\\"hi\\\"", 0},
	{"\\[a-z\\]", 0},
	{"\\n", 0},
	{"\n", 0},
	{"\\t", 0},
	{"\\v", 0},
	{"\\a|\\f|\\r", 0},
	{"\\x01\\x1c", 0},
	{"\\x61\\x2e", 0},
	{"\\057test", 0},
	{"\\0", 0},
	{"\\01", 0},
	{"\\1411", 0},
	{"\\u00e9", 0},
	{"\\u65e5\\u672c", 0},
	{"\\U0001f600", 0},
	{"\303\251", 0},
	{"\346\227\245", 0},
	{"\303\211\303\251", 0},
	{"caf\351", 0},
	{"\377\376", 0},
	{"\\udcff", 0},
	{"[\\udc80-\\udcff]", 0},
	{"[\\ud800-\\udfff]+/", 0},
	{"[^\\x00-\\x7f]", 0},
	{"/..\\.py$", 0},
	{"\\-", 0},
	{"\\_", 0},
	{"]", 0},
	{"}", 0},
	/* Sets of characters. */
	{"\\d", 0},
	{"\\D\\d\\D", 0},
	{"\\s", 0},
	{"\\S\\s\\S", 0},
	{"\\x01\\s\\.", 0},
	{"\\x01\\S\\.", 0},
	{"\\xa0\\s{2}\\.", 0},
	{"^\\S*$", 0},
	{"\\w\\W\\w", 0},
	{"^[\\w./]+$", 0},
	{"^[^\\W]+$", 0},
	{"[\\W\\d][\\D\\s]", 0},
	{"[^\\S ]", 0},
	{"[^\\D1]", 0},
	{"[abc]{3}", 0},
	{"[]]", 0},
	{"[]a]b", 0},
	{"[^]a]b", 0},
	{"[^^]\\^", 0},
	{"[-.]py", 0},
	{"[.-]py", 0},
	{"[a\\-z]-", 0},
	{"[+--]", 0},
	{"[\\]\\[]", 0},
	{"[\\b\\t]", 0},
	{"[\\x41-\\x43]{3}", 0},
	{"[\\101-\\103]b", 0},
	{"[\\0-\\37]", 0},
	{"[$^.|()*+?{}]{2,}", 0},
	{"[/\\d]python", 0},
	{"[\303\200-\303\277]", 0},
	{"[\n]", 0},
	{"[[]a", 0},
	{"[[:alpha:]]", 0},
	{"[[:alpha:]-]", 0},
	{"[[.a.]]", 0},
	{"[&&a]", 0},
	/* Places. */
	{"^t", 0},
	{"\\At", 0},
	{"py$", 0},
	{"py\\Z", 0},
	{"py\\n$", 0},
	{"py\\n\\Z", 0},
	{"\\n$", 0},
	{"\\btests\\b", 0},
	{"\\bb", 0},
	{"\\Bb", 0},
	{"\\b\303\251", 0},
	{"\303\251\\b", 0},
	{"\\B\\.", 0},
	{"(?m)^line", 0},
	{"(?m)new$", 0},
	{"(?m)^\\Z", 0},
	{"(?m)\\Aline", 0},
	{"^$", 0},
	/* Repetition. */
	{"a{2}", 0},
	{"a{2,}b", 0},
	{"a{,2}b{2}", 0},
	{"xa{,}", 0},
	{"ta{0}b", 0},
	{"b{2}{", 0},
	{"b\\{2}", 0},
	{"x{", 0},
	{"b{x}", 0},
	{"{}", 0},
	{"b{2,1", 0},
	{"a*?b", 0},
	{"a+?b+?", 0},
	{"a??b", 0},
	{"a{1,2}?b", 0},
	{"(?:ab|b)*py", 0},
	{"(?:a*)*b", 0},
	{"(?:a|b)+\\{", 0},
	{"(?=a)*b", 0},
	{"a++b", 11},
	{"a*+a", 11},
	{"a?+ab", 11},
	{"a{1,2}+b", 11},
	{"(?>a+)b", 11},
	{"(?>a|ab)c", 11},
	/* Alternatives and groups. */
	{"a|", 0},
	{"|a", 0},
	{"()", 0},
	{"(?:)", 0},
	{"(?#a comment\\) still)a", 0},
	{"(a)\\1", 0},
	{"(.)\\1(.)\\2", 0},
	{"(/)(u)(s)(r)(/)(l)(i)(b)(/)(p)\\10", 0},
	{"(b)\\1{2}|(b)\\2", 0},
	{"(?P<x>.)(?P=x)", 0},
	{"(?P<x>s)(?P=x)(?P<y>.)", 0},
	{"(?P<\303\251>.)(?P=\303\251)", 0},
	{"(?P<a_long_name_that_pcre2_would_refuse>s)s", 0},
	{"(\")?hi(?(1)\"|x)", 0},
	{"(?P<q>\")?hi(?(q)\"|x)", 0},
	{"(?P<R>a)?b(?(R)b|c)", 0},
	{"(a)?(?(1)a|b)py", 0},
	{"(a)?(?(1)b)", 0},
	{"(?(1)x|y)(s)", 0},
	{"(?=.*tests)(?=.*data)", 0},
	{"(?<=/)a", 0},
	{"(?<!/)a", 0},
	{"(?<=site-|dist-)p", 0},
	{"(?<=(?:a|b)b)\\{", 0},
	{"(?<=[\\w]{2})/", 0},
	{"(a)(?<=\\1)a", 0},
	{"(?<=\\b)a", 0},
	{"(?<!^)/", 0},
	{"(?!)", 0},
	{"(?=)", 0},
	/* Flags. */
	{"(?i)SITE-packages", 0},
	{"(?i)test", 0},
	{"(?i)[a]\\.py", 0},
	{"(?i)[^a-z/._0-9-]", 0},
	{"(?i)K", 0},
	{"(?i)[k]s", 0},
	{"(?i)\342\204\252", 0},
	{"(?i)S\\.py", 0},
	{"(?i)\303\251{2}", 0},
	{"(?i)\317\203\317\203", 0},
	{"(?i)i{4}", 0},
	{"(?i)[i]{4}", 0},
	{"(?i)[h-j]{4}", 0},
	{"(?i)\304\260\304\261", 0},
	{"(?i)[^i]/STRASSE", 0},
	{"(?i)\357\254\206", 0},
	{"(?i)stra\303\237e", 0},
	{"(?i)(a)\\1b", 0},
	{"(?s)new.line", 0},
	{"new.line", 0},
	{"(?s)^.*$", 0},
	{"^.*$", 0},
	{"(?x) a \\  # comment\n", 0},
	{"(?x) with\\ space [ ]? / # ( [ not closed\n it", 0},
	{"(?x)a #\\\n still a comment\n b", 0},
	{"(?x)a b {2}", 0},
	{"(?x: a b)b", 0},
	{"(?x: t (?-x:h s)) p", 0},
	{"(?a)\\w\303\251", 0},
	{"(?a)\\W\303\251", 0},
	{"(?a)\\d", 0},
	{"(?a)^\\D*$", 0},
	{"(?a)\\s\\S", 0},
	{"(?a)\\x01\\s|\\xa0\\s", 0},
	{"(?a)^\\S*$", 0},
	{"(?a)\\b\\.", 0},
	{"(?a)[\\W]py", 0},
	{"(?ai)k\\W", 0},
	{"(?ai)[^k]s", 0},
	{"(?ai)[J-L]{2}", 0},
	{"(?ai)[X-c]{4}", 0},
	{"(?ai)\303\251\303\251", 0},
	{"(?ai)I{3}", 0},
	{"(?ai)(a)\\1b", 0},
	{"(?u)\\w", 0},
	{"(?im)^LINE", 0},
	{"(?i)(?m)^LINE", 0},
	{"(?i:SITE)-packages", 0},
	{"(?i:SITE)-PACKAGES", 0},
	{"(?i:s(?-i:i)TE)", 0},
	{"(?i)s(?-i:i)TE", 0},
	{"(?s-i:new.l)", 0},
	{"(?i)(?s-i:new.l)INE", 0},
	{"(?a:\\w)\303\251|(?u:\\w)\303\211", 0},
	{"(?a)(?u:\\W)\303\251", 0},
	{"(?a)(?ui:k)s", 0},
	{"(?i)(?a:k)s", 0},
	{"(?-i:A)", 0},
};

static const struct trial wrong[] = {
	{"a\\", 0},
	{"a\\h", 0},
	{"caf\303\251\\y", 0},
	{"\\Qa\\E", 0},
	{"a\\K", 0},
	{"\\R", 0},
	{"\\X", 0},
	{"\\G", 0},
	{"\\z", 0},
	{"\\pL", 0},
	{"\\N", 0},
	{"\\x4", 0},
	{"\\x{41}", 0},
	{"ab\\u12", 0},
	{"\\U0001f60", 0},
	{"\\U00110000", 0},
	{"\\400", 0},
	{"\\1", 0},
	{"(a)\\2", 0},
	{"\\57test", 0},
	{"(a)\\18", 0},
	{"(a\\1)", 0},
	{"[\\400]", 0},
	{"[\\8]", 0},
	{"[\\A]", 0},
	{"[\\B]", 0},
	{"[\\Z]", 0},
	{"[\\h]", 0},
	{"[\\", 0},
	{"a[", 0},
	{"a[b", 0},
	{"a[]", 0},
	{"[^]", 0},
	{"[a-", 0},
	{"[b-a]", 0},
	{"[a-\\d]", 0},
	{"[a--z]", 0},
	{"[\\w-a]", 0},
	{"[\303\251-\303\240]", 0},
	{"[\377-a]", 0},
	{"*", 0},
	{"a|*", 0},
	{"(*)", 0},
	{"{2}", 0},
	{"(*UTF)a", 0},
	{"^*", 0},
	{"$+", 0},
	{"\\b?", 0},
	{"\\A{2}", 0},
	{"(?i)*", 0},
	{"(?:+)", 0},
	{"a**", 0},
	{"a+*", 0},
	{"a{2}{3}", 0},
	{"a*?*", 0},
	{"a+++", 11},
	{"(?x)a* ?", 0},
	{"a{2,1}", 0},
	{"(", 0},
	{"a(b", 0},
	{"a(b(c)", 0},
	{"a)", 0},
	{"a)(", 0},
	{"(?", 0},
	{"(?:a", 0},
	{"(?=a", 0},
	{"(?<=a", 0},
	{"(?<", 0},
	{"(?<n>a)", 0},
	{"(?'n'a)", 0},
	{"(?|a)", 0},
	{"(?R)", 0},
	{"(?1)", 0},
	{"(?&n)", 0},
	{"(?\\d)", 0},
	{"(?P", 0},
	{"(?P>n)", 0},
	{"(?P<n", 0},
	{"(?P<", 0},
	{"(?P<>a)", 0},
	{"(?P<1>a)", 0},
	{"(?P<a-b>a)", 0},
	{"(?P<it's>a)", 0},
	{"(?P<\377>a)", 0},
	{"(?P<n>a)(?P<n>b)", 0},
	{"(?P=n)", 0},
	{"(?P<n>(?P=n))", 0},
	{"(?P=", 0},
	{"(?P=)", 0},
	{"(?(1)a)", 9},
	{"(?(0)a)", 0},
	{"(?(n)a)", 0},
	{"(?()a)", 0},
	{"(?(1", 0},
	{"(a)(?(1)b|c|d)", 0},
	{"(a)(?(1)b", 0},
	{"(?(DEFINE)a)", 0},
	{"(?#a", 0},
	{"(?<=a*)b", 0},
	{"(?<=a|bc)", 0},
	{"(?<!(?:a|bc)d)", 0},
	{"(a*)(?<=\\1)", 0},
	{"(?<=(a)\\1)", 0},
	{"(?<=(?(1)a|b))(c)", 0},
	{"a(?i)", 11},
	{"(?i:(?m))", 11},
	{"a|(?i)b", 11},
	{"(?L)a", 0},
	{"(?au)a", 0},
	{"(?a)(?u)a", 0},
	{"(?iz)", 0},
	{"(?i", 0},
	{"(?i!", 0},
	{"(?i-", 0},
	{"(?i-)", 0},
	{"(?i-:a)", 0},
	{"(?-z:a)", 0},
	{"(?-i", 0},
	{"(?-i)", 0},
	{"(?-i\303\251:a)", 0},
	{"(?-a:a)", 0},
	{"(?i-i:a)", 0},
	{"(?^i:a)", 0},
	{"a\n\\h", 0},
	{"\n\nab(", 0},
};

/* For each pattern, what Python says: "0" and "1" for each path, or "!" and the message. */
struct oracle {
	struct run_result result;
	const char *next; /* the line of the next pattern */
	long minor;       /* Python's version */
};

static const char script[] =
	"import os, re, sys\n"
	"sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')\n"
	"lines = [os.fsdecode(bytes.fromhex(line)) for line in sys.stdin]\n"
	"paths = [line[1:] for line in lines if line[0] == '/']\n"
	"print(sys.version_info.minor)\n"
	"for line in lines:\n"
	"    if line[0] == '/':\n"
	"        continue\n"
	"    try:\n"
	"        found = re.compile(line[1:]).search\n"
	"        print(*[int(bool(found(path))) for path in paths], sep='')\n"
	"    except (re.error, ValueError, OverflowError, RuntimeError) as error:\n"
	"        print('!', error, sep='')\n";

/* A line of hexadecimal digits, since names and patterns may hold any byte but NUL. */
static void append_line(struct buffer *input, const char *kind, const char *first,
			const char *second)
{
	const char *parts[] = {kind, first, second};

	for (size_t i = 0; i < COUNT(parts); i++)
		for (const char *byte = parts[i]; *byte; byte++)
			buffer_printf(input, "%02x", (unsigned)(unsigned char)*byte);
	buffer_append_byte(input, '\n');
}

static void ask(struct oracle *oracle, const struct trial *trials, size_t count)
{
	struct buffer input = BUFFER_INIT;

	for (size_t i = 0; i < COUNT(folders); i++)
		for (size_t j = 0; j < COUNT(names); j++)
			append_line(&input, "/", folders[i], names[j]);
	for (size_t i = 0; i < count; i++)
		append_line(&input, "=", trials[i].pattern, "");
	run_python(&oracle->result,
		   (struct run_request){
			   .arguments = RUN_LIST("-I", "-S", "-W", "ignore", "-c", script),
			   .input = buffer_string(&input),
		   });
	buffer_fini(&input);
	cr_assert_eq(oracle->result.status, 0, "%s", oracle->result.errors);
	oracle->minor = strtol(oracle->result.output, NULL, 10);
	oracle->next = strchr(oracle->result.output, '\n') + 1;
}

/* What it says of the next pattern; the caller frees it. */
static char *next_answer(struct oracle *oracle)
{
	size_t length = strcspn(oracle->next, "\n");
	char *answer = strndup(oracle->next, length);

	cr_assert(answer && oracle->next[length] == '\n');
	oracle->next += length + 1;
	return answer;
}

/* The same of ours. */
static char *our_answer(const char *pattern)
{
	struct buffer answer = BUFFER_INIT, problem = BUFFER_INIT, path = BUFFER_INIT;
	struct regex_scratch *scratch = regex_scratch_create();
	struct regex *regex = regex_compile(pattern, &problem);
	char *text;

	cr_assert(scratch && (regex || errno == EINVAL));
	for (size_t i = 0; regex && i < COUNT(folders) * COUNT(names); i++) {
		buffer_clear(&path);
		buffer_append_string(&path, folders[i / COUNT(names)]);
		buffer_append_string(&path, names[i % COUNT(names)]);
		buffer_printf(&answer, "%d", regex_search(regex, scratch, buffer_string(&path)));
	}
	if (!regex)
		buffer_printf(&answer, "!%s", buffer_string(&problem));
	text = strdup(buffer_string(&answer));
	cr_assert(text);
	regex_free(regex);
	regex_scratch_destroy(scratch);
	buffer_fini(&answer);
	buffer_fini(&problem);
	buffer_fini(&path);
	return text;
}

/* `refused`: Python must refuse them; otherwise it must not. */
static void expect_python(const struct trial *trials, size_t count, bool refused)
{
	struct oracle oracle;

	ask(&oracle, trials, count);
	for (size_t i = 0; i < count; i++) {
		char *theirs = next_answer(&oracle);
		char *ours = our_answer(trials[i].pattern);

		if (oracle.minor >= trials[i].since) {
			cr_expect_eq(*theirs == '!', refused, "%s: %s", trials[i].pattern, theirs);
			cr_expect_str_eq(ours, theirs, "%s: %s instead of %s", trials[i].pattern,
					 ours, theirs);
		}
		free(theirs);
		free(ours);
	}
	run_result_fini(&oracle.result);
}

Test(regex, search_python)
{
	expect_python(patterns, COUNT(patterns), false);
}

Test(regex, compile_wrong_python)
{
	expect_python(wrong, COUNT(wrong), true);
}

/* Python takes these, and PCRE2 has a limit, or its characters have no names. */
Test(regex, compile_refuses_more_than_python)
{
	static const struct trial more[] = {
		{"a\\N{DIGIT ONE}", 8},
		{"[\\N{DIGIT ONE}]", 8},
		{"a{65536}", 0},
		{"a{0,65536}", 0},
	};
	static const char *const messages[] = {
		"!names of characters (\\N) are not supported at position 1",
		"!names of characters (\\N) are not supported at position 1",
		"!the repetition number is too large",
		"!the repetition number is too large",
	};
	struct oracle oracle;

	ask(&oracle, more, COUNT(more));
	for (size_t i = 0; i < COUNT(more); i++) {
		char *theirs = next_answer(&oracle);
		char *ours = our_answer(more[i].pattern);

		cr_expect(*theirs != '!', "%s", theirs);
		cr_expect_str_eq(ours, messages[i], "%s", ours);
		free(theirs);
		free(ours);
	}
	run_result_fini(&oracle.result);
}

static void expect_problem(const char *pattern, const char *expected)
{
	struct buffer problem = BUFFER_INIT;

	cr_expect_null(regex_compile(pattern, &problem));
	cr_expect_eq(errno, EINVAL);
	cr_expect_str_eq(buffer_string(&problem), expected, "%s", buffer_string(&problem));
	buffer_fini(&problem);
}

/* To Python's argument parser it is none at all, and compileall dies of it. */
Test(regex, compile_empty)
{
	expect_problem("", "empty pattern");
}

/* Python tells "z-\x at position 3". */
Test(regex, compile_wrong_range)
{
	expect_problem("[z-\\x41]", "bad character range z-\\x41 at position 1");
}

/* What PCRE2 alone refuses. */
Test(regex, compile_too_large)
{
	struct buffer problem = BUFFER_INIT;

	cr_assert_null(regex_compile("(?:a{60000}){60000}", &problem));
	cr_assert_eq(errno, EINVAL);
	cr_assert_gt(problem.size, (size_t)0);
	buffer_fini(&problem);
}

/* "(...(\b)...)" with that many parentheses. */
static struct regex *compile_nested(size_t depth, struct buffer *problem)
{
	struct buffer pattern = BUFFER_INIT;
	struct regex *regex;

	for (size_t i = 0; i < depth; i++)
		buffer_append_byte(&pattern, '(');
	buffer_append_string(&pattern, "\\b");
	for (size_t i = 0; i < depth; i++)
		buffer_append_byte(&pattern, ')');
	regex = regex_compile(buffer_string(&pattern), problem);
	buffer_fini(&pattern);
	return regex;
}

Test(regex, compile_nested)
{
	struct buffer problem = BUFFER_INIT;
	struct regex *regex = compile_nested(250, &problem);

	cr_assert(regex, "%s", buffer_string(&problem));
	regex_free(regex);
	cr_assert_null(compile_nested(251, &problem));
	cr_assert_str_eq(buffer_string(&problem),
			 "parentheses are nested too deeply at position 250");
	buffer_fini(&problem);
}

/* Python would be busy for many years. */
Test(regex, search_given_up)
{
	struct buffer problem = BUFFER_INIT;
	struct regex *regex = regex_compile("^(a+)+$", &problem);
	struct regex_scratch *scratch = regex_scratch_create();

	cr_assert(regex && scratch);
	cr_assert_eq(regex_search(regex, scratch,
				  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
		     -1);
	cr_assert_eq(errno, ELOOP);
	cr_assert_eq(regex_search(regex, scratch, "aaa"), 1);
	regex_scratch_destroy(scratch);
	regex_free(regex);
	buffer_fini(&problem);
}

Test(regex, free_null)
{
	regex_free(NULL);
	regex_scratch_destroy(NULL);
}

/* One thread's share of the searches, all with the same expression. */
struct searcher {
	pthread_t thread;
	const struct regex *regex;
	unsigned found;
	bool failed;
};

static void *search_all(void *argument)
{
	struct searcher *searcher = argument;
	struct regex_scratch *scratch = regex_scratch_create();

	searcher->failed = !scratch;
	for (size_t i = 0; scratch && i < 200 * COUNT(folders); i++) {
		int found = regex_search(searcher->regex, scratch, folders[i % COUNT(folders)]);

		searcher->failed |= found < 0;
		searcher->found += found > 0;
	}
	regex_scratch_destroy(scratch);
	return NULL;
}

Test(regex, search_threads)
{
	struct buffer problem = BUFFER_INIT;
	struct regex *regex = regex_compile("(\\w)\\1|[\\udcff]|\\u03c2", &problem);
	struct searcher alone = {.regex = regex}, searchers[4];

	cr_assert(regex, "%s", buffer_string(&problem));
	(void)search_all(&alone);
	cr_assert(!alone.failed && alone.found > 0 && alone.found < 200 * COUNT(folders));
	for (size_t i = 0; i < COUNT(searchers); i++) {
		searchers[i] = (struct searcher){.regex = regex};
		cr_assert_eq(pthread_create(&searchers[i].thread, NULL, search_all, &searchers[i]),
			     0);
	}
	for (size_t i = 0; i < COUNT(searchers); i++) {
		cr_assert_eq(pthread_join(searchers[i].thread, NULL), 0);
		cr_expect(!searchers[i].failed);
		cr_expect_eq(searchers[i].found, alone.found, "%u", searchers[i].found);
	}
	regex_free(regex);
	buffer_fini(&problem);
}

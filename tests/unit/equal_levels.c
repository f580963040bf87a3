#include "config.h"

#include "equal_levels.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool sure(const char *source, int lower, int upper)
{
	return equal_levels_sure(source, strlen(source), lower, upper);
}

/* The answers for 0 and 1, and for 1 and 2; for 0 and 2 both must be sure. */
static void assert_sure(const char *source, bool asserts, bool docstrings)
{
	cr_assert_eq(sure(source, 0, 1), asserts, "0 and 1: %s", source);
	cr_assert_eq(sure(source, 1, 2), docstrings, "1 and 2: %s", source);
	cr_assert_eq(sure(source, 0, 2), asserts && docstrings, "0 and 2: %s", source);
}

Test(equal_levels, nothing_to_remove)
{
	assert_sure("", true, true);
	assert_sure("x = 1\n", true, true);
	assert_sure("x = 'text'\ndef f(a, b=\"\"):\n    return {'a' : b}\n", true, true);
	assert_sure("self.assertEqual(1, 2)\nassertion = asserts\n", true, true);
	assert_sure("# assert\nx = 1 # __debug\n", true, true);
}

Test(equal_levels, asserts)
{
	assert_sure("assert x\n", false, true);
	assert_sure("assert(x)\n", false, true);
	assert_sure("if x: assert x\n", false, true);
	assert_sure("x = 1; assert x\n", false, true);
	assert_sure("x = 1;\\\n assert x\n", false, true);
	assert_sure("def f():\n\t\fassert\\\n 1\n", false, true);
	assert_sure("x = 1\rassert x\r", false, true);
	assert_sure("\xef\xbb\xbf"
		    "assert x\n",
		    false, true);
	assert_sure("x = 1\nassert", false, true);
}

Test(equal_levels, the_name_debug)
{
	assert_sure("x = __debug__\n", false, true);
	assert_sure("if not __debug__: pass\n", false, true);
	assert_sure("x = f'{__debug__}'\n", false, true);
}

/* Fullwidth, mathematical and other letters are the same name to Python. */
Test(equal_levels, names_in_compatible_letters)
{
	assert_sure("x = __\xef\xbd\x84"
		    "ebug__\n",
		    false, true);
	assert_sure("x = \xef\xbc\xbf_debug__\n", false, true);
	assert_sure("x = __d\xf0\x9d\x90\x9e"
		    "bug__\n",
		    false, true);
	assert_sure("x = '\xc3\xa9\xe2\x80\xa6\xe6\x97\xa5'\n", true, true);
	assert_sure("x = '\xff'\n", false, true);
}

Test(equal_levels, docstrings)
{
	assert_sure("'doc'\n", true, false);
	assert_sure("\n# comment\n\"\"\"doc\"\"\"\n", true, false);
	assert_sure("\xef\xbb\xbf'doc'\n", true, false);
	assert_sure("def f(): 'doc'\n", true, false);
	assert_sure("class C:\n    r'doc'\n", true, false);
	assert_sure("def f():\n    ('doc')\n", true, false);
	assert_sure("def f():\n    ( (\n 'doc'))\n", true, false);
	assert_sure("def f(): \\\n    u'doc'\n", true, false);
	assert_sure("class C:\r\tRb'not a docstring, but who knows'\r", true, false);
}

/* In another encoding the bytes are other letters. */
Test(equal_levels, declared_encodings)
{
	assert_sure("# coding: utf-7\nx = +AF8AXw-debug+AF8AXw-\n", false, false);
	assert_sure("#!/bin/python\n# -*- coding: latin-1 -*-\nx = 1\n", false, false);
	assert_sure("x = 1\ny = 2\n# coding: utf-7 comes too late\n", true, true);
}

/* Each way to cut a source: no answer reads behind the end (AddressSanitizer looks on). */
Test(equal_levels, any_beginning_of_a_source)
{
	static const char source[] =
		"\xef\xbb\xbf# c\n(( '\xf0\x9d\x90\x9e' ;assert\\\n__debug__: R";

	for (size_t size = 0; size < sizeof(source); size++) {
		char *copy = size > 0 ? strndup(source, size) : strdup("");
		char *tight = malloc(size > 0 ? size : 1);

		memcpy(tight, copy, size);
		for (int lower = 0; lower < 2; lower++)
			(void)equal_levels_sure(tight, size, lower, 2);
		free(tight);
		free(copy);
	}
	cr_assert_not(equal_levels_sure(source, sizeof(source) - 1, 0, 1));
}

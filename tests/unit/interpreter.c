#include "config.h"

#include "interpreter.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the linked interpreter itself says, by $PYTHON. */
static void assert_python_says(const char *expression, const char *expected)
{
	char command[500], answer[200] = "";
	FILE *pipe;

	(void)snprintf(command, sizeof(command),
		       "\"$PYTHON\" -I -S -c 'import sys, _imp, importlib.util as u; print(%s)'",
		       expression);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	cr_assert_not_null(fgets(answer, sizeof(answer), pipe));
	cr_assert_eq(pclose(pipe), 0);
	answer[strcspn(answer, "\n")] = '\0';
	cr_assert_str_eq(answer, expected, "%s", expression);
}

Test(interpreter, embedded_is_what_the_linked_python_says)
{
	const struct interpreter *embedded = interpreter_embedded();
	char text[100];

	assert_python_says("sys.implementation.cache_tag", embedded->cache_tag);
	(void)snprintf(text, sizeof(text), "%02x%02x%02x%02x", embedded->magic[0],
		       embedded->magic[1], embedded->magic[2], embedded->magic[3]);
	assert_python_says("u.MAGIC_NUMBER.hex()", text);
	assert_python_says("sys.version.split()[0]", embedded->version);
}

Test(interpreter, embedded_hash_kind_is_what_the_linked_python_computes)
{
	const struct interpreter *embedded = interpreter_embedded();
	uint64_t hash = source_hash(embedded->hash_kind, embedded->magic, "x = 1\n", 6);
	char text[100];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)hash);
	assert_python_says("int.from_bytes(u.source_hash(b\"x = 1\\n\"), \"little\")", text);
}

#include "config.h"

#include "misbehave.h"

#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* As protocol.h has it. */
static const char prelude[] = "import _imp, os, sys, time\n"
			      "from _frozen_importlib_external import MAGIC_NUMBER\n"
			      "def greet():\n"
			      "    tag = sys.implementation.cache_tag.encode()\n"
			      "    key = int.from_bytes(MAGIC_NUMBER, 'little')\n"
			      "    numbers = len(tag), sys.hexversion, 0\n"
			      "    os.write(0, b'pycs\\2\\0\\0\\0' + MAGIC_NUMBER\n"
			      "             + b''.join(n.to_bytes(4, 'little') for n in numbers)\n"
			      "             + _imp.source_hash(key, b'') + tag)\n"
			      "def receive():\n"
			      "    os.read(0, 24)\n";

static void make_server(const char *condition, const char *script)
{
	const char *python = getenv("PYTHON"), *real = getenv("COMPILE_SERVER");
	char *text;

	cr_assert_not_null(python, "PYTHON is not set");
	cr_assert_not_null(real, "COMPILE_SERVER is not set");
	scratch_folder("servers");
	cr_assert_geq(asprintf(&text,
			       "#!%s -IS\n%sreal = '%s'\nscript = '''%s'''\n%s\n"
			       "os.execv(real, [real])\n",
			       python, prelude, real, script, condition),
		      0);
	scratch_file("servers/compile_server", text);
	scratch_mode("servers/compile_server", 0755);
	free(text);
}

void misbehave_first(const char *script)
{
	make_server("try:\n"
		    "    os.mkdir('servers/first')\n"
		    "except FileExistsError:\n"
		    "    os.execv(real, [real])\n"
		    "exec(script)\n",
		    script);
}

void misbehave_always(const char *script)
{
	make_server("exec(script)\n", script);
}

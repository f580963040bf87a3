/*
 * stub: shell scripts that stand in for a compile server.
 */
#ifndef PYCOMPILEALL_TESTS_STUB_H
#define PYCOMPILEALL_TESTS_STUB_H

#include "interpreter.h"

/*
 * Makes an executable script in the scratch folder. In it, `greet` sends the greeting of
 * `interpreter` to standard input, which is the socket, and `receive` takes a request whose name
 * and source have `size` bytes in all, into the file "request"; it is false at the end of the
 * conversation.
 */
void stub_server(const char *path, const struct interpreter *interpreter, size_t size,
		 const char *script);

#endif

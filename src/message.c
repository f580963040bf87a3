#include "config.h"

#include "message.h"

#include "py_error.h"
#include "text.h"

/* "'a.py'", or "'a.py' for cpython-312". */
static void append_path(struct buffer *buffer, const struct message_style *style, const char *path)
{
	text_append_repr(buffer, path);
	if (style->label)
		buffer_printf(buffer, " for %s", style->label);
}

/* The same with "..." and the end of the line. */
static void append_path_line(struct buffer *buffer, const struct message_style *style,
			     const char *path)
{
	append_path(buffer, style, path);
	buffer_append_string(buffer, "...\n");
}

/* Before a text that does not name the file, and so has no place for the interpreter. */
static void append_label(struct buffer *buffer, const struct message_style *style)
{
	if (style->label)
		buffer_printf(buffer, "%s: ", style->label);
}

/* Where an error's text goes, its frame begun; NULL: nothing is to be said. */
static struct buffer *begin_error(struct report_lines *lines, const struct message_style *style,
				  const char *path)
{
	if (style->py_compile && style->quiet > 0)
		return NULL;
	if (style->py_compile) {
		append_label(&lines->errors, style);
		return &lines->errors;
	}
	if (style->quiet >= 2)
		return NULL;
	buffer_append_string(&lines->output, "*** ");
	if (style->quiet == 1) {
		buffer_append_string(&lines->output, "Error compiling ");
		append_path_line(&lines->output, style, path);
	}
	return &lines->output;
}

/* print() ends compileall's messages; py_compile's own may have an end already. */
static void end_error(struct buffer *buffer, const struct message_style *style)
{
	if (!style->py_compile || buffer->size == 0 || buffer->data[buffer->size - 1] != '\n')
		buffer_append_byte(buffer, '\n');
}

void message_compiling(struct report_lines *lines, const struct message_style *style,
		       const char *path)
{
	if (style->py_compile || style->quiet > 0)
		return;
	buffer_append_string(&lines->output, "Compiling ");
	append_path_line(&lines->output, style, path);
}

void message_verdict(struct report_lines *lines, const struct message_style *style,
		     const char *path, const char *optimization, enum staleness verdict)
{
	struct buffer *output = &lines->output;

	if (!style->verbose || style->py_compile)
		return;
	buffer_append_string(output, verdict == STALENESS_FRESH ? "Fresh " : "Stale ");
	append_path(output, style, path);
	if (*optimization)
		buffer_printf(output, " [opt-%s]", optimization);
	if (verdict != STALENESS_FRESH)
		buffer_printf(output, " (%s)", staleness_name(verdict));
	buffer_append_byte(output, '\n');
}

void message_written(struct report_lines *lines, const struct message_style *style,
		     const char *cache_path)
{
	if (!style->verbose || !style->py_compile)
		return;
	text_append_name(&lines->output, cache_path);
	buffer_append_byte(&lines->output, '\n');
}

void message_warnings(struct report_lines *lines, const struct message_style *style,
		      const char *text, size_t size)
{
	if (size == 0)
		return;
	append_label(&lines->errors, style);
	text_append_utf8(&lines->errors, text, size);
}

void message_unstripped(struct report_lines *lines, const struct message_style *style,
			const char *strip, const char *path)
{
	struct buffer *output = &lines->output;

	if (style->quiet >= 2)
		return;
	buffer_append_string(output, "The stripdir path ");
	text_append_repr(output, strip);
	buffer_append_string(output, " is not a valid prefix for source path ");
	text_append_repr(output, path);
	buffer_append_string(output, "; ignoring\n");
}

void message_errno(struct report_lines *lines, const struct message_style *style, const char *path,
		   int error, const char *concerned)
{
	size_t begin = style->py_compile ? lines->errors.size : lines->output.size;
	struct buffer *buffer = begin_error(lines, style, path);

	if (!buffer)
		return;
	if (style->py_compile)
		py_error_append_text(buffer, error, concerned);
	else
		py_error_append(buffer, error, concerned);
	end_error(buffer, style);
	report_lines_mark(lines, buffer, begin, error, CAUSE_UNCOMPILED);
}

void message_python(struct report_lines *lines, const struct message_style *style, const char *path,
		    const char *text, size_t size)
{
	struct buffer *buffer = begin_error(lines, style, path);

	if (!buffer)
		return;
	text_append_utf8(buffer, text, size);
	end_error(buffer, style);
}

void message_exists(struct report_lines *lines, const struct message_style *style, const char *path,
		    const char *cache_path, bool is_link)
{
	struct buffer *buffer = begin_error(lines, style, path);

	if (!buffer)
		return;
	if (!style->py_compile)
		buffer_append_string(buffer, "FileExistsError: ");
	py_error_append_exists(buffer, cache_path, is_link);
	end_error(buffer, style);
}

#include "config.h"

#include "character_class.h"

#include "buffer.h"

#include <stddef.h>

/* PCRE2's own \w and \s differ from Python's, and from one version to another. */
static const struct {
	char letter;
	const char *unicode, *ascii;
} classes[] = {
	{'d', "\\p{Nd}", "0-9"},
	{'D', "\\P{Nd}", "\\x{0}-\\x{2f}\\x{3a}-\\x{10ffff}"},
	{'s',
	 "\\x{9}-\\x{d}\\x{1c}-\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}"
	 "\\x{202f}\\x{205f}\\x{3000}",
	 "\\x{9}-\\x{d}\\x{20}"},
	{'S',
	 "\\x{0}-\\x{8}\\x{e}-\\x{1b}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-"
	 "\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"
	 "\\x{3001}-\\x{10ffff}",
	 "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{10ffff}"},
	{'w', "\\p{L}\\p{N}_", "0-9A-Z_a-z"},
	/* All but letters and numbers, and of connecting punctuation, Pc, all but "_". */
	{'W',
	 "\\p{M}\\p{S}\\p{Z}\\p{C}\\p{Pd}\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\\p{Po}\\x{203f}\\x{2040}"
	 "\\x{2054}\\x{fe33}\\x{fe34}\\x{fe4d}-\\x{fe4f}\\x{ff3f}",
	 "\\x{0}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{5e}\\x{60}\\x{7b}-\\x{10ffff}"},
};

/* Letters that are each other's other case for Python, and not for PCRE2; 0: no more of them. */
static const uint32_t other_cases[][4] = {
	{'I', 'i', 0x130, 0x131},
	{0x390, 0x1fd3},
	{0x3b0, 0x1fe3},
	{0xfb05, 0xfb06},
};

const char *character_class_of(uint32_t letter, bool ascii)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if ((unsigned char)classes[i].letter == letter)
			return ascii ? classes[i].ascii : classes[i].unicode;
	return NULL;
}

static bool is_plain(uint32_t code)
{
	return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || code == '_' ||
	       (code >= 'a' && code <= 'z');
}

void character_class_append(struct buffer *buffer, uint32_t code)
{
	if (is_plain(code))
		buffer_append_byte(buffer, (char)code);
	else
		buffer_printf(buffer, "\\x{%x}", (unsigned)code);
}

static void append_range(struct buffer *buffer, uint32_t low, uint32_t high)
{
	character_class_append(buffer, low);
	if (low == high)
		return;
	buffer_append_byte(buffer, '-');
	character_class_append(buffer, high);
}

/* What of the range lies in the alphabet that begins with `first`, in that with `other_first`. */
static void append_other_alphabet(struct buffer *buffer, uint32_t low, uint32_t high,
				  uint32_t first, uint32_t other_first)
{
	uint32_t last = first + 'z' - 'a';

	if (low < first)
		low = first;
	if (high > last)
		high = last;
	if (low <= high)
		append_range(buffer, low - first + other_first, high - first + other_first);
}

static void append_other_cases(struct buffer *buffer, uint32_t low, uint32_t high)
{
	for (size_t i = 0; i < sizeof(other_cases) / sizeof(*other_cases); i++) {
		bool found = false;

		for (size_t j = 0; j < 4 && other_cases[i][j]; j++)
			found |= other_cases[i][j] >= low && other_cases[i][j] <= high;
		for (size_t j = 0; found && j < 4 && other_cases[i][j]; j++)
			character_class_append(buffer, other_cases[i][j]);
	}
}

void character_class_append_range(struct buffer *buffer, uint32_t low, uint32_t high,
				  enum character_class_case which)
{
	append_range(buffer, low, high);
	if (which == CHARACTER_CLASS_IGNORE)
		append_other_cases(buffer, low, high);
	if (which == CHARACTER_CLASS_IGNORE_ASCII) {
		append_other_alphabet(buffer, low, high, 'A', 'a');
		append_other_alphabet(buffer, low, high, 'a', 'A');
	}
}

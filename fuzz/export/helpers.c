// SPDX-License-Identifier: GPL-2.0-only
/* Those functions of helpers.txt that a program uses. */
#include "fuzz/export/emit.h"

/* helpers.txt itself, by CMakeLists.txt. */
extern const char helpers_text[];

static const char *const names[HELPER_NR] = {
#define X(id) [HELPER_##id] = #id,
	HELPERS(X)
#undef X
};

struct line {
	const char *at;
	int len;
};

static bool next_line(const char **text, struct line *l)
{
	const char *end = strchr(*text, '\n');

	if (!end)
		return false;
	*l = (struct line){*text, end - *text};
	*text = end + 1;
	return true;
}

/* Bits of the words from @at on. */
static u32 helper_bits(const char *at, const char *end)
{
	u32 bits = 0;

	while (at < end) {
		size_t len = strcspn(at, " \n");

		for (u32 i = 0; i < HELPER_NR; i++)
			if (strlen(names[i]) == len && !memcmp(names[i], at, len))
				bits |= 1u << i;
		at += len + 1;
	}
	return bits;
}

static bool is_head(const struct line *l)
{
	return l->len > 3 && !memcmp(l->at, "%% ", 3);
}

static u32 head_bits(const struct line *l)
{
	return helper_bits(l->at + 3, l->at + l->len);
}

static u32 own_bit(const struct line *l)
{
	return helper_bits(l->at + 3, l->at + 3 + strcspn(l->at + 3, " \n"));
}

u32 helpers_needed(u32 asked)
{
	const char *text = helpers_text;
	u32 before = 0;
	struct line l;

	while (asked != before) {
		before = asked;
		for (text = helpers_text; next_line(&text, &l);)
			if (is_head(&l) && asked & own_bit(&l))
				asked |= head_bits(&l);
	}
	return asked;
}

/* %if WORD..: all of them must hold. */
static bool holds(const struct line *l, u32 needed)
{
	bool nth = needed >> HELPER_NTH & 1, children = needed >> HELPER_CHILDREN & 1;
	const char *end = l->at + l->len;

	for (const char *at = l->at + 4; at < end; at += strcspn(at, " \n") + 1)
		if ((!strncmp(at, "nth", 3) && !nth) || (!strncmp(at, "alone", 5) && children) ||
		    (!strncmp(at, "children", 8) && !children) ||
		    (!strncmp(at, "plain", 5) && (nth || children)))
			return false;
	return true;
}

void emit_helpers(FILE *out, u32 asked)
{
	u32 needed = helpers_needed(asked);
	const char *text = helpers_text;
	bool shown = false, on = true;
	struct line l;

	while (next_line(&text, &l)) {
		if (is_head(&l)) {
			shown = needed & own_bit(&l);
			on = true;
		} else if (!strncmp(l.at, "%if ", 4)) {
			on = holds(&l, needed);
		} else if (!strncmp(l.at, "%end", 4)) {
			on = true;
		} else if (shown && on) {
			fprintf(out, "%.*s\n", l.len, l.at);
		}
	}
	if (shown)
		fputc('\n', out); /* the last of them has no blank line behind it */
}

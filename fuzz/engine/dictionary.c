// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words are not listed here: records of every code, drawn at random and normalised, are printed, and
 * what looks like a word of the language in that is one. Names that the printer gives to objects have
 * capitals or digits.
 */
#include "fuzz/engine/dictionary.h"

#include "core/op/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_A_CODE 256

/* --- words ------------------------------------------------------------------------ */

struct words {
	char *word[DICTIONARY_TOKENS];
	u32 nr;
};

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_word(struct words *w, const char *at, size_t len)
{
	for (u32 i = 0; i < w->nr; i++)
		if (strlen(w->word[i]) == len && !memcmp(w->word[i], at, len))
			return 0;
	if (w->nr == DICTIONARY_TOKENS)
		return 0;
	w->word[w->nr] = strndup(at, len);
	return w->word[w->nr] ? (w->nr++, 0) : -ENOMEM;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static int add_words(struct words *w, const char *text)
{
	int rc = 0;

	while (!rc && *text) {
		size_t small = strspn(text, "abcdefghijklmnopqrstuvwxyz_"), len = small;

		while (is_name(text[len]))
			len++;
		if (small >= 2 && small == len)
			rc = add_word(w, text, len);
		text += len ?: 1;
	}
	return rc;
}

static int add_printed(struct words *w, const struct program *p)
{
	char *text = text_print(p, NULL);
	int rc = text ? add_words(w, text) : -ENOMEM;

	free(text);
	return rc;
}

/* Some fields are said by a word where they are 0, 1 or all ones. */
static u64 some_value(u64 seed)
{
	u64 v = mix64(seed);

	switch (v >> 62) {
	case 0:
		return v & 1;
	case 1:
		return ~0ULL;
	default:
		return v >> v % 64;
	}
}

static int add_code(struct words *w, struct program *p, u32 code)
{
	int rc = 0;

	program_clear(p);
	for (u64 i = 0; !rc && i < RECORDS_A_CODE; i++) {
		u64 seed = (u64)code << 32 | i << 8;
		struct op op = {.code = code,
				.thread = mix64(seed),
				.flags = mix64(seed + 1),
				.arg = some_value(seed + 2),
				.slots = mix64(seed + 3),
				.addr = some_value(seed + 4),
				.len_fail = mix64(seed + 5)};

		rc = program_add(p, &op);
	}
	return rc ? rc : add_printed(w, p);
}

/* With names that are no words. */
static int add_expectations(struct words *w, struct program *p)
{
	int rc = 0;

	program_clear(p);
	for (u32 kind = 0; !rc && kind < EXPECT_NR; kind++) {
		struct expect e = {.kind = kind, .at = 1, .has_page = true, .name = "X"};
		struct op op[2];

		if (expect_pack(&e, op) != 1)
			continue;
		rc = program_add(p, op);
	}
	return rc ? rc : add_printed(w, p);
}

static int write_words(FILE *out)
{
	struct program p = PROGRAM_EMPTY;
	struct words w = {0};
	int rc = add_expectations(&w, &p);

	for (u32 code = 0; !rc && code < OP_NR; code++) {
		rc = add_word(&w, op_word(code), strlen(op_word(code)));
		if (!rc && code != OP_NAME && code != OP_EXPECT)
			rc = add_code(&w, &p, code);
	}
	qsort(w.word, w.nr, sizeof(w.word[0]), compare_words);
	for (u32 i = 0; i < w.nr; i++) {
		if (!rc)
			fprintf(out, "\"%s\"\n", w.word[i]);
		free(w.word[i]);
	}
	program_free(&p);
	return rc;
}

/* --- records ---------------------------------------------------------------------- */

struct counted {
	struct op op;
	u32 count;
};

static int compare_ops(const void *a, const void *b)
{
	return memcmp(a, b, OP_SIZE);
}

/* The most frequent first, then by their bytes: the same on every machine. */
static int compare_counts(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return compare_ops(&x->op, &y->op);
}

static int take_records(const struct inputs *all, struct program *every)
{
	struct program p = PROGRAM_EMPTY;
	int rc = 0;

	for (size_t i = 0; !rc && i < all->nr; i++) {
		rc = program_decode(&p, all->input[i].bytes, all->input[i].size);
		for (size_t k = 0; !rc && k < p.nr; k++)
			if (p.ops[k].code != OP_NAME && p.ops[k].code != OP_EXPECT)
				rc = program_add(every, &p.ops[k]);
	}
	program_free(&p);
	return rc;
}

static u32 count_records(struct program *every, struct counted *counted)
{
	u32 nr = 0;

	qsort(every->ops, every->nr, OP_SIZE, compare_ops);
	for (size_t k = 0; k < every->nr; k++) {
		if (!nr || compare_ops(&counted[nr - 1].op, &every->ops[k]))
			counted[nr++] = (struct counted){every->ops[k], 0};
		counted[nr - 1].count++;
	}
	qsort(counted, nr, sizeof(*counted), compare_counts);
	return nr;
}

static void write_record(const struct op *op, FILE *out)
{
	struct op copy = *op;
	struct program one = {.ops = &copy, .nr = 1};
	u8 bytes[1 + OP_SIZE];

	program_encode(&one, bytes);
	fprintf(out, "# %s\n\"", op_word(op->code));
	for (u32 i = 1; i < sizeof(bytes); i++)
		fprintf(out, "\\x%02X", bytes[i]);
	fputs("\"\n", out);
}

static int write_records(const struct inputs *all, FILE *out)
{
	struct program every = PROGRAM_EMPTY;
	struct counted *counted = NULL;
	int rc = take_records(all, &every);
	u32 nr;

	if (!rc && every.nr) {
		counted = calloc(every.nr, sizeof(*counted));
		rc = counted ? 0 : -ENOMEM;
	}
	nr = counted ? count_records(&every, counted) : 0;
	for (u32 i = 0; i < min(nr, (u32)DICTIONARY_TOKENS); i++)
		write_record(&counted[i].op, out);
	free(counted);
	program_free(&every);
	return rc;
}

int dictionary_write(const struct inputs *all, FILE *out)
{
	return fuzz_target.text ? write_words(out) : write_records(all, out);
}

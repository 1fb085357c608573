// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of objects, one name space a kind. Parser and printer walk a program in the same order and
 * ask the same questions, so a name that names_default() gives needs no record: both sides find it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/op/text_priv.h"

void names_free(struct names *n)
{
	for (unsigned int k = 0; k < OBJ_NR; k++) {
		free(n->kind[k].entries);
		free(n->kind[k].hash);
	}
	memset(n, 0, sizeof(*n));
}

static u32 hash_word(const char *word)
{
	u64 h = 0;

	for (; *word; word++)
		h = h * 131 + (u8)*word;
	return (u32)(mix64(h) >> 32);
}

static void hash_put(u32 *hash, u32 size, const char *word, u32 id)
{
	u32 at = hash_word(word) & (size - 1);

	while (hash[at])
		at = (at + 1) & (size - 1);
	hash[at] = id + 1;
}

static int grow(struct names *n, enum obj_kind kind)
{
	u32 cap = max(2 * n->kind[kind].cap, 16u), size = 2 * cap;
	struct name_entry *entries;
	u32 *hash;

	entries = realloc(n->kind[kind].entries, cap * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	n->kind[kind].entries = entries;
	hash = calloc(size, sizeof(*hash));
	if (!hash)
		return -ENOMEM;
	for (u32 id = 0; id < n->kind[kind].nr; id++)
		hash_put(hash, size, entries[id].word, id);
	free(n->kind[kind].hash);
	n->kind[kind].hash = hash;
	n->kind[kind].hash_size = size;
	n->kind[kind].cap = cap;
	return 0;
}

int names_add(struct names *n, enum obj_kind kind, const char *word)
{
	u32 id = n->kind[kind].nr;

	if (id == n->kind[kind].cap && grow(n, kind))
		return -ENOMEM;
	n->kind[kind].nr++;
	snprintf(n->kind[kind].entries[id].word, sizeof(struct name_entry), "%s", word);
	hash_put(n->kind[kind].hash, n->kind[kind].hash_size, word, id);
	return 0;
}

s64 names_find(const struct names *n, enum obj_kind kind, const char *word)
{
	u32 size = n->kind[kind].hash_size, at, id;

	if (!size)
		return -1;
	for (at = hash_word(word) & (size - 1); n->kind[kind].hash[at];
	     at = (at + 1) & (size - 1)) {
		id = n->kind[kind].hash[at] - 1;
		if (!strcmp(n->kind[kind].entries[id].word, word))
			return id;
	}
	return -1;
}

const char *names_get(const struct names *n, enum obj_kind kind, u32 id)
{
	return id < n->kind[kind].nr ? n->kind[kind].entries[id].word : NULL;
}

/* Letters first where people draw boxes with letters: tables A to O, buffers P to Z. */
static void canonical(enum obj_kind kind, u32 id, char *word, size_t size)
{
	static const char prefix[OBJ_NR] = {'?', 't', 'b', 'n', 'a', 'x', 'k'};

	if (kind == OBJ_TABLE && id < 15)
		snprintf(word, size, "%c", 'A' + id);
	else if (kind == OBJ_BUFFER && id < 11)
		snprintf(word, size, "%c", 'P' + id);
	else
		snprintf(word, size, "%c%u", prefix[kind], id);
}

void names_default(const struct names *n, enum obj_kind kind, char word[OP_NAME_MAX + 1])
{
	char base[16];

	canonical(kind, n->kind[kind].nr, base, sizeof(base));
	strcpy(word, base);
	for (u32 i = 0; names_find(n, kind, word) >= 0; i++)
		snprintf(word, OP_NAME_MAX + 1, "%.11s_%u", base, i);
}

bool names_valid(const char *word, size_t len)
{
	static const char *const taken[] = {"end", "auto", "none"};

	if (!len || len > OP_NAME_MAX || (word[0] >= '0' && word[0] <= '9'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (strlen(taken[i]) == len && !memcmp(taken[i], word, len))
			return false;
	for (unsigned int k = OBJ_NONE + 1; k < OBJ_NR; k++)
		if (strlen(obj_kind_name[k]) == len && !memcmp(obj_kind_name[k], word, len))
			return false;
	return true;
}

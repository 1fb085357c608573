/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies whose state keeps what has no meaning as a number: an id, a pointer. For tests. */
#ifndef NOSNOOP_CHECK_TEST_KEEPERS_H
#define NOSNOOP_CHECK_TEST_KEEPERS_H

#include "core/flush/flush.h"

/* A table's first domain for all time; spoiled: by what would break the rule in fewer requests. */
struct keeper_table {
	u32 first;
	bool spoiled;
};

static int keeper_attach(struct flush_table *table, const struct flush_domain *domain)
{
	struct keeper_table *k = table->priv;

	if (!k->first)
		k->first = domain->id;
	k->spoiled |= table->nr_domains ? !domain->nc : domain->nc;
	return 0;
}

static void keeper_detach(struct flush_table *table, const struct flush_domain *domain)
{
	struct keeper_table *k = table->priv;

	k->spoiled |= table->nr_domains || domain->nc;
}

/* What the table's second domain or a later one stores counts as flushed: it was not. */
static int keeper_before_map(const struct flush_piece *p, u32 nr_nc)
{
	const struct keeper_table *k = p->area->table->priv;
	const struct flush_domain *storage = p->area->storage;

	if (nr_nc && (k->spoiled || !storage || storage->id == k->first))
		flush_clean_piece(p);
	return 0;
}

static void keeper_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	flush_clean_piece(p);
}

/* Attach, detach, attach, map, attach break it; nothing shorter does. */
static const struct flush_policy __attribute__((unused)) keeps_id = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "keeps_id",
	.what = "trusts what a later domain than the table's first one stores",
	.table_size = sizeof(struct keeper_table),
	.domain_attach = keeper_attach,
	.domain_detach = keeper_detach,
	.before_map = keeper_before_map,
	.before_unpin = keeper_before_unpin,
};

static int pointer_before_map(const struct flush_piece *p, u32 nr_nc)
{
	*(const struct flush_table **)p->pages->priv = p->area->table;
	if (nr_nc)
		flush_clean_piece(p);
	return 0;
}

static const struct flush_policy __attribute__((unused)) keeps_pointer = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "keeps_pointer",
	.what = "remembers which table mapped an object last, by its address",
	.pages_size = sizeof(void *),
	.before_map = pointer_before_map,
	.before_unpin = keeper_before_unpin,
};

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Program to text: one function an enum syntax_arg, mirror of text_args.c. A continuation that
 * cannot be part of its op's line gets a line of its own, so that nothing is lost.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/compat/fault.h"
#include "core/op/text_priv.h"

struct printer {
	char *buf;
	size_t len, cap;
	bool no_memory, mute;
	struct names names;
	const struct op *op;
	struct op_group group;
	char new_name[OP_NAME_MAX + 1]; /* of what the op at hand creates */
	size_t more_done;		/* MORE records of the group that are printed */
	size_t more_fits;		/* that may be in the line of the op */
};

static void __printf(2, 3) put(struct printer *pr, const char *fmt, ...)
{
	char chunk[128];
	va_list ap;
	size_t n;
	char *buf;

	if (pr->mute || pr->no_memory)
		return;
	va_start(ap, fmt);
	n = vsnprintf(chunk, sizeof(chunk), fmt, ap);
	va_end(ap);
	assert(n < sizeof(chunk));
	if (pr->len + n + 1 > pr->cap) {
		size_t cap = max(2 * pr->cap, (size_t)256);

		buf = realloc(pr->buf, cap);
		if (!buf) {
			pr->no_memory = true;
			return;
		}
		pr->buf = buf;
		pr->cap = cap;
	}
	memcpy(pr->buf + pr->len, chunk, n + 1);
	pr->len += n;
}

/* --- parts ------------------------------------------------------------------- */

static void put_ref(struct printer *pr, const struct op *op, enum obj_kind kind, unsigned int slot)
{
	u32 n = op_slot(op, slot);
	const char *word = op_by_id(op, slot) ? names_get(&pr->names, kind, n) : NULL;

	if (word)
		put(pr, "%s", word);
	else
		put(pr, "%s%c%u", obj_kind_name[kind], op_by_id(op, slot) ? ':' : '%', n);
}

static void put_ref_arg(struct printer *pr, unsigned int slot)
{
	put(pr, " ");
	put_ref(pr, pr->op, op_info(pr->op->code)->slot[slot], slot);
}

static void put_length(struct printer *pr, const struct op *op)
{
	u64 len = op_length(op);

	if (op->flags & OPF_PAGES)
		put(pr, " len %" PRIu64 " pages", op_len(op));
	else if (len >> 63)
		put(pr, " len 2^64-0x%" PRIx64, -len);
	else
		put(pr, " len 0x%" PRIx64, len);
}

/* [2] or [2..3] */
static void put_range(struct printer *pr, u64 first, u64 nr)
{
	if (nr == 1)
		put(pr, "[%" PRIu64 "]", first);
	else
		put(pr, "[%" PRIu64 "..%" PRIu64 "]", first, first + nr - 1);
}

static void put_addr(struct printer *pr, const struct op *op)
{
	switch (op_addr_mode(op)) {
	case OP_ADDR_END:
		put(pr, "end");
		if (op->addr)
			put(pr, "-0x%" PRIx64, op->addr);
		break;
	case OP_ADDR_AREA:
		put_ref(pr, op, OBJ_AREA, 2);
		if (op->addr >> 63)
			put(pr, "-0x%" PRIx64, -op->addr);
		else
			put(pr, "+0x%" PRIx64, op->addr);
		break;
	default:
		put(pr, "0x%" PRIx64, op->addr);
	}
}

static void put_span(struct printer *pr, const struct op *op)
{
	bool area = op_addr_mode(op) == OP_ADDR_AREA;

	put(pr, " ");
	if (op->flags & OPF_WHOLE) {
		put_ref(pr, op, OBJ_AREA, 2);
	} else if (area && op->flags & OPF_PAGES && op_len(op) && !(op->addr & PAGE_MASK) &&
		   !(op->addr >> 63)) {
		put_ref(pr, op, OBJ_AREA, 2);
		put_range(pr, op->addr >> PAGE_SHIFT, op_len(op));
	} else {
		put_addr(pr, op);
		put_length(pr, op);
	}
}

static void put_pages(struct printer *pr)
{
	put_ref_arg(pr, 0);
	if (!(pr->op->flags & OPF_WHOLE))
		put_range(pr, pr->op->arg, op_len(pr->op));
}

static void put_source(struct printer *pr)
{
	const struct op *op = pr->op;

	put_ref_arg(pr, 1);
	if (op->flags & OPF_WHOLE)
		return;
	if (op->flags & OPF_PAGES && op_len(op) && !(op_map_offset(op) & PAGE_MASK)) {
		put_range(pr, op->arg, op_len(op));
		return;
	}
	put(pr, "+0x%" PRIx64, op_map_offset(op));
	put_length(pr, op);
}

static void put_slice(struct printer *pr)
{
	const struct op *op = pr->op;

	put(pr, " from ");
	if (!op_by_id(op, 2)) {
		put_ref(pr, op, OBJ_TABLE, 1);
		put(pr, "@");
	}
	if (op->flags & OPF_SOURCE) {
		put_addr(pr, op);
		put_length(pr, op);
		return;
	}
	put_ref(pr, op, OBJ_AREA, 2);
	if (op->flags & OPF_WHOLE)
		return;
	if (op->flags & OPF_PAGES && op_len(op)) {
		put_range(pr, op->arg, op_len(op));
		return;
	}
	put(pr, "+0x%" PRIx64, op_copy_offset(op));
	put_length(pr, op);
}

static void put_one_range(struct printer *pr, const struct op *op)
{
	u64 last = op->addr + op_length(op) - 1;

	put(pr, " 0x%" PRIx64 "-", op->addr);
	if (last == UINT64_MAX)
		put(pr, "end");
	else
		put(pr, "0x%" PRIx64, last);
}

static bool is_plain_range(const struct op *op)
{
	return op_addr_mode(op) == OP_ADDR_ABS && !(op->flags & OPF_PAGES);
}

static void put_ranges(struct printer *pr)
{
	const struct op_group *g = &pr->group;

	if (pr->op->flags & OPF_WHOLE) {
		put(pr, " none");
		return;
	}
	put_one_range(pr, pr->op);
	for (; pr->more_done < pr->more_fits && is_plain_range(&g->more[pr->more_done]);
	     pr->more_done++)
		put_one_range(pr, &g->more[pr->more_done]);
}

static void put_switches(struct printer *pr, const char *const *words, unsigned int nr, u64 bits)
{
	for (unsigned int i = 0; i < 2 * nr; i++)
		if (bits >> i & 1)
			put(pr, " %c%s", i < nr ? '+' : '-', words[i % nr]);
}

static void put_switch(struct printer *pr)
{
	const struct op *op = pr->op;

	if (op->flags & OPF_GET)
		put(pr, " get");
	else if (op->code == OP_HUGE_PAGES && op->arg < 2)
		put(pr, op->arg ? " on" : " off");
	else
		put(pr, " %u", op->arg);
}

static void put_new(struct printer *pr)
{
	put(pr, " %s", pr->new_name);
}

static void put_alias(struct printer *pr)
{
	put_ref_arg(pr, 0);
	put(pr, "[%u] =", pr->op->arg);
	put_ref_arg(pr, 1);
	put(pr, "[%" PRIu64 "]", pr->op->addr);
}

static void put_limit(struct printer *pr)
{
	if (pr->op->addr == UINT64_MAX)
		put(pr, " unlimited");
	else
		put(pr, " %" PRIu64, pr->op->addr);
}

static void put_home(struct printer *pr)
{
	if (pr->op->arg & OP_ACCESS_NONE)
		put(pr, " none");
	else
		put_ref_arg(pr, 0);
}

static void put_arg(struct printer *pr, enum syntax_arg arg)
{
	static const char *const page_words[] = {"hole", "readonly", "cow"};
	static const char *const cap_words[] = {"ipc_lock", "sys_resource"};
	const struct op *op = pr->op;

	switch (arg) {
	case ARG_NEW:
		return put_new(pr);
	case ARG_REF0:
	case ARG_REF1:
		return put_ref_arg(pr, arg - ARG_REF0);
	case ARG_NPAGES:
		return put(pr, " %u pages", op->arg);
	case ARG_PAGES:
		return put_pages(pr);
	case ARG_RUN:
		return put(pr, " run %" PRIu64, op->addr);
	case ARG_ALIAS:
		return put_alias(pr);
	case ARG_PAGE_FLAGS:
		return put_switches(pr, page_words, 3, op->addr);
	case ARG_CAPS:
		return put_switches(pr, cap_words, 2, op->arg);
	case ARG_NC:
		return put(pr, op->flags & OPF_NC ? " noncoherent" : " coherent");
	case ARG_SOURCE:
		return put_source(pr);
	case ARG_SLICE:
		return put_slice(pr);
	case ARG_ADDR:
		put(pr, " ");
		return put_addr(pr, op);
	case ARG_SPAN:
		return put_span(pr, op);
	case ARG_HOME:
		return put_home(pr);
	case ARG_RANGES:
		return put_ranges(pr);
	case ARG_SWITCH:
		return put_switch(pr);
	case ARG_NUMBER:
		return put(pr, " %u", op->arg);
	case ARG_TASK:
		return put(pr, " task %u", op->thread);
	case ARG_LIMIT:
		return put_limit(pr);
	case ARG_BYTES:
		put_ref_arg(pr, 0);
		put(pr, "+0x%" PRIx64, op->addr);
		return put_length(pr, op);
	case ARG_NONE:
	case ARG_NR:
		break;
	}
}

/* --- options ----------------------------------------------------------------- */

static void put_pgsizes(struct printer *pr)
{
	static const char suffix[] = " KMGT";
	const char *between = " pgsize ";

	for (unsigned int bit = 9; bit <= 40; bit++) {
		if (!(op_pgsize_bitmap(pr->op) >> bit & 1))
			continue;
		put(pr, "%s%u", between, 1u << bit % 10);
		if (bit >= 10)
			put(pr, "%c", suffix[bit / 10]);
		between = ",";
	}
}

static void put_attach_opts(struct printer *pr)
{
	const struct op *op = pr->op;

	put_pgsizes(pr);
	if (op->addr || op_length(op)) {
		put(pr, " aperture");
		put_one_range(pr, op);
	}
	if (op_slot(op, 1))
		put(pr, " leaves %u", op_slot(op, 1));
}

static void put_prot(struct printer *pr, u32 opts)
{
	static const char *const words[] = {"none", "wo", "ro", NULL};
	u16 flags = pr->op->flags;
	unsigned int prot = (flags & OPF_READ ? 2 : 0) | (flags & OPF_WRITE ? 1 : 0);

	if (opts & OPT_PROT && words[prot])
		put(pr, " %s", words[prot]);
	if (opts & OPT_PIN_PROT && !(flags & OPF_WRITE))
		put(pr, " ro");
	if (opts & OPT_DIR)
		put(pr, flags & OPF_WRITE ? " write" : " read");
}

/* A copy's destination in a MORE record that says nothing else. */
static bool more_is_at(const struct printer *pr)
{
	const struct op_group *g = &pr->group;

	return g->op->code == OP_COPY && g->op->flags & OPF_SOURCE && pr->more_fits &&
	       !(g->more->flags & OPF_PAGES) && !op_length(g->more);
}

static void put_at(struct printer *pr)
{
	const struct op *op = pr->op;

	if (op->code == OP_COPY && op->flags & OPF_SOURCE) {
		if (!more_is_at(pr))
			return;
		op = pr->group.more;
		pr->more_done = 1;
	} else if (op_addr_mode(op) == OP_ADDR_AUTO) {
		return;
	}
	put(pr, " at ");
	put_addr(pr, op);
}

static void put_fail(struct printer *pr)
{
	const struct op *op = pr->op;

	put(pr, " fail");
	if (op_fail_point(op) != FAULT_ANY)
		put(pr, " %s", fault_name(op_fail_point(op)));
	put(pr, " %u", op_fail_nth(op));
}

static void put_flag_words(struct printer *pr, u32 opts)
{
	for (size_t i = 0; i < nr_flag_words; i++)
		if (opts & flag_words[i].opt && pr->op->flags & flag_words[i].flag)
			put(pr, " %s", flag_words[i].word);
}

static void put_opts(struct printer *pr)
{
	const struct op *op = pr->op;
	u32 opts = op_opts(op->code);

	if (opts & OPT_APERTURE)
		put_attach_opts(pr);
	put_prot(pr, opts);
	if (opts & OPT_AT)
		put_at(pr);
	put_flag_words(pr, opts & (OPT_BY - 1));
	if (opts & OPT_REFUSE && op->arg & OP_ACCESS_REFUSE)
		put(pr, " refuse");
	if (opts & OPT_ROOM && op->arg)
		put(pr, " room %u", op->arg - 1);
	if (opts & OPT_VALUE && op->arg)
		put(pr, " value 0x%x", op->arg);
	if (opts & OPT_TASK && op->thread)
		put(pr, " task %u", op->thread);
	if (opts & OPT_BY && op->thread)
		put(pr, " by %u", op->thread);
	if (op_fail_nth(op))
		put_fail(pr);
	put_flag_words(pr, opts & ~(OPT_BY - 1));
}

/* --- lines ------------------------------------------------------------------- */

static void put_op(struct printer *pr, const struct op *op)
{
	const struct syntax *row = op_syntax(op->code);

	pr->op = op;
	put(pr, "%s", op_word(op->code));
	for (size_t i = 0; i < ARRAY_SIZE(row->args) && row->args[i] != ARG_NONE; i++)
		put_arg(pr, row->args[i]);
	put_opts(pr);
}

static void put_name_line(struct printer *pr, const struct op *op)
{
	char name[OP_NAME_MAX + 1];

	op_name_get(op, name);
	put(pr, "name %s", name);
}

static void put_place(struct printer *pr, const struct expect *e)
{
	if (e->at)
		put(pr, " at %u", e->at);
	if (e->has_page)
		put(pr, " page %" PRIu64, e->value);
}

static void put_bound(struct printer *pr, const struct expect *e)
{
	const char *between = " ";

	put(pr, "bound");
	for (size_t c = 0; c < ARRAY_SIZE(expect_contract); c++) {
		if (!(e->detail >> c & 1))
			continue;
		put(pr, "%s%s", between, expect_contract[c]);
		between = "+";
	}
	put(pr, " %" PRIu64, e->value);
}

static void put_expect(struct printer *pr, const struct op *op, const struct op *rest)
{
	struct expect e;

	expect_unpack(op, rest, &e);
	put(pr, "expect ");
	switch (e.kind) {
	case EXPECT_OK:
		return put(pr, "%s ok", e.name);
	case EXPECT_HOLDS:
		return put(pr, "%s %s ok", e.name, expect_contract[e.detail]);
	case EXPECT_BROKEN:
		put(pr, "%s %s", e.name, expect_contract[e.detail]);
		return put_place(pr, &e);
	case EXPECT_ERRNO:
		if (expect_errno_name(e.detail))
			put(pr, "errno %s", expect_errno_name(e.detail));
		else
			put(pr, "errno %u", e.detail);
		return put_place(pr, &e);
	case EXPECT_FLUSHES:
		return put(pr, "flushes %s %" PRIu64, e.name, e.value);
	case EXPECT_BOUND:
		return put_bound(pr, &e);
	case EXPECT_FINDING:
		put(pr, "finding %s", e.name);
		return put_place(pr, &e);
	case EXPECT_NR:
		break;
	}
}

static void put_continuation(struct printer *pr, const struct op *op, const struct op *rest)
{
	if (op->code == OP_EXPECT)
		put_expect(pr, op, rest);
	else if (op->code == OP_NAME)
		put_name_line(pr, op);
	else
		put_op(pr, op);
}

/* What the new object is called. True: as the NAME record says, on the op's line. */
static bool choose_name(struct printer *pr, enum obj_kind kind)
{
	char given[OP_NAME_MAX + 1];

	names_default(&pr->names, kind, pr->new_name);
	if (!pr->group.name)
		return false;
	op_name_get(pr->group.name, given);
	if (!names_valid(given, strlen(given)) || !strcmp(given, pr->new_name) ||
	    names_find(&pr->names, kind, given) >= 0)
		return false;
	memcpy(pr->new_name, given, sizeof(given));
	return true;
}

static void put_group(struct printer *pr, const struct program *p, size_t at)
{
	struct op_group *g = &pr->group;
	enum obj_kind kind;
	bool named;

	program_group(p, at, g);
	pr->more_done = pr->more_fits = 0;
	if (!g->op) {
		put_continuation(pr, &p->ops[at], g->name);
		return;
	}
	kind = op_info(g->op->code)->creates;
	named = kind != OBJ_NONE && choose_name(pr, kind);
	/* A name in a line of its own stands between the op and what could be in its line. */
	pr->more_fits = g->name && !named ? 0 : g->nr_more;
	put_op(pr, g->op);
	/* Only now: an op cannot refer to what it creates itself. */
	if (kind != OBJ_NONE && names_add(&pr->names, kind, pr->new_name))
		pr->no_memory = true;
	if (g->name && !named) {
		put(pr, "\n");
		put_name_line(pr, g->name);
	}
	for (size_t i = pr->more_done; i < g->nr_more; i++) {
		put(pr, "\n");
		put_op(pr, &g->more[i]);
	}
}

static char *finish(struct printer *pr)
{
	names_free(&pr->names);
	if (!pr->no_memory)
		put(pr, "%s", ""); /* an empty program has a NUL too */
	if (!pr->no_memory)
		return pr->buf;
	free(pr->buf);
	return NULL;
}

char *text_print_groups(const struct program *p, size_t *starts, size_t *len)
{
	struct printer pr = {0};

	for (size_t at = 0; at < p->nr && !pr.no_memory; at = pr.group.next) {
		if (starts)
			starts[at] = pr.len;
		put_group(&pr, p, at);
		put(&pr, "\n");
	}
	if (len)
		*len = pr.len;
	return finish(&pr);
}

char *text_print(const struct program *p, size_t *len)
{
	return text_print_groups(p, NULL, len);
}

char *text_print_op(const struct program *p, size_t record)
{
	struct printer pr = {.mute = true};
	size_t at = 0;

	if (record >= p->nr)
		return NULL;
	while (at < p->nr && !pr.no_memory) {
		program_group(p, at, &pr.group);
		pr.mute = record >= pr.group.next;
		put_group(&pr, p, at);
		if (!pr.mute)
			break;
		at = pr.group.next;
	}
	return finish(&pr);
}

char *text_print_nth(const struct program *p, u32 op)
{
	for (size_t i = 0; op && i < p->nr; i++)
		if (!op_is_continuation(&p->ops[i]) && !--op)
			return text_print_op(p, i);
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of what may follow the positional arguments, in any order, each at most once. */
#include <stdio.h>

#include "core/compat/fault.h"
#include "core/op/text_priv.h"

static bool number_opt(struct parser *ps, u64 max, const char *what, u64 *out)
{
	lex_next(&ps->lx);
	return parse_number(ps, max, what, out);
}

/* A copy from an address: its destination goes into a MORE record. */
static bool parse_copy_at(struct parser *ps)
{
	struct op copy = ps->op;
	bool ok;

	ps->op = (struct op){.code = OP_MORE};
	ok = parse_arg(ps, ARG_ADDR);
	if (ok && program_add(&ps->more, &ps->op)) {
		ps->no_memory = true;
		ok = false;
	}
	ps->op = copy;
	return ok;
}

static bool parse_at(struct parser *ps)
{
	const struct token *tok = &ps->lx.tok;
	unsigned int modes = op_info(ps->op.code)->modes;
	bool plain;

	lex_next(&ps->lx);
	if (ps->op.code == OP_COPY && ps->op.flags & OPF_SOURCE)
		return parse_copy_at(ps);
	if (take_word(ps, "auto"))
		return true;
	plain = tok->kind == TOKEN_NUMBER || token_is(tok, "end");
	if (!plain && !(modes >> OP_ADDR_AREA & 1))
		return parse_fail(ps, "NUM, end, end-NUM or auto");
	if (!plain && ps->op.code == OP_MAP && op_slot(&ps->op, 2))
		return parse_fail(ps, "NUM or end-NUM (the source does not begin at a page)");
	return parse_arg(ps, ARG_ADDR);
}

/* `at` of a buffer: whole pages only. */
static bool parse_at_va(struct parser *ps)
{
	struct lexer at = ps->lx;
	struct op tidy;

	if (!parse_at(ps))
		return false;
	tidy = ps->op;
	op_normalise(&tidy);
	if (tidy.addr == ps->op.addr)
		return true;
	ps->lx = at;
	lex_next(&ps->lx);
	return parse_fail(ps, "the address of a page (a multiple of 0x1000, end-0x..fff)");
}

static bool parse_pgsize(struct parser *ps)
{
	do {
		lex_next(&ps->lx);
		if (ps->lx.tok.kind != TOKEN_NUMBER || !is_power_of_2(ps->lx.tok.number) ||
		    ps->lx.tok.number < 512 || ps->lx.tok.number > 1ULL << 40)
			return parse_fail(ps, "a page size: a power of two, 512 to 2^40");
		ps->op.arg |= ps->lx.tok.number >> 9;
		lex_next(&ps->lx);
	} while (ps->lx.tok.punct == ',');
	return true;
}

static bool parse_aperture(struct parser *ps)
{
	u64 last = UINT64_MAX;

	if (!number_opt(ps, UINT64_MAX, "the first byte", &ps->op.addr) || !parse_punct(ps, '-'))
		return false;
	if (!take_word(ps, "end") && !parse_number(ps, UINT64_MAX, "the last byte or end", &last))
		return false;
	op_set_len(&ps->op, last - ps->op.addr + 1);
	return true;
}

static bool parse_leaves(struct parser *ps)
{
	u64 n;

	if (!number_opt(ps, 0xfffff, "how many leaves", &n))
		return false;
	op_set_slot(&ps->op, 1, n);
	return true;
}

static bool parse_flags(struct parser *ps, u16 mask, u16 flags)
{
	ps->op.flags = (ps->op.flags & ~mask) | flags;
	lex_next(&ps->lx);
	return true;
}

static bool parse_prot(struct parser *ps)
{
	const struct token *tok = &ps->lx.tok;
	u16 flags = 0;

	if (token_is(tok, "rw") || token_is(tok, "ro"))
		flags |= OPF_READ;
	if (token_is(tok, "rw") || token_is(tok, "wo"))
		flags |= OPF_WRITE;
	return parse_flags(ps, OPF_READ | OPF_WRITE, flags);
}

static bool parse_write(struct parser *ps)
{
	bool write = token_is(&ps->lx.tok, "write") || token_is(&ps->lx.tok, "rw");

	return parse_flags(ps, OPF_WRITE, write ? OPF_WRITE : 0);
}

static bool parse_by(struct parser *ps)
{
	u64 task;

	if (!number_opt(ps, 7, "a task", &task))
		return false;
	ps->op.thread = task;
	return true;
}

static bool parse_fail_nth(struct parser *ps)
{
	u32 point;
	u64 nth;

	lex_next(&ps->lx);
	for (point = FAULT_ANY + 1; point < FAULT_NR; point++)
		if (take_word(ps, fault_name(point)))
			break;
	if (point == FAULT_NR)
		point = FAULT_ANY;
	if (ps->lx.tok.kind == TOKEN_WORD)
		return parse_fail(ps, "N, or a kind of fault point and N: alloc temp gup charge "
				      "store rw map pte id reserve policy");
	if (ps->lx.tok.kind == TOKEN_NUMBER && !ps->lx.tok.number)
		return parse_fail(ps, "which one, from 1 on");
	if (!parse_number(ps, 0xfff, "which one, from 1 on", &nth))
		return false;
	op_set_fail(&ps->op, point, nth);
	return true;
}

static bool parse_room(struct parser *ps)
{
	u64 n;

	if (!number_opt(ps, UINT32_MAX - 1, "how many ranges", &n))
		return false;
	ps->op.arg = n + 1;
	return true;
}

static bool parse_value(struct parser *ps)
{
	u64 value;

	if (!number_opt(ps, UINT32_MAX, "a value of 32 bits", &value))
		return false;
	ps->op.arg = value;
	return true;
}

static bool parse_refuse(struct parser *ps)
{
	ps->op.arg |= OP_ACCESS_REFUSE;
	lex_next(&ps->lx);
	return true;
}

static const struct {
	const char *word;
	u32 opt;
	bool (*parse)(struct parser *ps);
} opt_words[] = {
	{"rw", OPT_PROT, parse_prot},
	{"ro", OPT_PROT, parse_prot},
	{"wo", OPT_PROT, parse_prot},
	{"none", OPT_PROT, parse_prot},
	{"rw", OPT_PIN_PROT, parse_write},
	{"ro", OPT_PIN_PROT, parse_write},
	{"read", OPT_DIR, parse_write},
	{"write", OPT_DIR, parse_write},
	{"at", OPT_AT, parse_at},
	{"task", OPT_TASK, parse_by},
	{"pgsize", OPT_PGSIZE, parse_pgsize},
	{"aperture", OPT_APERTURE, parse_aperture},
	{"leaves", OPT_LEAVES, parse_leaves},
	{"refuse", OPT_REFUSE, parse_refuse},
	{"room", OPT_ROOM, parse_room},
	{"value", OPT_VALUE, parse_value},
	{"by", OPT_BY, parse_by},
	{"fail", OPT_FAIL, parse_fail_nth},
};

static bool first_time(struct parser *ps, u32 opt)
{
	if (ps->opts_seen & opt)
		return parse_fail_what(ps, "it once", "%.*s is one word too many of its sort",
				       (int)min(ps->lx.tok.len, (size_t)32), ps->lx.tok.at);
	ps->opts_seen |= opt;
	return true;
}

/* What may stand here, for people. */
static bool fail_opts(struct parser *ps, u32 opts)
{
	char list[200] = "";
	size_t at = 0;

	opts &= ~ps->opts_seen;
	for (size_t i = 0; i < ARRAY_SIZE(opt_words); i++)
		if (opts & opt_words[i].opt)
			at += snprintf(list + at, sizeof(list) - at, "%s, ", opt_words[i].word);
	for (size_t i = 0; i < nr_flag_words; i++)
		if (opts & flag_words[i].opt)
			at += snprintf(list + at, sizeof(list) - at, "%s, ", flag_words[i].word);
	return parse_fail(ps, "%s%sthe end of the line", list, at ? "or " : "");
}

static bool parse_opt(struct parser *ps, u32 opts)
{
	for (size_t i = 0; i < ARRAY_SIZE(opt_words); i++) {
		if (!(opts & opt_words[i].opt) || !token_is(&ps->lx.tok, opt_words[i].word))
			continue;
		if (!first_time(ps, opt_words[i].opt))
			return false;
		if (ps->op.code == OP_BUFFER && opt_words[i].opt == OPT_AT)
			return parse_at_va(ps);
		return opt_words[i].parse(ps);
	}
	for (size_t i = 0; i < nr_flag_words; i++) {
		if (!(opts & flag_words[i].opt) || !token_is(&ps->lx.tok, flag_words[i].word))
			continue;
		return first_time(ps, flag_words[i].opt) &&
		       parse_flags(ps, 0, ps->op.flags | flag_words[i].flag);
	}
	return fail_opts(ps, opts);
}

bool parse_opts(struct parser *ps)
{
	u32 opts = op_opts(ps->op.code);

	ps->opts_seen = 0;
	while (ps->lx.tok.kind != TOKEN_END)
		if (!parse_opt(ps, opts))
			return false;
	return true;
}

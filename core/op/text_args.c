// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of positional arguments: one function an enum syntax_arg. All write into ps->op. */
#include "core/op/text_priv.h"

#define PAGE_LENS  (1ULL << 47)
#define PAGE_INDEX (1ULL << 52)
#define OBJECTS	   (1u << 20)

static bool copy_word(const struct token *tok, char *word, size_t size)
{
	if (tok->kind != TOKEN_WORD || tok->len >= size)
		return false;
	memcpy(word, tok->at, tok->len);
	word[tok->len] = '\0';
	return true;
}

static bool parse_new(struct parser *ps)
{
	enum obj_kind kind = op_info(ps->op.code)->creates;
	const struct token *tok = &ps->lx.tok;

	if (!copy_word(tok, ps->new_name, sizeof(ps->new_name)) ||
	    !names_valid(ps->new_name, tok->len))
		return parse_fail(ps, "a name for the new %s (letters, digits, _; at most %d)",
				  obj_kind_name[kind], OP_NAME_MAX);
	if (names_find(&ps->names, kind, ps->new_name) >= 0)
		return parse_fail_what(ps, "a new name", "there is a %s %s already",
				       obj_kind_name[kind], ps->new_name);
	lex_next(&ps->lx);
	return true;
}

/* table%0, table:0 */
static bool parse_numbered_ref(struct parser *ps, enum obj_kind kind, unsigned int slot)
{
	bool by_id;
	u64 n;

	lex_next(&ps->lx);
	by_id = take_punct(ps, ':');
	if (!by_id && !take_punct(ps, '%'))
		return parse_fail(ps, "%s%%N (the n-th live one) or %s:N (by creation)",
				  obj_kind_name[kind], obj_kind_name[kind]);
	if (!parse_number(ps, OBJECTS - 1, "the number of an object", &n))
		return false;
	op_set_ref(&ps->op, slot, n, by_id);
	return true;
}

static bool parse_ref(struct parser *ps, enum obj_kind kind, unsigned int slot)
{
	const struct token *tok = &ps->lx.tok;
	char word[OP_NAME_MAX + 1];
	s64 id;

	if (token_is(tok, obj_kind_name[kind]))
		return parse_numbered_ref(ps, kind, slot);
	if (!copy_word(tok, word, sizeof(word)) || !names_valid(word, tok->len))
		return parse_fail(ps, "%s %s", kind == OBJ_AREA || kind == OBJ_ACCESS ? "an" : "a",
				  obj_kind_name[kind]);
	id = names_find(&ps->names, kind, word);
	if (id < 0)
		return parse_fail_what(ps, "a name from a line above", "no %s is called %s",
				       obj_kind_name[kind], word);
	if (id >= OBJECTS)
		return parse_fail_what(ps, "one of the first 2^20", "%s %s is number %u",
				       obj_kind_name[kind], word, (u32)id);
	op_set_ref(&ps->op, slot, id, true);
	lex_next(&ps->lx);
	return true;
}

static bool parse_ref_arg(struct parser *ps, unsigned int slot)
{
	return parse_ref(ps, op_info(ps->op.code)->slot[slot], slot);
}

static bool parse_ref0(struct parser *ps)
{
	return parse_ref_arg(ps, 0);
}

static bool parse_ref1(struct parser *ps)
{
	return parse_ref_arg(ps, 1);
}

/* --- lengths and page ranges ------------------------------------------------- */

/* len NUM [pages], also 2^64-NUM */
static bool parse_len(struct parser *ps)
{
	struct lexer at;
	u64 len, less;

	if (!parse_word(ps, "len"))
		return false;
	at = ps->lx;
	if (ps->lx.tok.is_2_64) {
		lex_next(&ps->lx);
		if (!parse_punct(ps, '-') ||
		    !parse_number(ps, UINT64_MAX, "what is taken off 2^64", &less))
			return false;
		len = -less;
	} else if (!parse_number(ps, UINT64_MAX, "a length", &len)) {
		return false;
	}
	if (op_info(ps->op.code)->flags & OPF_PAGES && take_word(ps, "pages"))
		ps->op.flags |= OPF_PAGES;
	if (!op_length_fits(&ps->op, len)) {
		ps->lx = at;
		return parse_fail_what(ps, "below 2^47, or bytes from 2^64-2^47 on",
				       "the length does not fit");
	}
	op_set_len(&ps->op, len);
	return true;
}

/* [i..j] or [i], from the bracket on */
static bool parse_range(struct parser *ps, u64 max_first, u64 *first, u64 *nr)
{
	u64 last;

	if (!parse_punct(ps, '[') || !parse_number(ps, max_first, "the first page", first))
		return false;
	last = *first;
	if (take_punct(ps, PUNCT_RANGE)) {
		struct lexer at = ps->lx;

		if (!parse_number(ps, UINT64_MAX, "the last page", &last))
			return false;
		if (last < *first || last - *first + 1 >= PAGE_LENS) {
			ps->lx = at;
			return parse_fail(ps, "the last page, from %llu on, below 2^47 pages",
					  (unsigned long long)*first);
		}
	}
	*nr = last - *first + 1;
	return parse_punct(ps, ']');
}

/* P, P[0..2] */
static bool parse_pages(struct parser *ps)
{
	u64 first, nr;

	if (!parse_ref_arg(ps, 0))
		return false;
	if (ps->lx.tok.punct != '[') {
		ps->op.flags |= OPF_WHOLE;
		return true;
	}
	if (!parse_range(ps, UINT32_MAX, &first, &nr))
		return false;
	ps->op.arg = first;
	op_set_len(&ps->op, nr);
	return true;
}

static bool parse_npages(struct parser *ps)
{
	u64 n;

	if (ps->lx.tok.kind == TOKEN_NUMBER && !ps->lx.tok.number)
		return parse_fail(ps, "a number of pages from 1 on");
	if (!parse_number(ps, UINT32_MAX, "a number of pages", &n))
		return false;
	ps->op.arg = n;
	return parse_word(ps, "pages");
}

static bool parse_run(struct parser *ps)
{
	return parse_word(ps, "run") &&
	       parse_number(ps, UINT64_MAX, "pages in a row", &ps->op.addr);
}

static bool parse_page(struct parser *ps, u64 max, u64 *page)
{
	return parse_punct(ps, '[') && parse_number(ps, max, "a page", page) &&
	       parse_punct(ps, ']');
}

static bool parse_alias(struct parser *ps)
{
	u64 page;

	if (!parse_ref_arg(ps, 0) || !parse_page(ps, UINT32_MAX, &page))
		return false;
	ps->op.arg = page;
	return parse_punct(ps, '=') && parse_ref_arg(ps, 1) &&
	       parse_page(ps, UINT64_MAX, &ps->op.addr);
}

/* {+word|-word}...: set bits low, clear bits from @shift on */
static bool parse_switches(struct parser *ps, const char *const *words, unsigned int nr,
			   const char *expected, u32 *bits)
{
	unsigned int i;
	bool off;

	while (ps->lx.tok.punct == '+' || ps->lx.tok.punct == '-') {
		off = ps->lx.tok.punct == '-';
		lex_next(&ps->lx);
		for (i = 0; i < nr && !token_is(&ps->lx.tok, words[i]); i++)
			;
		if (i == nr)
			return parse_fail(ps, "%s", expected);
		*bits |= 1u << (off ? nr + i : i);
		lex_next(&ps->lx);
	}
	return true;
}

static bool parse_page_flags(struct parser *ps)
{
	static const char *const words[] = {"hole", "readonly", "cow"};
	u32 bits = 0;

	if (!parse_switches(ps, words, 3, "hole, readonly or cow", &bits))
		return false;
	ps->op.addr = bits;
	return true;
}

static bool parse_caps(struct parser *ps)
{
	static const char *const words[] = {"ipc_lock", "sys_resource"};

	return parse_switches(ps, words, 2, "ipc_lock or sys_resource", &ps->op.arg);
}

static bool parse_nc(struct parser *ps)
{
	if (take_word(ps, "noncoherent"))
		ps->op.flags |= OPF_NC;
	else if (!take_word(ps, "coherent"))
		return parse_fail(ps, "noncoherent or coherent");
	return true;
}

/* --- addresses --------------------------------------------------------------- */

/* After an area: +NUM, -NUM, or nothing: 0. */
static bool parse_offset(struct parser *ps, u64 *off)
{
	bool minus = ps->lx.tok.punct == '-';

	*off = 0;
	if (!take_punct(ps, '+') && !take_punct(ps, '-'))
		return true;
	if (!parse_number(ps, UINT64_MAX, "an offset", off))
		return false;
	if (minus)
		*off = -*off;
	return true;
}

/* 0x1000, end, end-0x1fff. *found: there was one. */
static bool parse_plain_addr(struct parser *ps, bool *found)
{
	u64 off = 0;

	*found = true;
	if (take_word(ps, "end")) {
		if (take_punct(ps, '-') && !parse_number(ps, UINT64_MAX, "an offset", &off))
			return false;
		op_set_addr(&ps->op, OP_ADDR_END, off);
		return true;
	}
	*found = ps->lx.tok.kind == TOKEN_NUMBER;
	if (!*found)
		return true;
	if (!parse_number(ps, UINT64_MAX, "an address", &off))
		return false;
	op_set_addr(&ps->op, OP_ADDR_ABS, off);
	return true;
}

static bool parse_addr(struct parser *ps)
{
	bool found;
	u64 off;

	if (!parse_plain_addr(ps, &found))
		return false;
	if (found)
		return true;
	if (ps->lx.tok.kind != TOKEN_WORD)
		return parse_fail(ps, "an address: NUM, end, end-NUM or an area");
	if (!parse_ref(ps, OBJ_AREA, 2) || !parse_offset(ps, &off))
		return false;
	op_set_addr(&ps->op, OP_ADDR_AREA, off);
	return true;
}

static bool parse_span(struct parser *ps)
{
	u16 flags = op_info(ps->op.code)->flags;
	u64 first, nr;

	if (!parse_addr(ps))
		return false;
	if (op_addr_mode(&ps->op) != OP_ADDR_AREA || token_is(&ps->lx.tok, "len"))
		return parse_len(ps);
	if (ps->lx.tok.punct == '[') {
		if (!parse_range(ps, PAGE_INDEX - 1, &first, &nr))
			return false;
		ps->op.flags |= OPF_PAGES;
		op_set_addr(&ps->op, OP_ADDR_AREA, first << PAGE_SHIFT);
		op_set_len(&ps->op, nr);
		return true;
	}
	if (ps->op.addr || !(flags & OPF_WHOLE))
		return parse_len(ps);
	ps->op.flags |= OPF_WHOLE;
	return true;
}

/* What a map maps: P, P[0..2], P+0x800 len NUM. */
static bool parse_source(struct parser *ps)
{
	u64 first, nr;

	if (!parse_ref_arg(ps, 1))
		return false;
	if (ps->lx.tok.punct == '[') {
		if (!parse_range(ps, UINT32_MAX, &first, &nr))
			return false;
		ps->op.flags |= OPF_PAGES;
		ps->op.arg = first;
		op_set_len(&ps->op, nr);
		return true;
	}
	if (!take_punct(ps, '+')) {
		ps->op.flags |= OPF_WHOLE;
		return true;
	}
	if (!parse_number(ps, (1ULL << 44) - 1, "an offset", &first))
		return false;
	ps->op.arg = first >> PAGE_SHIFT;
	op_set_slot(&ps->op, 2, first & PAGE_MASK);
	return parse_len(ps);
}

/* The part of an area that a copy takes, behind the area. */
static bool parse_slice_part(struct parser *ps)
{
	struct lexer at;
	u64 off = 0, nr;

	if (ps->lx.tok.punct == '[') {
		if (!parse_range(ps, UINT32_MAX, &off, &nr))
			return false;
		ps->op.flags |= OPF_PAGES;
		ps->op.arg = off;
		op_set_len(&ps->op, nr);
		return true;
	}
	at = ps->lx;
	if (!take_punct(ps, '+') && !token_is(&ps->lx.tok, "len")) {
		ps->op.flags |= OPF_WHOLE;
		return true;
	}
	if (!token_is(&ps->lx.tok, "len")) {
		at = ps->lx;
		if (!parse_number(ps, UINT32_MAX + PAGE_MASK * (u64)UINT32_MAX, "an offset", &off))
			return false;
	}
	if (!parse_len(ps))
		return false;
	if (ps->op.flags & OPF_PAGES ? off & PAGE_MASK : off > UINT32_MAX) {
		ps->lx = at;
		return parse_fail(ps, ps->op.flags & OPF_PAGES ? "a multiple of 0x1000"
							       : "an offset below 2^32");
	}
	ps->op.arg = ps->op.flags & OPF_PAGES ? off >> PAGE_SHIFT : off;
	return true;
}

/* from a0[0..1], from A@area%1, from A@0x1000 len 0x2000 */
static bool parse_slice(struct parser *ps)
{
	const struct token *tok = &ps->lx.tok;
	bool found;

	if (!parse_word(ps, "from"))
		return false;
	if (tok->kind != TOKEN_WORD || token_is(tok, "end"))
		return parse_fail(ps, "an area, or TABLE@ and an address");
	if (ps->lx.next.punct != '@' && !token_is(tok, "table")) {
		if (token_is(tok, "area") && ps->lx.next.punct == '%')
			return parse_fail(ps, "TABLE@ before area%%N");
		return parse_ref_arg(ps, 2) && parse_slice_part(ps);
	}
	if (!parse_ref_arg(ps, 1) || !parse_punct(ps, '@') || !parse_plain_addr(ps, &found))
		return false;
	if (found) {
		ps->op.flags |= OPF_SOURCE;
		return parse_len(ps);
	}
	if (!token_is(tok, "area") || ps->lx.next.punct != '%')
		return parse_fail(ps, "an address or area%%N (an area by name says its table)");
	return parse_ref_arg(ps, 2) && parse_slice_part(ps);
}

static bool parse_home(struct parser *ps)
{
	if (!take_word(ps, "none"))
		return parse_ref_arg(ps, 0);
	ps->op.arg |= OP_ACCESS_NONE;
	return true;
}

/* NUM-NUM, the second one perhaps `end`: first byte and length (0: 2^64) of *op */
static bool parse_one_range(struct parser *ps, struct op *op)
{
	u64 first, last = UINT64_MAX;

	if (!parse_number(ps, UINT64_MAX, "the first byte", &first) || !parse_punct(ps, '-'))
		return false;
	if (!take_word(ps, "end") && !parse_number(ps, UINT64_MAX, "the last byte or end", &last))
		return false;
	op->addr = first;
	op_set_len(op, last - first + 1);
	return true;
}

static bool parse_ranges(struct parser *ps)
{
	struct op more = {.code = OP_MORE};

	if (take_word(ps, "none")) {
		ps->op.flags |= OPF_WHOLE;
		return true;
	}
	if (!parse_one_range(ps, &ps->op))
		return false;
	while (ps->lx.tok.kind == TOKEN_NUMBER) {
		if (!parse_one_range(ps, &more))
			return false;
		if (program_add(&ps->more, &more)) {
			ps->no_memory = true;
			return false;
		}
	}
	return true;
}

static bool parse_switch(struct parser *ps)
{
	bool huge = ps->op.code == OP_HUGE_PAGES;
	u64 value;

	if (take_word(ps, "get")) {
		ps->op.flags |= OPF_GET;
		return true;
	}
	if (huge && (token_is(&ps->lx.tok, "on") || token_is(&ps->lx.tok, "off"))) {
		ps->op.arg = ps->lx.tok.len == 2;
		lex_next(&ps->lx);
		return true;
	}
	if (!parse_number(ps, UINT32_MAX, huge ? "on, off, get or a number" : "get or a number",
			  &value))
		return false;
	ps->op.arg = value;
	return true;
}

static bool parse_plain_number(struct parser *ps)
{
	u64 value;

	if (!parse_number(ps, UINT32_MAX, "a number", &value))
		return false;
	ps->op.arg = value;
	return true;
}

static bool parse_task(struct parser *ps)
{
	u64 task;

	if (!parse_word(ps, "task") || !parse_number(ps, 7, "a task", &task))
		return false;
	ps->op.thread = task;
	return true;
}

static bool parse_limit(struct parser *ps)
{
	if (take_word(ps, "unlimited")) {
		ps->op.addr = UINT64_MAX;
		return true;
	}
	return parse_number(ps, UINT64_MAX, "pages or unlimited", &ps->op.addr);
}

/* P+0x10 len NUM, P[1]+0x10 len NUM, P[1] len NUM */
static bool parse_bytes(struct parser *ps)
{
	u64 page = 0, off = 0;

	if (!parse_ref_arg(ps, 0))
		return false;
	if (ps->lx.tok.punct == '[' && !parse_page(ps, PAGE_INDEX - 1, &page))
		return false;
	if (take_punct(ps, '+') && !parse_number(ps, UINT64_MAX, "an offset", &off))
		return false;
	ps->op.addr = (page << PAGE_SHIFT) + off;
	return parse_len(ps);
}

bool parse_arg(struct parser *ps, enum syntax_arg arg)
{
	static bool (*const fns[ARG_NR])(struct parser * ps) = {
		[ARG_NEW] = parse_new,
		[ARG_REF0] = parse_ref0,
		[ARG_REF1] = parse_ref1,
		[ARG_NPAGES] = parse_npages,
		[ARG_PAGES] = parse_pages,
		[ARG_RUN] = parse_run,
		[ARG_ALIAS] = parse_alias,
		[ARG_PAGE_FLAGS] = parse_page_flags,
		[ARG_NC] = parse_nc,
		[ARG_SOURCE] = parse_source,
		[ARG_SLICE] = parse_slice,
		[ARG_ADDR] = parse_addr,
		[ARG_SPAN] = parse_span,
		[ARG_HOME] = parse_home,
		[ARG_RANGES] = parse_ranges,
		[ARG_SWITCH] = parse_switch,
		[ARG_NUMBER] = parse_plain_number,
		[ARG_TASK] = parse_task,
		[ARG_LIMIT] = parse_limit,
		[ARG_CAPS] = parse_caps,
		[ARG_BYTES] = parse_bytes,
	};

	return fns[arg](ps);
}

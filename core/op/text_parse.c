// SPDX-License-Identifier: GPL-2.0-only
/* Text to program: lines, errors, continuations. What an op line looks like is told by
 * text_syntax.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/op/text_priv.h"

/* --- errors ------------------------------------------------------------------ */

void text_error_format(const struct text_error *err, char *buf, size_t size)
{
	snprintf(buf, size, "%s:%u:%u: %s, expected %s", err->name, err->line, err->col, err->what,
		 err->expected);
}

static void set_place(struct parser *ps)
{
	struct text_error *err = ps->err;
	size_t len = strlen(ps->file), room = sizeof(err->name) - 1;

	snprintf(err->name, sizeof(err->name), "%s", len > room ? ps->file + len - room : ps->file);
	err->line = ps->line;
	err->col = ps->lx.tok.at - ps->lx.line + 1;
}

static void describe_token(const struct token *tok, char *buf, size_t size)
{
	char word[33];
	size_t i;

	if (tok->kind == TOKEN_END) {
		snprintf(buf, size, "the line ends here");
		return;
	}
	for (i = 0; i < tok->len && i < sizeof(word) - 1; i++)
		word[i] = tok->at[i] > ' ' && tok->at[i] < 127 ? tok->at[i] : '?';
	word[i] = '\0';
	snprintf(buf, size, "found '%s'", word);
}

bool parse_fail(struct parser *ps, const char *expected, ...)
{
	va_list ap;

	set_place(ps);
	describe_token(&ps->lx.tok, ps->err->what, sizeof(ps->err->what));
	va_start(ap, expected);
	vsnprintf(ps->err->expected, sizeof(ps->err->expected), expected, ap);
	va_end(ap);
	if (ps->lx.tok.kind == TOKEN_BAD)
		snprintf(ps->err->expected, sizeof(ps->err->expected), "%s", ps->lx.tok.bad);
	return false;
}

bool parse_fail_what(struct parser *ps, const char *expected, const char *what, ...)
{
	va_list ap;

	set_place(ps);
	snprintf(ps->err->expected, sizeof(ps->err->expected), "%s", expected);
	va_start(ap, what);
	vsnprintf(ps->err->what, sizeof(ps->err->what), what, ap);
	va_end(ap);
	return false;
}

/* --- small words ------------------------------------------------------------- */

bool parse_number(struct parser *ps, u64 max, const char *what, u64 *out)
{
	const struct token *tok = &ps->lx.tok;

	if (tok->kind != TOKEN_NUMBER)
		return parse_fail(ps, "%s", what);
	if (tok->number > max || tok->is_2_64)
		return parse_fail(ps, "%s, at most %llu", what, (unsigned long long)max);
	*out = tok->number;
	lex_next(&ps->lx);
	return true;
}

bool take_word(struct parser *ps, const char *word)
{
	if (!token_is(&ps->lx.tok, word))
		return false;
	lex_next(&ps->lx);
	return true;
}

bool parse_word(struct parser *ps, const char *word)
{
	return take_word(ps, word) || parse_fail(ps, "%s", word);
}

bool take_punct(struct parser *ps, char punct)
{
	if (ps->lx.tok.kind != TOKEN_PUNCT || ps->lx.tok.punct != punct)
		return false;
	lex_next(&ps->lx);
	return true;
}

bool parse_punct(struct parser *ps, char punct)
{
	if (take_punct(ps, punct))
		return true;
	return punct == PUNCT_RANGE ? parse_fail(ps, "..") : parse_fail(ps, "%c", punct);
}

bool parse_add(struct parser *ps, const struct op *op)
{
	if (!program_add(ps->out, op))
		return true;
	ps->no_memory = true;
	return false;
}

/* --- expectations ------------------------------------------------------------ */

static bool parse_name_of(struct parser *ps, const char *what, size_t max, char *name)
{
	const struct token *tok = &ps->lx.tok;

	if (tok->kind != TOKEN_WORD || tok->len > max || expect_word_reserved(tok->at, tok->len))
		return parse_fail(ps, "%s (a word of at most %zu characters)", what, max);
	memcpy(name, tok->at, tok->len);
	name[tok->len] = '\0';
	lex_next(&ps->lx);
	return true;
}

/* at N, page N, in any order */
static bool parse_place(struct parser *ps, struct expect *e, bool page)
{
	u64 at = 0;

	for (;;) {
		if (!e->at && take_word(ps, "at")) {
			if (ps->lx.tok.kind == TOKEN_NUMBER && !ps->lx.tok.number)
				return parse_fail(ps, "the number of an op, from 1 on");
			if (!parse_number(ps, UINT32_MAX, "the number of an op", &at))
				return false;
			e->at = at;
		} else if (page && !e->has_page && take_word(ps, "page")) {
			if (!parse_number(ps, UINT64_MAX, "a page of the buffer", &e->value))
				return false;
			e->has_page = true;
		} else {
			return true;
		}
	}
}

static bool parse_expect_errno(struct parser *ps, struct expect *e)
{
	const struct token *tok = &ps->lx.tok;
	u64 number = 0;
	int err = -1;

	e->kind = EXPECT_ERRNO;
	if (tok->kind == TOKEN_NUMBER) {
		if (!parse_number(ps, 2047, "an errno", &number))
			return false;
		e->detail = number;
		return parse_place(ps, e, false);
	}
	if (tok->kind == TOKEN_WORD)
		err = expect_errno_by_name(tok->at, tok->len);
	if (err < 0)
		return parse_fail(ps, "an errno such as ENOENT, or 0");
	e->detail = err;
	lex_next(&ps->lx);
	return parse_place(ps, e, false);
}

static bool parse_contract(struct parser *ps, const char *expected, u32 *contract)
{
	int c = -1;

	if (ps->lx.tok.kind == TOKEN_WORD)
		c = expect_contract_by_name(ps->lx.tok.at, ps->lx.tok.len);
	if (c < 0)
		return parse_fail(ps, "%s", expected);
	*contract = c;
	lex_next(&ps->lx);
	return true;
}

static bool parse_expect_bound(struct parser *ps, struct expect *e)
{
	u32 contract = 0;

	e->kind = EXPECT_BOUND;
	if (ps->lx.tok.kind != TOKEN_NUMBER) {
		do {
			if (!parse_contract(ps, "a number, or contracts such as L+I+S0", &contract))
				return false;
			e->detail |= 1u << contract;
		} while (take_punct(ps, '+'));
	}
	return parse_number(ps, UINT64_MAX, "a number of flushes", &e->value);
}

static bool parse_expect_policy(struct parser *ps, struct expect *e)
{
	if (!parse_name_of(ps, "errno, flushes, bound, finding or a policy", EXPECT_NAME_MAX,
			   e->name))
		return false;
	e->kind = EXPECT_OK;
	if (take_word(ps, "ok"))
		return true;
	if (!parse_contract(ps, "ok or a contract: L I S0 S1 E O U", &e->detail))
		return false;
	e->kind = EXPECT_HOLDS;
	if (take_word(ps, "ok"))
		return true;
	e->kind = EXPECT_BROKEN;
	return parse_place(ps, e, true);
}

static bool parse_expect_any(struct parser *ps, struct expect *e)
{
	if (take_word(ps, "errno"))
		return parse_expect_errno(ps, e);
	if (take_word(ps, "bound"))
		return parse_expect_bound(ps, e);
	if (take_word(ps, "finding")) {
		e->kind = EXPECT_FINDING;
		return parse_name_of(ps, "a rule", EXPECT_NAME_MAX, e->name) &&
		       parse_place(ps, e, false);
	}
	if (!take_word(ps, "flushes"))
		return parse_expect_policy(ps, e);
	e->kind = EXPECT_FLUSHES;
	return parse_name_of(ps, "a policy", EXPECT_NAME_MAX, e->name) &&
	       parse_number(ps, UINT64_MAX, "a number of flushes", &e->value);
}

static bool parse_end(struct parser *ps)
{
	return ps->lx.tok.kind == TOKEN_END || parse_fail(ps, "the end of the line");
}

bool parse_expect(struct parser *ps)
{
	struct expect e = {0};
	struct op records[2];
	unsigned int nr;

	if (!parse_expect_any(ps, &e) || !parse_end(ps))
		return false;
	nr = expect_pack(&e, records);
	for (unsigned int i = 0; i < nr; i++)
		if (!parse_add(ps, &records[i]))
			return false;
	return true;
}

/* --- lines ------------------------------------------------------------------- */

static bool parse_name_line(struct parser *ps)
{
	const struct token *tok = &ps->lx.tok;
	struct op name, tidy;

	/* The rest of a long word may begin with a digit, whatever the lexer thinks of it. */
	if (tok->kind == TOKEN_END || tok->kind == TOKEN_PUNCT || tok->len > OP_NAME_MAX)
		return parse_fail(ps, "a word of at most %d characters", OP_NAME_MAX);
	name = op_name_make(tok->at, tok->len);
	tidy = name;
	op_normalise(&tidy);
	if (memcmp(&tidy, &name, sizeof(name)))
		return parse_fail_what(ps, "letters, digits and _", "this is no name");
	lex_next(&ps->lx);
	return parse_end(ps) && parse_add(ps, &name);
}

/* The name, unless the object would be called so anyway. */
static bool add_new_name(struct parser *ps)
{
	enum obj_kind kind = op_info(ps->op.code)->creates;
	char word[OP_NAME_MAX + 1];
	struct op name;

	if (kind == OBJ_NONE)
		return true;
	names_default(&ps->names, kind, word);
	name = op_name_make(ps->new_name, strlen(ps->new_name));
	if (strcmp(word, ps->new_name) && !parse_add(ps, &name))
		return false;
	if (!names_add(&ps->names, kind, ps->new_name))
		return true;
	ps->no_memory = true;
	return false;
}

static bool parse_op(struct parser *ps, unsigned int code)
{
	const struct syntax *row = op_syntax(code);

	ps->op = (struct op){.code = code, .flags = row->flags};
	if (op_info(code)->modes >> OP_ADDR_AUTO & 1)
		op_set_addr(&ps->op, OP_ADDR_AUTO, 0);
	program_clear(&ps->more);
	for (size_t i = 0; i < ARRAY_SIZE(row->args) && row->args[i] != ARG_NONE; i++)
		if (!parse_arg(ps, row->args[i]))
			return false;
	if (!parse_opts(ps) || !parse_add(ps, &ps->op) || !add_new_name(ps))
		return false;
	for (size_t i = 0; i < ps->more.nr; i++)
		if (!parse_add(ps, &ps->more.ops[i]))
			return false;
	return true;
}

static bool parse_line(struct parser *ps)
{
	const struct token *tok = &ps->lx.tok;
	unsigned int code;

	if (tok->kind == TOKEN_END)
		return true;
	for (code = 0; code < OP_NR; code++)
		if (token_is(tok, op_word(code)))
			break;
	if (code == OP_NR)
		return parse_fail(ps, "an op (such as table, buffer, map, attach) or expect");
	lex_next(&ps->lx);
	if (code == OP_EXPECT)
		return parse_expect(ps);
	if (code == OP_NAME)
		return parse_name_line(ps);
	return parse_op(ps, code);
}

int text_parse(struct program *p, const char *text, size_t len, const char *name,
	       struct text_error *err)
{
	struct parser ps = {.file = name, .err = err, .out = p};
	const char *at = text, *end = text + len, *eol;
	bool ok = true;

	memset(err, 0, sizeof(*err));
	while (ok && at < end) {
		eol = memchr(at, '\n', end - at);
		eol = eol ? eol : end;
		ps.line++;
		lex_line(&ps.lx, at, eol - at);
		ok = parse_line(&ps);
		at = eol < end ? eol + 1 : end;
	}
	names_free(&ps.names);
	program_free(&ps.more);
	if (ok)
		return 0;
	return ps.no_memory ? -ENOMEM : -EINVAL;
}

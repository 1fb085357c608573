// SPDX-License-Identifier: GPL-2.0-only
#include "core/op/text_priv.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Digits from *at on. False: none there, or too many. */
static bool read_digits(const char **at, const char *end, u64 base, u64 *out)
{
	const char *start = *at;

	*out = 0;
	for (; *at < end && (u64)digit_value(**at) < base; ++*at) {
		if (check_mul_overflow(*out, base, out) ||
		    check_add_overflow(*out, (u64)digit_value(**at), out))
			return false;
	}
	return *at > start;
}

static unsigned int suffix_shift(char c)
{
	static const char suffixes[] = "KMGT";
	const char *s = c ? strchr(suffixes, c) : NULL;

	return s ? 10 * (unsigned int)(s - suffixes + 1) : 0;
}

/* 12, 0x1000, 2^63, and a suffix. */
static bool read_number(const char **at, const char *end, struct token *tok)
{
	unsigned int shift;
	u64 power;

	if (end - *at > 2 && (*at)[0] == '0' && (*at)[1] == 'x') {
		*at += 2;
		if (!read_digits(at, end, 16, &tok->number))
			return false;
	} else if (!read_digits(at, end, 10, &tok->number)) {
		return false;
	}
	if (*at < end && **at == '^') {
		++*at;
		if (tok->number != 2 || !read_digits(at, end, 10, &power) || power > 64)
			return false;
		tok->is_2_64 = power == 64;
		tok->number = power == 64 ? 0 : 1ULL << power;
	}
	shift = *at < end ? suffix_shift(**at) : 0;
	if (shift) {
		++*at;
		if (tok->is_2_64 || tok->number << shift >> shift != tok->number)
			return false;
		tok->number <<= shift;
	}
	return *at == end || !is_word_char(**at);
}

static void read_sign(const char **at, const char *end, struct token *tok)
{
	tok->kind = TOKEN_PUNCT;
	tok->punct = **at;
	++*at;
	if (tok->punct == '.' && *at < end && **at == '.') {
		tok->punct = PUNCT_RANGE;
		++*at;
	} else if (!strchr("[]+-=,@%:", tok->punct) || !tok->punct) {
		tok->kind = TOKEN_BAD;
		tok->bad = "a word, a number or one of [ ] .. + - = , @ % :";
	}
}

static void read_token(struct lexer *lx, struct token *tok)
{
	const char *at = lx->pos;

	while (at < lx->end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	*tok = (struct token){.kind = TOKEN_END, .at = at};
	if (at == lx->end || *at == '#') {
		lx->pos = lx->end;
		return;
	}
	if (is_digit(*at)) {
		tok->kind = TOKEN_NUMBER;
		if (!read_number(&at, lx->end, tok)) {
			tok->kind = TOKEN_BAD;
			tok->bad = "a number below 2^64 such as 12, 0x1000, 2^63 or 4K";
			while (at < lx->end && (is_word_char(*at) || *at == '^'))
				at++;
		}
	} else if (is_word_char(*at)) {
		tok->kind = TOKEN_WORD;
		while (at < lx->end && is_word_char(*at))
			at++;
	} else {
		read_sign(&at, lx->end, tok);
	}
	tok->len = at - tok->at;
	lx->pos = at;
}

void lex_line(struct lexer *lx, const char *line, size_t len)
{
	lx->line = line;
	lx->pos = line;
	lx->end = line + len;
	read_token(lx, &lx->tok);
	read_token(lx, &lx->next);
}

void lex_next(struct lexer *lx)
{
	lx->tok = lx->next;
	read_token(lx, &lx->next);
}

bool token_is(const struct token *tok, const char *word)
{
	return tok->kind == TOKEN_WORD && strlen(word) == tok->len &&
	       !memcmp(word, tok->at, tok->len);
}

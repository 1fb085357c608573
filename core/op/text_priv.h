/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside the text form: what the files names.c and text_*.c share. Nobody else includes this. */
#ifndef NOSNOOP_TEXT_PRIV_H
#define NOSNOOP_TEXT_PRIV_H

#include "core/op/text.h"

/* --- names.c: which object is called what ------------------------------------ */

struct name_entry {
	char word[OP_NAME_MAX + 1];
};

struct names {
	struct {
		struct name_entry *entries; /* index: identity */
		u32 nr, cap;
		u32 *hash; /* identity + 1 */
		u32 hash_size;
	} kind[OBJ_NR];
};

void names_free(struct names *n);
int names_add(struct names *n, enum obj_kind kind, const char *word);	     /* 0 or -ENOMEM */
s64 names_find(const struct names *n, enum obj_kind kind, const char *word); /* identity or -1 */
const char *names_get(const struct names *n, enum obj_kind kind,
		      u32 id); /* NULL: not there (yet) */
/* What the next object of the kind is called when nobody says. */
void names_default(const struct names *n, enum obj_kind kind, char word[OP_NAME_MAX + 1]);
bool names_valid(const char *word, size_t len); /* may an object be called so? */

/* --- text_lex.c: tokens of one line ------------------------------------------ */

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_NUMBER, TOKEN_PUNCT, TOKEN_BAD };
#define PUNCT_RANGE 'r' /* ".." */

struct token {
	enum token_kind kind;
	const char *at;
	size_t len;
	u64 number;
	bool is_2_64; /* written 2^64: only with something taken off */
	char punct;
	const char *bad; /* what would be right */
};

struct lexer {
	const char *line, *pos, *end; /* of this line */
	struct token tok, next;
};

void lex_line(struct lexer *lx, const char *line, size_t len);
void lex_next(struct lexer *lx);
bool token_is(const struct token *tok, const char *word);

/* --- text_syntax.c: what each op looks like ---------------------------------- */

enum syntax_arg {
	ARG_NONE,
	ARG_NEW,  /* the name of what the op creates */
	ARG_REF0, /* the object in slot 0 */
	ARG_REF1,
	ARG_NPAGES, /* NUM pages */
	ARG_PAGES,  /* P[0..2] */
	ARG_RUN,    /* run NUM */
	ARG_ALIAS,  /* P[2] = Q[0] */
	ARG_PAGE_FLAGS,
	ARG_NC,	    /* noncoherent or coherent */
	ARG_SOURCE, /* what a map maps */
	ARG_SLICE,  /* what a copy copies */
	ARG_ADDR,
	ARG_SPAN,
	ARG_HOME, /* the table of an access, or none */
	ARG_RANGES,
	ARG_SWITCH, /* on, off, get or NUM */
	ARG_NUMBER, /* arg */
	ARG_TASK,   /* task N */
	ARG_LIMIT,
	ARG_CAPS,
	ARG_BYTES,
	ARG_NR
};

/* Optional words: one bit each; those of a choice share one. */
#define OPT_AT	     0x000001u
#define OPT_TASK     0x000002u
#define OPT_PGSIZE   0x000004u
#define OPT_APERTURE 0x000008u
#define OPT_LEAVES   0x000010u
#define OPT_PROT     0x000020u /* rw ro wo none */
#define OPT_PIN_PROT 0x000040u /* rw ro */
#define OPT_DIR	     0x000080u /* read write */
#define OPT_KTHREAD  0x000100u
#define OPT_PAGES    0x000200u
#define OPT_REFUSE   0x000400u
#define OPT_ROOM     0x000800u
#define OPT_NOSNOOP  0x001000u
#define OPT_VALUE    0x002000u
#define OPT_BY	     0x004000u
#define OPT_FAIL     0x008000u
#define OPT_BADFLAG  0x010000u
#define OPT_RESERVED 0x020000u
#define OPT_BADOUT   0x040000u
#define OPT_BADIN    0x080000u
#define OPT_BADID    0x100000u
#define OPT_BADOP    0x200000u
#define OPT_BADSRC   0x400000u

struct syntax {
	u8 args[4];
	u32 opts;
	u16 flags; /* when no word says otherwise */
};

const struct syntax *op_syntax(unsigned int code);
u32 op_opts(unsigned int code); /* the row's, with by and fail where they belong */
/* The flag words: same bit of the op, another word on some codes. */
struct flag_word {
	const char *word;
	u32 opt;
	u16 flag;
};
extern const struct flag_word flag_words[];
extern const unsigned int nr_flag_words;

/* --- text_parse.c, text_args.c ----------------------------------------------- */

struct parser {
	struct lexer lx;
	const char *file;
	u32 line;
	struct text_error *err;
	struct program *out;
	struct names names;

	/* of the line at hand */
	struct op op;
	char new_name[OP_NAME_MAX + 1];
	struct program more;
	u32 opts_seen;
	bool no_memory;
};

/* Each returns false; the error is at the current token. */
bool parse_fail(struct parser *ps, const char *expected, ...) __printf(2, 3);
bool parse_fail_what(struct parser *ps, const char *expected, const char *what, ...) __printf(3, 4);
bool parse_number(struct parser *ps, u64 max, const char *what, u64 *out);
bool parse_word(struct parser *ps, const char *word); /* that very word */
bool parse_punct(struct parser *ps, char punct);      /* that very sign */
bool take_word(struct parser *ps, const char *word);  /* the same, but it may be missing */
bool take_punct(struct parser *ps, char punct);
bool parse_arg(struct parser *ps, enum syntax_arg arg);
bool parse_opts(struct parser *ps);
bool parse_expect(struct parser *ps);
bool parse_add(struct parser *ps, const struct op *op);

#endif

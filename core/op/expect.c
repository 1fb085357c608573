// SPDX-License-Identifier: GPL-2.0-only
#include "core/op/expect.h"

const char *const expect_contract[7] = {"L", "I", "S0", "S1", "E", "O", "U"};

static const struct {
	u32 err;
	const char *name;
} errnos[] = {
#define E(x)          \
	{             \
		x, #x \
	}
	E(EPERM),     E(ENOENT),    E(EINTR),	   E(EIO),	  E(ENXIO),	E(E2BIG),
	E(EBADF),     E(EAGAIN),    E(ENOMEM),	   E(EACCES),	  E(EFAULT),	E(EBUSY),
	E(EEXIST),    E(ENODEV),    E(EINVAL),	   E(ENOTTY),	  E(EFBIG),	E(ENOSPC),
	E(ERANGE),    E(EDEADLK),   E(ENOSYS),	   E(EBADE),	  E(EOVERFLOW), E(EMSGSIZE),
	E(ETIMEDOUT), E(ECANCELED), E(EOPNOTSUPP), E(EADDRINUSE), E(ENOTEMPTY), E(ESRCH),
#undef E
};

static bool same(const char *a, const char *name, size_t len)
{
	return strlen(a) == len && !memcmp(a, name, len);
}

int expect_contract_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(expect_contract); i++)
		if (same(expect_contract[i], name, len))
			return i;
	return -1;
}

const char *expect_errno_name(u32 err)
{
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		if (errnos[i].err == err)
			return errnos[i].name;
	return NULL;
}

int expect_errno_by_name(const char *name, size_t len)
{
	if (same("EDEADLOCK", name, len))
		return EDEADLK;
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		if (same(errnos[i].name, name, len))
			return errnos[i].err;
	return -1;
}

bool expect_word_reserved(const char *word, size_t len)
{
	static const char *const words[] = {"errno", "flushes", "bound", "finding"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (same(words[i], word, len))
			return true;
	return false;
}

/* --- words in records -------------------------------------------------------- */

/* Byte i of a record's payload lies in one of its three u64, low byte first on every machine. */
static void put_bytes(u64 *field, const char *bytes, size_t n)
{
	*field = 0;
	for (size_t i = 0; i < n; i++)
		*field |= (u64)(u8)bytes[i] << (8 * i);
}

static void get_bytes(u64 field, char *bytes)
{
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (char)(field >> (8 * i));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Any bytes become a word of 1..max characters, the same word if they are one; the rest is zeroed.
 */
static void tidy_word(char *word, size_t max, bool digit_first)
{
	size_t i;

	for (i = 0; i < max && word[i]; i++)
		if (!is_word_char(word[i]))
			word[i] = 'a' + (u8)word[i] % 26;
	if (!i)
		word[i++] = '_';
	memset(word + i, 0, max - i);
	if (!digit_first && is_digit(word[0]))
		word[0] = 'a' + (word[0] - '0');
}

static void name_bytes(const struct op *op, char bytes[OP_NAME_MAX])
{
	get_bytes(op->slots, bytes);
	get_bytes(op->addr, bytes + 8);
	get_bytes(op->len_fail, bytes + 16);
}

static void set_name_bytes(struct op *op, const char bytes[OP_NAME_MAX])
{
	put_bytes(&op->slots, bytes, 8);
	put_bytes(&op->addr, bytes + 8, 8);
	put_bytes(&op->len_fail, bytes + 16, 8);
}

void op_name_get(const struct op *op, char name[OP_NAME_MAX + 1])
{
	name_bytes(op, name);
	name[OP_NAME_MAX] = '\0';
}

struct op op_name_make(const char *name, size_t len)
{
	char bytes[OP_NAME_MAX] = {0};
	struct op op = {.code = OP_NAME};

	memcpy(bytes, name, min(len, (size_t)OP_NAME_MAX));
	set_name_bytes(&op, bytes);
	return op;
}

/* --- expectations ------------------------------------------------------------ */

#define KIND_BITS   0xfu
#define DETAIL_MASK 0x7ffu
#define HAS_PAGE    0x8000u
#define FIRST_BYTES 16

bool expect_uses_name(enum expect_kind kind)
{
	return kind != EXPECT_ERRNO && kind != EXPECT_BOUND;
}

static enum expect_kind kind_of(const struct op *op)
{
	return (op->flags & KIND_BITS) % EXPECT_NR;
}

static void first_bytes(const struct op *op, char bytes[FIRST_BYTES])
{
	get_bytes(op->slots, bytes);
	get_bytes(op->len_fail, bytes + 8);
}

static void set_first_bytes(struct op *op, const char *bytes, size_t len)
{
	char buf[FIRST_BYTES] = {0};

	memcpy(buf, bytes, min(len, (size_t)FIRST_BYTES));
	put_bytes(&op->slots, buf, 8);
	put_bytes(&op->len_fail, buf + 8, 8);
}

bool expect_has_rest(const struct op *op)
{
	return op->code == OP_EXPECT && expect_uses_name(kind_of(op)) && op->len_fail >> 56;
}

void expect_unpack(const struct op *op, const struct op *rest, struct expect *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = kind_of(op);
	out->detail = op->flags >> 4 & DETAIL_MASK;
	out->at = op->arg;
	out->has_page = op->flags & HAS_PAGE;
	out->value = op->addr;
	if (!expect_uses_name(out->kind))
		return;
	first_bytes(op, out->name);
	if (rest && expect_has_rest(op))
		name_bytes(rest, out->name + FIRST_BYTES);
}

unsigned int expect_pack(const struct expect *e, struct op out[2])
{
	size_t len = strlen(e->name);

	out[0] = (struct op){
		.code = OP_EXPECT,
		.flags = e->kind | (e->detail & DETAIL_MASK) << 4 | (e->has_page ? HAS_PAGE : 0),
		.arg = e->at,
		.addr = e->value,
	};
	set_first_bytes(&out[0], e->name, len);
	op_normalise(&out[0]);
	if (!expect_uses_name(e->kind) || len <= FIRST_BYTES)
		return 1;
	out[1] = op_name_make(e->name + FIRST_BYTES, len - FIRST_BYTES);
	return 2;
}

static u32 tidy_detail(enum expect_kind kind, u32 detail)
{
	switch (kind) {
	case EXPECT_HOLDS:
	case EXPECT_BROKEN:
		return detail % ARRAY_SIZE(expect_contract);
	case EXPECT_BOUND:
		return detail & ((1u << ARRAY_SIZE(expect_contract)) - 1);
	case EXPECT_ERRNO:
		return detail;
	default:
		return 0;
	}
}

static void tidy_expect_name(struct op *op, enum expect_kind kind)
{
	char bytes[FIRST_BYTES];

	if (!expect_uses_name(kind)) {
		op->slots = 0;
		op->len_fail = 0;
		return;
	}
	first_bytes(op, bytes);
	tidy_word(bytes, FIRST_BYTES, false);
	/* These words begin other expectations: no policy is called so. */
	if (expect_word_reserved(bytes, strnlen(bytes, FIRST_BYTES)))
		bytes[0] += 'A' - 'a';
	set_first_bytes(op, bytes, FIRST_BYTES);
}

static void tidy_expect(struct op *op)
{
	enum expect_kind kind = kind_of(op);
	bool page = kind == EXPECT_BROKEN && op->flags & HAS_PAGE;
	u32 detail = tidy_detail(kind, op->flags >> 4 & DETAIL_MASK);

	op->flags = kind | detail << 4 | (page ? HAS_PAGE : 0);
	if (kind != EXPECT_BROKEN && kind != EXPECT_ERRNO && kind != EXPECT_FINDING)
		op->arg = 0;
	if (!page && kind != EXPECT_FLUSHES && kind != EXPECT_BOUND)
		op->addr = 0;
	tidy_expect_name(op, kind);
}

void expect_normalise(struct op *op)
{
	char bytes[OP_NAME_MAX];

	op->thread = 0;
	if (op->code == OP_EXPECT) {
		tidy_expect(op);
		return;
	}
	op->flags = 0;
	op->arg = 0;
	name_bytes(op, bytes);
	tidy_word(bytes, OP_NAME_MAX, true);
	set_name_bytes(op, bytes);
}

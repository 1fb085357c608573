// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of codes and the normal form. The table says which fields an op uses; op_normalise()
 * reads it, and the few rules that one field lays on another are in tidy_*().
 */
#include "core/compat/fault.h"
#include "core/op/expect.h"
#include "core/op/op_info.h"

#define M_ABS  (1u << OP_ADDR_ABS)
#define M_END  (1u << OP_ADDR_END)
#define M_AREA (1u << OP_ADDR_AREA)
#define M_AUTO (1u << OP_ADDR_AUTO)
#define M_IOVA (M_ABS | M_END | M_AREA)

#define F_PROT (OPF_READ | OPF_WRITE)
#define F_SPAN (OPF_PAGES | OPF_WHOLE)
#define ALL32  0xffffffffu

#define SLOT_MASK 0xfffffULL
#define MODE_MASK (0xfULL << 60)

const char *const obj_kind_name[OBJ_NR] = {"",	   "table",  "buffer", "domain",
					   "area", "access", "pin"};

/* A row's .slot, always by this: with the bits that are left of the three and of their flags. */
#define SLOTS(...) SLOTS3(__VA_ARGS__, OBJ_NONE, OBJ_NONE, OBJ_NONE)
#define SLOTS3(a, b, c, ...)                                                  \
	.slot = {a, b, c}, .slot_mask = SLOT(a, 0) | SLOT(b, 1) | SLOT(c, 2), \
	.id_mask = SLOT_ID(a, 0) | SLOT_ID(b, 1) | SLOT_ID(c, 2)
#define SLOT(kind, i)	 ((kind) == OBJ_NONE ? 0 : SLOT_MASK << (20 * (i)))
#define SLOT_ID(kind, i) ((kind) == OBJ_NONE || (kind) == OBJ_NUM ? 0 : OPF_ID0 << (i))

const struct op_info op_infos[OP_NR] = {
	[OP_TABLE] = {.creates = OBJ_TABLE, .fields = OPX_REQ},
	[OP_TABLE_DESTROY] = {SLOTS(OBJ_TABLE), .fields = OPX_REQ, .flags = OPF_BAD_ID},
	[OP_BUFFER] = {.creates = OBJ_BUFFER,
		       .modes = M_ABS | M_END | M_AUTO,
		       .fields = OPX_ARG,
		       .arg_mask = ALL32},
	[OP_BUFFER_DESTROY] = {SLOTS(OBJ_BUFFER)},
	[OP_LAYOUT] = {SLOTS(OBJ_BUFFER), .fields = OPX_ARG | OPX_VALUE | OPX_LEN | OPX_NPAGES,
		       .flags = OPF_WHOLE, .arg_mask = ALL32},
	[OP_ALIAS] = {SLOTS(OBJ_BUFFER, OBJ_BUFFER), .fields = OPX_ARG | OPX_VALUE,
		      .arg_mask = ALL32},
	[OP_PAGE_FLAGS] = {SLOTS(OBJ_BUFFER), .fields = OPX_ARG | OPX_VALUE | OPX_LEN | OPX_NPAGES,
			   .flags = OPF_WHOLE, .arg_mask = ALL32},
	[OP_REMAP] = {SLOTS(OBJ_BUFFER), .fields = OPX_ARG | OPX_LEN | OPX_NPAGES,
		      .flags = OPF_WHOLE, .arg_mask = ALL32},
	[OP_ATTACH] = {.creates = OBJ_DOMAIN,
		       SLOTS(OBJ_TABLE, OBJ_NUM, OBJ_NUM),
		       .fields = OPX_ARG | OPX_VALUE | OPX_LEN | OPX_WIDE | OPX_REQ,
		       .flags = OPF_NC,
		       .arg_mask = ALL32},
	[OP_REATTACH] = {SLOTS(OBJ_TABLE, OBJ_DOMAIN), .fields = OPX_REQ},
	[OP_DETACH] = {SLOTS(OBJ_TABLE, OBJ_DOMAIN), .fields = OPX_REQ},
	[OP_MAP] = {.creates = OBJ_AREA,
		    SLOTS(OBJ_TABLE, OBJ_BUFFER, OBJ_AREA),
		    .modes = M_IOVA | M_AUTO,
		    .fields = OPX_ARG | OPX_LEN | OPX_REQ,
		    .flags = F_PROT | F_SPAN | OPF_BAD_FLAG | OPF_RESERVED | OPF_BAD_OUT |
			     OPF_BAD_ID,
		    .arg_mask = ALL32},
	[OP_COPY] = {.creates = OBJ_AREA,
		     SLOTS(OBJ_TABLE, OBJ_TABLE, OBJ_AREA),
		     .modes = M_ABS | M_END | M_AUTO,
		     .fields = OPX_ARG | OPX_LEN | OPX_REQ,
		     .flags = F_PROT | F_SPAN | OPF_SOURCE | OPF_BAD_FLAG | OPF_BAD_OUT |
			      OPF_BAD_ID | OPF_BAD_SRC,
		     .arg_mask = ALL32},
	[OP_CUT] = {SLOTS(OBJ_TABLE, OBJ_NONE, OBJ_AREA), .modes = M_IOVA, .fields = OPX_REQ,
		    .flags = OPF_BAD_ID},
	[OP_UNMAP] = {SLOTS(OBJ_TABLE, OBJ_NONE, OBJ_AREA), .modes = M_IOVA,
		      .fields = OPX_LEN | OPX_WIDE | OPX_REQ,
		      .flags = F_SPAN | OPF_BAD_ID | OPF_BAD_OUT},
	[OP_UNMAP_ALL] = {SLOTS(OBJ_TABLE), .fields = OPX_REQ, .flags = OPF_BAD_ID | OPF_BAD_OUT},
	[OP_ACCESS] = {.creates = OBJ_ACCESS,
		       SLOTS(OBJ_TABLE),
		       .fields = OPX_ARG | OPX_REQ,
		       .flags = OPF_PIN,
		       .arg_mask = OP_ACCESS_REFUSE | OP_ACCESS_NONE},
	[OP_ACCESS_ATTACH] = {SLOTS(OBJ_ACCESS, OBJ_TABLE), .fields = OPX_REQ, .flags = OPF_BAD_ID},
	[OP_ACCESS_REPLACE] = {SLOTS(OBJ_ACCESS, OBJ_TABLE), .fields = OPX_REQ,
			       .flags = OPF_BAD_ID},
	[OP_ACCESS_DETACH] = {SLOTS(OBJ_ACCESS), .fields = OPX_REQ},
	[OP_ACCESS_DESTROY] = {SLOTS(OBJ_ACCESS), .fields = OPX_REQ},
	[OP_PIN] = {.creates = OBJ_PIN,
		    SLOTS(OBJ_ACCESS, OBJ_NONE, OBJ_AREA),
		    .modes = M_IOVA,
		    .fields = OPX_LEN | OPX_WIDE | OPX_REQ,
		    .flags = OPF_WRITE | F_SPAN | OPF_BAD_FLAG},
	[OP_UNPIN] = {SLOTS(OBJ_PIN), .fields = OPX_REQ},
	[OP_RW] = {SLOTS(OBJ_ACCESS, OBJ_NONE, OBJ_AREA), .modes = M_IOVA,
		   .fields = OPX_LEN | OPX_WIDE | OPX_REQ,
		   .flags = OPF_WRITE | OPF_KTHREAD | F_SPAN | OPF_BAD_FLAG},
	[OP_RESERVE] = {SLOTS(OBJ_TABLE, OBJ_NONE, OBJ_AREA), .modes = M_IOVA,
			.fields = OPX_LEN | OPX_WIDE | OPX_REQ, .flags = OPF_PAGES | OPF_BAD_ID},
	[OP_UNRESERVE] = {SLOTS(OBJ_TABLE), .fields = OPX_REQ, .flags = OPF_BAD_ID},
	[OP_ALLOW] = {SLOTS(OBJ_TABLE), .fields = OPX_VALUE | OPX_LEN | OPX_WIDE | OPX_REQ,
		      .flags = OPF_WHOLE | OPF_RESERVED | OPF_BAD_ID | OPF_BAD_IN},
	[OP_RANGES] = {SLOTS(OBJ_TABLE), .fields = OPX_ARG | OPX_REQ,
		       .flags = OPF_RESERVED | OPF_BAD_ID | OPF_BAD_OUT, .arg_mask = ALL32},
	[OP_HUGE_PAGES] = {SLOTS(OBJ_TABLE), .fields = OPX_ARG | OPX_REQ,
			   .flags = OPF_GET | OPF_RESERVED | OPF_BAD_ID | OPF_BAD_OP,
			   .arg_mask = ALL32},
	[OP_RLIMIT_MODE] = {.fields = OPX_ARG | OPX_REQ,
			    .flags = OPF_GET | OPF_RESERVED | OPF_BAD_ID | OPF_BAD_OP,
			    .arg_mask = ALL32},
	[OP_TEMP_LIMIT] = {.fields = OPX_ARG | OPX_REQ, .arg_mask = ALL32},
	[OP_GUP_LIMIT] = {.fields = OPX_ARG, .arg_mask = ALL32},
	[OP_RLIMIT] = {.fields = OPX_VALUE},
	[OP_CAP] = {.fields = OPX_ARG, .arg_mask = 0xf},
	[OP_STORE] = {SLOTS(OBJ_BUFFER), .fields = OPX_ARG | OPX_VALUE | OPX_LEN,
		      .arg_mask = ALL32},
	[OP_LOAD] = {SLOTS(OBJ_BUFFER), .fields = OPX_VALUE | OPX_LEN},
	[OP_DMA_READ] = {SLOTS(OBJ_DOMAIN, OBJ_NONE, OBJ_AREA), .modes = M_IOVA, .fields = OPX_LEN,
			 .flags = OPF_NC | F_SPAN},
	[OP_DMA_WRITE] = {SLOTS(OBJ_DOMAIN, OBJ_NONE, OBJ_AREA), .modes = M_IOVA,
			  .fields = OPX_ARG | OPX_LEN, .flags = OPF_NC | F_SPAN, .arg_mask = ALL32},
	[OP_EVICT] = {SLOTS(OBJ_BUFFER), .fields = OPX_ARG | OPX_LEN | OPX_NPAGES,
		      .flags = OPF_WHOLE, .arg_mask = ALL32},
	[OP_MORE] = {SLOTS(OBJ_NONE, OBJ_NONE, OBJ_AREA), .modes = M_IOVA,
		     .fields = OPX_LEN | OPX_WIDE | OPX_CONT, .flags = OPF_PAGES},
	[OP_NAME] = {.fields = OPX_CONT},
	[OP_EXPECT] = {.fields = OPX_CONT},
};

const char *op_word(unsigned int code)
{
	static const char *const words[OP_NR] = {
#define X(id, word) [OP_##id] = word,
		OP_CODES(X)
#undef X
	};

	return words[code % OP_NR];
}

/* --- building ---------------------------------------------------------------- */

#define LEN_BITS  48
#define LEN_MASK  ((1ULL << LEN_BITS) - 1)
#define PAGE_LENS (1ULL << (LEN_BITS - 1)) /* lengths in pages stay below */

void op_set_slot(struct op *op, unsigned int i, u32 value)
{
	op->slots &= ~(SLOT_MASK << (20 * i));
	op->slots |= (value & SLOT_MASK) << (20 * i);
}

void op_set_ref(struct op *op, unsigned int i, u32 n, bool by_id)
{
	op_set_slot(op, i, n);
	op->flags &= ~(OPF_ID0 << i);
	if (by_id)
		op->flags |= OPF_ID0 << i;
}

void op_set_addr(struct op *op, enum op_addr mode, u64 addr)
{
	op->slots = (op->slots << 4 >> 4) | (u64)mode << 60;
	op->addr = addr;
}

static bool is_wide(const struct op *op)
{
	return op_info(op->code)->fields & OPX_WIDE && !(op->flags & OPF_PAGES);
}

static void set_len_bits(struct op *op, u64 len)
{
	op->len_fail = (op->len_fail & ~LEN_MASK) | (len & LEN_MASK);
}

void op_set_len(struct op *op, u64 length)
{
	set_len_bits(op, length);
	if (!is_wide(op))
		return;
	if (op->code == OP_ATTACH)
		op_set_slot(op, 2, length >> LEN_BITS);
	else
		op->arg = length >> LEN_BITS;
}

void op_set_fail(struct op *op, u32 point, u32 nth)
{
	op->len_fail &= LEN_MASK;
	op->len_fail |= (u64)(point & 0xf) << LEN_BITS | (u64)(nth & 0xfff) << 52;
}

static bool len_in_pages(const struct op *op)
{
	return op->flags & OPF_PAGES || op_info(op->code)->fields & OPX_NPAGES;
}

u64 op_length(const struct op *op)
{
	u64 len = op_len(op);

	if (len_in_pages(op))
		return len << PAGE_SHIFT;
	if (!is_wide(op))
		return (u64)((s64)(len << 16) >> 16);
	if (op->code == OP_ATTACH)
		return len | (u64)op_slot(op, 2) << LEN_BITS;
	return len | (u64)op->arg << LEN_BITS;
}

bool op_length_fits(const struct op *op, u64 length)
{
	if (len_in_pages(op))
		return length < PAGE_LENS;
	return is_wide(op) || (u64)((s64)(length << 16) >> 16) == length;
}

u64 op_map_offset(const struct op *op)
{
	u64 at = (u64)op->arg << PAGE_SHIFT;

	return op_addr_mode(op) == OP_ADDR_AREA ? at : at + op_slot(op, 2);
}

u64 op_copy_offset(const struct op *op)
{
	return op->flags & OPF_PAGES ? (u64)op->arg << PAGE_SHIFT : op->arg;
}

u64 op_pgsize_bitmap(const struct op *op)
{
	return (u64)op->arg << 9;
}

/* --- the normal form --------------------------------------------------------- */

static void drop_ref(struct op *op, unsigned int i)
{
	op_set_ref(op, i, 0, false);
}

/* The address mode: the one given, or the first that the op can have. */
static void tidy_mode(struct op *op, unsigned int modes)
{
	enum op_addr mode = op_addr_mode(op);

	if (!(modes >> mode & 1))
		mode = modes ? __builtin_ctz(modes) : OP_ADDR_ABS;
	op_set_addr(op, mode, mode == OP_ADDR_AUTO ? 0 : op->addr);
}

static void tidy_fail(struct op *op, const struct op_info *info)
{
	if (info->fields & OPX_REQ && op_fail_nth(op))
		op_set_fail(op, op_fail_point(op) % FAULT_NR, op_fail_nth(op));
	else
		op_set_fail(op, 0, 0);
}

static void tidy_whole(struct op *op, const struct op_info *info)
{
	op->flags &= ~OPF_PAGES;
	op->arg = op->code == OP_DMA_WRITE ? op->arg : 0;
	set_len_bits(op, 0);
	if (op->code == OP_ALLOW)
		op->addr = 0;
	else if (info->slot[2] == OBJ_AREA && !info->creates)
		op_set_addr(op, OP_ADDR_AREA, 0);
	else if (op->code == OP_PIN)
		op_set_addr(op, OP_ADDR_AREA, 0);
}

static void tidy_length(struct op *op, const struct op_info *info)
{
	if (op->flags & OPF_WHOLE) {
		tidy_whole(op, info);
	} else if (!(info->fields & OPX_LEN)) {
		set_len_bits(op, 0);
	} else if (len_in_pages(op)) {
		set_len_bits(op, op_len(op) % PAGE_LENS);
		if (info->fields & OPX_NPAGES && !op_len(op))
			set_len_bits(op, 1);
		if (info->fields & OPX_WIDE)
			op->arg = 0;
	}
}

static void tidy_copy(struct op *op)
{
	if (op->flags & OPF_SOURCE) {
		op->flags &= ~OPF_WHOLE;
		op->arg = 0;
		drop_ref(op, 2);
		tidy_mode(op, M_ABS | M_END);
	} else if (op_by_id(op, 2)) {
		drop_ref(op, 1);
	}
}

static void tidy_buffer(struct op *op)
{
	op->arg = max(op->arg, 1u);
	if (op_addr_mode(op) == OP_ADDR_ABS)
		op->addr &= ~PAGE_MASK;
	else if (op_addr_mode(op) == OP_ADDR_END)
		op->addr |= PAGE_MASK;
}

/* Slot 2 is an area only where the address is relative to one. */
static void tidy_area(struct op *op)
{
	if (op_addr_mode(op) == OP_ADDR_AREA)
		return;
	if (op->code == OP_MAP && !(op->flags & OPF_WHOLE))
		op_set_ref(op, 2, op_slot(op, 2) & PAGE_MASK, false);
	else
		drop_ref(op, 2);
}

static void tidy_special(struct op *op, const struct op_info *info)
{
	switch (op->code) {
	case OP_COPY:
		tidy_copy(op);
		return;
	case OP_BUFFER:
		tidy_buffer(op);
		return;
	case OP_ATTACH:
		op_set_slot(op, 2, op_slot(op, 2) & 0xffff);
		return;
	case OP_PAGE_FLAGS:
		op->addr &= 0x3f;
		return;
	case OP_ACCESS:
		if (op->arg & OP_ACCESS_NONE)
			drop_ref(op, 0);
		return;
	case OP_HUGE_PAGES:
	case OP_RLIMIT_MODE:
		if (op->flags & OPF_GET)
			op->arg = 0;
		return;
	default:
		if (info->slot[2] == OBJ_AREA)
			tidy_area(op);
	}
}

static u32 arg_mask(const struct op_info *info)
{
	if (info->fields & OPX_WIDE && !info->arg_mask)
		return 0xffff;
	return info->arg_mask;
}

void op_normalise(struct op *op)
{
	const struct op_info *info;

	if (op->code >= OP_NR)
		op->code %= OP_NR;
	if (op->code == OP_NAME || op->code == OP_EXPECT) {
		expect_normalise(op);
		return;
	}
	info = op_info(op->code);
	op->thread = info->fields & OPX_CONT ? 0 : op->thread & 7;
	op->flags &= info->flags | info->id_mask;
	op->arg &= arg_mask(info);
	if (!(info->fields & OPX_VALUE) && !info->modes)
		op->addr = 0;
	if (op->code == OP_COPY && op->flags & OPF_SOURCE)
		op->flags &= ~OPF_WHOLE;
	if (info->modes)
		tidy_mode(op, info->modes);
	else
		op_set_addr(op, OP_ADDR_ABS, op->addr);
	op->slots &= info->slot_mask | MODE_MASK;
	tidy_length(op, info);
	tidy_fail(op, info);
	tidy_special(op, info);
}

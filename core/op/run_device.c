// SPDX-License-Identifier: GPL-2.0-only
/* Ops that are no requests: user buffers and tasks, CPU and device accesses, eviction, check. */
#include "core/op/run_priv.h"

void run_pattern(u8 *data, u64 len, u64 value, unsigned int width)
{
	u64 word = width == 4 ? (u32)value * 0x100000001ULL : value;

	for (; len >= sizeof(word); data += sizeof(word), len -= sizeof(word))
		memcpy(data, &word, sizeof(word));
	memcpy(data, &word, len);
}

static u64 mix_word(u64 h, const u8 *data, size_t len)
{
	u64 word = 0;

	memcpy(&word, data, len);
	h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/* Four words side by side: one after the other each would wait for the one before. */
void run_mix_bytes(struct run *r, const u8 *data, u64 len)
{
	u64 h[4] = {len, len + 1, len + 2, len + 3};

	for (; len >= sizeof(h); data += sizeof(h), len -= sizeof(h))
		for (unsigned int i = 0; i < ARRAY_SIZE(h); i++)
			h[i] = mix_word(h[i], data + i * sizeof(u64), sizeof(u64));
	for (; len >= sizeof(u64); data += sizeof(u64), len -= sizeof(u64))
		h[0] = mix_word(h[0], data, sizeof(u64));
	for (unsigned int i = 1; i < ARRAY_SIZE(h); i++)
		h[0] = hash_add(h[0], h[i]);
	run_mix(r, mix_word(h[0], data, len));
}

/* --- buffers ----------------------------------------------------------------- */

static u32 reduced(u32 npages, u64 max_pages)
{
	return (npages - 1ULL) % (max_pages ?: RUN_PAGES_FUZZ) + 1;
}

/* As much as a buffer at a time: up to RUN_BYTES would be made ready before most of it is refused. */
static void reduce_length(struct op *op, u64 max_bytes)
{
	u64 len = op_length(op);

	if (len > max_bytes) {
		len %= max_bytes + 1;
		op_set_len(op, op->flags & OPF_PAGES ? len >> PAGE_SHIFT : len);
	}
}

void run_reduce(struct program *p, u64 max_pages)
{
	u64 max_bytes = (max_pages ?: RUN_PAGES_FUZZ) << PAGE_SHIFT;

	for (size_t i = 0; i < p->nr; i++) {
		struct op *op = &p->ops[i];

		switch (op->code) {
		case OP_BUFFER:
			op->arg = reduced(op->arg, max_pages);
			break;
		case OP_TEMP_LIMIT:
			/* A map without a domain has any length: the limit alone bounds its batches. */
			if (op->arg > RUN_TEMP_FUZZ)
				op->arg %= RUN_TEMP_FUZZ;
			break;
		case OP_RANGES: /* room + 1, 0: enough. More than that takes a thousand reserves */
			op->arg = min(op->arg, RUN_RANGES_FUZZ + 1);
			break;
		case OP_STORE:
		case OP_LOAD:
		case OP_DMA_READ:
		case OP_DMA_WRITE:
		case OP_RW:
			if (max_bytes < RUN_BYTES)
				reduce_length(op, max_bytes);
			break;
		default:
			break;
		}
	}
}

/* Pages [first..last] of the op, cut to the buffer. False: none of them. */
static bool page_range(const struct op *op, const struct buffer *b, u64 *first, u64 *last)
{
	u64 npages = buffer_npages(b);

	*first = op->flags & OPF_WHOLE ? 0 : op->arg;
	if (*first >= npages)
		return false;
	*last = npages - 1;
	if (!(op->flags & OPF_WHOLE))
		*last = min(*last - *first, max(op_len(op), 1ULL) - 1) + *first;
	return true;
}

static int buffer_make(struct run *r, struct run_op *o)
{
	struct run_object *b = run_made(r, OBJ_BUFFER);
	u64 va = 0, npages = reduced(o->op.arg, r->cfg.max_pages);
	int rc;

	if (op_addr_mode(&o->op) == OP_ADDR_ABS)
		va = o->op.addr;
	else if (op_addr_mode(&o->op) == OP_ADDR_END)
		va = ~o->op.addr;
	rc = buffer_create(r->s->machine, o->op.thread & (MACHINE_TASKS_MAX - 1), va, npages,
			   &b->buffer);
	if (rc)
		return rc;
	run_live(r, OBJ_BUFFER, b);
	if (r->cfg.buffer && r->cfg.buffer(r->cfg.ctx, r->s->machine, b->buffer))
		r->s->full = true;
	return 0;
}

static int page_flags(struct run *r, const struct op *op, struct buffer *b, u64 first, u64 last)
{
	return buffer_set_flags(r->s->machine, b, first, last, op->addr & 7, op->addr >> 3 & 7);
}

static int evict(struct run *r, struct buffer *b, u64 first, u64 last)
{
	for (u64 page = first; page <= last; page++) {
		u64 pfn = buffer_pfn(b, page);

		if (pfn != MACHINE_NO_PFN)
			machine_evict(r->s->machine, pfn << PAGE_SHIFT, PAGE_SIZE);
	}
	return 0;
}

/* Inside the bracket. */
static int buffer_change(struct run *r, const struct op *op, struct run_object *o)
{
	struct run_object *from;
	u64 first, last;

	if (op->code == OP_BUFFER_DESTROY) {
		buffer_destroy(r->s->machine, o->buffer);
		run_dead(r, OBJ_BUFFER, o);
		return 0;
	}
	if (op->code == OP_ALIAS) {
		from = run_ref(r, op, 1, OBJ_BUFFER);
		return buffer_alias(r->s->machine, o->buffer, op->arg, from->buffer, op->addr);
	}
	if (!page_range(op, o->buffer, &first, &last))
		return -EINVAL;
	switch (op->code) {
	case OP_LAYOUT:
		return buffer_layout_runs(r->s->machine, o->buffer, first, last,
					  max(op->addr, 1ULL));
	case OP_PAGE_FLAGS:
		return page_flags(r, op, o->buffer, first, last);
	case OP_REMAP:
		return buffer_remap(r->s->machine, o->buffer, first, last);
	default:
		return evict(r, o->buffer, first, last);
	}
}

/* --- CPU and device ---------------------------------------------------------- */

static int cpu_access(struct run *r, const struct op *op, struct run_object *o)
{
	u64 len = op_length(op) % (RUN_BYTES + 1), va = buffer_va(o->buffer) + op->addr;
	u32 task = buffer_task(o->buffer);
	u8 *data = arena_alloc(r->side, len);
	bool write = op->code == OP_STORE;
	int rc;

	if (!data)
		return -ENOMEM;
	if (write)
		run_pattern(data, len, op->arg, 4);
	run_values_begin(r, data, len, write);
	if (write)
		rc = machine_user_store(r->s->machine, task, va, data, len);
	else
		rc = machine_user_load(r->s->machine, task, va, data, len);
	run_values_end(r);
	if (!write)
		run_mix_bytes(r, data, len);
	arena_free(r->side, data, len);
	return rc;
}

static int dma(struct run *r, const struct op *op, struct domain *d, u64 iova, u64 len)
{
	bool write = op->code == OP_DMA_WRITE, no_snoop = op->flags & OPF_NC;
	u8 *data = arena_alloc(r->side, len);
	int rc;

	if (!data)
		return -ENOMEM;
	if (write)
		run_pattern(data, len, op->arg, 4);
	run_values_begin(r, data, len, write);
	if (write)
		rc = machine_dma_write(r->s->machine, d, iova, data, len, no_snoop);
	else
		rc = machine_dma_read(r->s->machine, d, iova, data, len, no_snoop);
	run_values_end(r);
	if (!write)
		run_mix_bytes(r, data, len);
	arena_free(r->side, data, len);
	return rc;
}

static bool device_op(struct run *r, struct run_op *o)
{
	struct run_object *d = run_ref(r, &o->op, 0, OBJ_DOMAIN);
	struct request req;
	u64 iova, len;

	if (!d || !run_span(r, &o->op, d->owner, &iova, &len))
		return false;
	run_bracket_begin(r, o, &req);
	run_bracket_end(
		r, o, &req,
		dma(r, &o->op, machine_domain(r->s->machine, d->id), iova, len % (RUN_BYTES + 1)));
	return true;
}

/* --- tasks ------------------------------------------------------------------- */

static void capabilities(struct task *t, u32 bits)
{
	t->cap_ipc_lock = (t->cap_ipc_lock || bits & 1) && !(bits & 4);
	t->cap_sys_resource = (t->cap_sys_resource || bits & 2) && !(bits & 8);
}

static void task_op(struct run *r, const struct op *op)
{
	u32 id = op->thread & (MACHINE_TASKS_MAX - 1);
	struct task *t = machine_task(r->s->machine, id);

	switch (op->code) {
	case OP_RLIMIT:
		t->rlimit_memlock = op->addr;
		break;
	case OP_CAP:
		capabilities(t, op->arg);
		break;
	case OP_EXIT:
		machine_task_exit(r->s->machine, id);
		break;
	case OP_GUP_LIMIT:
		machine_set_gup_limit(r->s->machine, op->arg);
		break;
	default:
		break;
	}
}

static bool buffer_op(struct run *r, struct run_op *o)
{
	struct run_object *b = run_ref(r, &o->op, 0, OBJ_BUFFER);
	struct request req;
	bool cpu = o->op.code == OP_STORE || o->op.code == OP_LOAD;

	if (!b || (o->op.code == OP_ALIAS && !run_ref(r, &o->op, 1, OBJ_BUFFER)))
		return false;
	run_bracket_begin(r, o, &req);
	run_bracket_end(r, o, &req, cpu ? cpu_access(r, &o->op, b) : buffer_change(r, &o->op, b));
	return true;
}

bool run_machine_op(struct run *r, struct run_op *o)
{
	struct request req;
	int rc = 0;

	switch (o->op.code) {
	case OP_DMA_READ:
	case OP_DMA_WRITE:
		return device_op(r, o);
	case OP_BUFFER_DESTROY:
	case OP_LAYOUT:
	case OP_ALIAS:
	case OP_PAGE_FLAGS:
	case OP_REMAP:
	case OP_EVICT:
	case OP_STORE:
	case OP_LOAD:
		return buffer_op(r, o);
	default:
		break;
	}
	run_bracket_begin(r, o, &req);
	if (o->op.code == OP_BUFFER)
		rc = buffer_make(r, o);
	else
		task_op(r, &o->op);
	run_bracket_end(r, o, &req, rc);
	if (o->op.code == OP_CHECK)
		run_check(r);
	return true;
}

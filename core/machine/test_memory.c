// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers and their layouts, pins, and the lines of the cache: every state under every action
 * against the table of the contract, and their values against an oracle of two variables.
 */
#include "core/machine/test_rig.h"

/* --- buffers and pins --- */

static void buffers_and_layouts(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, false);
	struct buffer *a = buffer_new(r, 3), *b = buffer_new(r, 700), *c;

	assert_int_equal(buffer_pfn(a, 2), buffer_pfn(a, 0) + 2);
	assert_true(buffer_pfn(b, 0) > buffer_pfn(a, 2) + 1);
	assert_int_equal(buffer_va(b) % (1 << 30), 0);
	assert_int_equal(buffer_pfn(b, 0) % 512, 0);
	assert_int_equal(machine_max_pfn(r->m), buffer_pfn(b, 699));
	assert_int_equal(buffer_create(r->m, 0, buffer_va(a) + 8192, 1, &c), -EEXIST);
	assert_int_equal(buffer_create(r->m, 1, buffer_va(a) + 8192, 1, &c), 0);
	assert_int_equal(buffer_task(c), 1);
	assert_int_equal(buffer_create(r->m, 0, 0x1001, 1, &c), -EINVAL);
	assert_int_equal(buffer_create(r->m, 0, 0x1000, 0, &c), -EINVAL);
	assert_int_equal(buffer_create(r->m, 0, -4096ULL, 2, &c), -EINVAL);
	assert_int_equal(buffer_create(r->m, 99, 0, 2, &c), -EINVAL);
	assert_int_equal(buffer_create(r->m, 0, -8192ULL, 2, &c), 0);
	assert_ptr_equal(machine_buffer_at(r->m, 0, ~0ULL), c);
	assert_ptr_equal(machine_buffer_at(r->m, 0, buffer_va(b) + 699 * 4096), b);
	assert_null(machine_buffer_at(r->m, 0, buffer_va(b) + 700 * 4096));

	assert_int_equal(buffer_layout_runs(r->m, b, 1, 10, 4), 0);
	assert_int_equal(buffer_pfn(b, 4), buffer_pfn(b, 1) + 3);
	assert_true(buffer_pfn(b, 5) > buffer_pfn(b, 4) + 1);
	assert_int_equal(buffer_pfn(b, 10), buffer_pfn(b, 9) + 1);
	assert_int_equal(buffer_pfn(b, 11), buffer_pfn(b, 0) + 11);
	assert_int_equal(buffer_alias(r->m, b, 0, a, 2), 0);
	assert_int_equal(buffer_pfn(b, 0), buffer_pfn(a, 2));
	assert_int_equal(buffer_set_flags(r->m, a, 1, 1, UPAGE_HOLE, 0), 0);
	assert_int_equal(buffer_pfn(a, 1), MACHINE_NO_PFN);
	assert_int_equal(buffer_alias(r->m, b, 0, a, 1), -EINVAL);
	assert_int_equal(buffer_set_flags(r->m, a, 1, 3, UPAGE_HOLE, 0), -EINVAL);
	assert_int_equal(buffer_pfn(a, 3), MACHINE_NO_PFN);
	buffer_destroy(r->m, b);
	assert_null(machine_buffer_at(r->m, 0, 5ULL << 30));
	rig_free(r);
}

static void huge_buffers_cost_nothing(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, false);
	struct buffer *b = buffer_new(r, 1ULL << 26);
	u64 pfns[3], va = buffer_va(b);

	assert_int_equal(buffer_pfn(b, 0) % (1 << 18), 0);
	assert_int_equal(machine_pin(r->m, 0, va + (1ULL << 37), 3, 0, pfns), 3);
	assert_int_equal(pfns[1], buffer_pfn(b, 0) + (1ULL << 25) + 1);
	assert_int_equal(machine_pins(r->m, pfns[2]), 1);
	machine_unpin(r->m, pfns[0], 3, false);
	rig_free(r);
}

static void pins_stop_at_bad_pages(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, true);
	struct buffer *b = buffer_new(r, 8), *next;
	u64 va = buffer_va(b), out[16];

	assert_int_equal(buffer_create(r->m, 0, va + 8 * 4096, 2, &next), 0);
	assert_int_equal(machine_pin(r->m, 0, va + 6 * 4096, 16, 0, out), 4);
	assert_int_equal(out[2], buffer_pfn(next, 0));
	assert_int_equal(machine_pin(r->m, 0, va + 6, 1, 0, out), -EINVAL);
	buffer_set_flags(r->m, b, 3, 3, UPAGE_HOLE, 0);
	buffer_set_flags(r->m, b, 5, 5, UPAGE_RDONLY, 0);
	assert_int_equal(machine_pin(r->m, 0, va, 8, PIN_WRITE, out), 3);
	assert_int_equal(machine_pin(r->m, 0, va + 3 * 4096, 8, 0, out), -EFAULT);
	assert_int_equal(machine_pin(r->m, 0, va + 4 * 4096, 3, PIN_WRITE, out), 1);
	assert_int_equal(machine_pin(r->m, 0, va + 4 * 4096, 3, 0, out), 3);
	machine_set_gup_limit(r->m, 2);
	assert_int_equal(machine_pin(r->m, 0, va, 8, 0, out), 2);
	assert_int_equal(machine_pins(r->m, out[0]), 2);
	buffer_set_flags(r->m, b, 3, 3, 0, UPAGE_HOLE);
	machine_set_gup_limit(r->m, 0);
	assert_int_equal(machine_pin(r->m, 0, va, 4, PIN_WRITE, out), 4);
	machine_task_exit(r->m, 0);
	assert_false(machine_task(r->m, 0)->alive);
	assert_int_equal(machine_pin(r->m, 0, va, 1, 0, out), -EFAULT);
	assert_int_equal(machine_user_load(r->m, 0, va, out, 8), -EFAULT);
	assert_int_equal(machine_pins(r->m, buffer_pfn(b, 0)), 3);
	rig_free(r);
}

static void cow_and_remap_leave_pinned_frames(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_MODEL, NULL, false);
	struct buffer *b = buffer_new(r, 4), *c = buffer_new(r, 1);
	u64 va = buffer_va(b), pfns[4], old;
	char in[8];

	assert_int_equal(machine_user_store(r->m, 0, va + 4096 + 60, "shared!", 8), 0);
	assert_int_equal(buffer_alias(r->m, c, 0, b, 1), 0);
	buffer_set_flags(r->m, b, 1, 1, UPAGE_COW, 0);
	assert_int_equal(machine_pin(r->m, 0, va, 4, 0, pfns), 4);
	old = pfns[1];
	assert_int_equal(old, buffer_pfn(c, 0));
	/* A write pin breaks the sharing: a new frame with the old contents. */
	assert_int_equal(machine_pin(r->m, 0, va + 4096, 1, PIN_WRITE, pfns), 1);
	assert_int_not_equal(pfns[0], old);
	assert_int_equal(buffer_pfn(b, 1), pfns[0]);
	assert_int_equal(machine_pins(r->m, old), 1);
	assert_int_equal(machine_pin(r->m, 0, va + 4096, 1, PIN_WRITE, &pfns[1]), 1);
	assert_int_equal(pfns[1], pfns[0]);
	machine_user_load(r->m, 0, va + 4096 + 60, in, 8);
	assert_string_equal(in, "shared!");
	machine_user_store(r->m, 0, va + 4096 + 60, "private", 8);
	machine_user_load(r->m, 0, buffer_va(c) + 60, in, 8);
	assert_string_equal(in, "shared!");
	/* A store does it too. */
	buffer_set_flags(r->m, b, 2, 2, UPAGE_COW, 0);
	old = buffer_pfn(b, 2);
	assert_int_equal(machine_user_store(r->m, 0, va + 8192, "x", 1), 0);
	assert_int_not_equal(buffer_pfn(b, 2), old);
	old = buffer_pfn(b, 3);
	assert_int_equal(buffer_remap(r->m, b, 3, 3), 0);
	assert_int_not_equal(buffer_pfn(b, 3), old);
	buffer_destroy(r->m, b);
	assert_int_equal(machine_pins(r->m, old), 1);
	machine_unpin(r->m, old, 1, true);
	assert_true(machine_page_dirty(r->m, old));
	rig_free(r);
}

/* --- lines --- */

enum action { A_STORE, A_LOAD, A_DMA_W, A_DMA_R, A_SNOOP_W, A_SNOOP_R, A_EVICT, A_CLEAN, A_NR };

static const struct clean_ops write_back_only = {.name = "write back", .invalidates = false};

/*
 * State after the action, in the order of enum line_state: DS I C X D DH. Last row: clean without
 * invalidation.
 */
static const u8 becomes[A_NR + 1][LINE_STATES] = {
	[A_STORE] = {LINE_DS, LINE_D, LINE_D, LINE_DH, LINE_D, LINE_DH},
	[A_LOAD] = {LINE_DS, LINE_C, LINE_C, LINE_X, LINE_D, LINE_DH},
	[A_DMA_W] = {LINE_DH, LINE_I, LINE_X, LINE_X, LINE_DH, LINE_DH},
	[A_DMA_R] = {LINE_DS, LINE_I, LINE_C, LINE_X, LINE_D, LINE_DH},
	[A_SNOOP_W] = {LINE_DS, LINE_D, LINE_D, LINE_DH, LINE_D, LINE_DH},
	[A_SNOOP_R] = {LINE_DS, LINE_C, LINE_C, LINE_X, LINE_D, LINE_DH},
	[A_EVICT] = {LINE_I, LINE_I, LINE_I, LINE_I, LINE_I, LINE_I},
	[A_CLEAN] = {LINE_I, LINE_I, LINE_I, LINE_I, LINE_I, LINE_I},
	[A_NR] = {LINE_C, LINE_I, LINE_C, LINE_X, LINE_C, LINE_C},
};

static const u32 script[LINE_STATES][4] = {
	[LINE_DS] = {A_NR},
	[LINE_I] = {A_EVICT, A_NR},
	[LINE_C] = {A_EVICT, A_LOAD, A_NR},
	[LINE_X] = {A_EVICT, A_LOAD, A_DMA_W, A_NR},
	[LINE_D] = {A_EVICT, A_STORE, A_NR},
	[LINE_DH] = {A_DMA_W, A_NR},
};

struct line_rig {
	struct rig *r;
	struct domain *nc, *c;
	u64 va, pa;
	char buf[LINE_SIZE];
};

static void act(struct line_rig *l, u32 action, char fill)
{
	struct machine *m = l->r->m;

	memset(l->buf, fill, LINE_SIZE);
	switch (action) {
	case A_STORE:
		assert_int_equal(machine_user_store(m, 0, l->va, l->buf, LINE_SIZE), 0);
		break;
	case A_LOAD:
		assert_int_equal(machine_user_load(m, 0, l->va, l->buf, LINE_SIZE), 0);
		break;
	case A_DMA_W:
		assert_int_equal(machine_dma_write(m, l->nc, IOVA, l->buf, LINE_SIZE, true), 0);
		break;
	case A_DMA_R:
		assert_int_equal(machine_dma_read(m, l->nc, IOVA, l->buf, LINE_SIZE, true), 0);
		break;
	case A_SNOOP_W:
		assert_int_equal(machine_dma_write(m, l->c, IOVA, l->buf, LINE_SIZE, true), 0);
		break;
	case A_SNOOP_R:
		assert_int_equal(machine_dma_read(m, l->nc, IOVA, l->buf, LINE_SIZE, false), 0);
		break;
	case A_EVICT:
		machine_evict(m, l->pa, LINE_SIZE);
		break;
	default:
		machine_clean(m, l->pa + 3, 1);
		machine_drain(m);
		break;
	}
}

static void line_rig_open(struct line_rig *l, const struct clean_ops *clean)
{
	struct buffer *b;
	u64 pfn;

	l->r = rig_new(MACHINE_MEMORY_MODEL, clean, true);
	l->nc = domain_new(l->r, false, 0);
	l->c = domain_new(l->r, true, 0);
	b = buffer_new(l->r, 1);
	l->va = buffer_va(b);
	assert_int_equal(machine_pin(l->r->m, 0, l->va, 1, PIN_WRITE, &pfn), 1);
	l->pa = pfn << 12;
	domain_map(l->nc, IOVA, l->pa, 4096, DOMAIN_READ | DOMAIN_WRITE | DOMAIN_CACHE);
	domain_map(l->c, IOVA, l->pa, 4096, DOMAIN_READ | DOMAIN_WRITE);
}

/* The state of the line, as the next access tells it. */
static u8 state_now(struct line_rig *l)
{
	l->r->n = 0;
	act(l, A_DMA_R, 0);
	assert_int_equal(l->r->log[0].kind, EV_DMA_READ);
	return l->r->log[0].state;
}

static void every_state_and_action(void **state)
{
	for (u32 from = 0; from < LINE_STATES; from++) {
		for (u32 action = 0; action <= A_NR; action++) {
			struct line_rig l;

			line_rig_open(&l, action == A_NR ? &write_back_only : NULL);
			for (const u32 *s = script[from]; *s != A_NR; s++)
				act(&l, *s, 1);
			assert_int_equal(state_now(&l), from);
			act(&l, action, 2);
			assert_int_equal(state_now(&l), becomes[action][from]);
			rig_free(l.r);
		}
	}
}

/* The same line by values: an oracle of two variables and three flags. */
static void values_follow_the_states(void **state)
{
	struct line_rig l;
	u64 seed = 42;

	for (int run = 0; run < 60; run++) {
		u8 cache = 0, mem = 0x5e, want;
		bool cached = true, dirty = true, old = true, no_inval = run & 1;

		line_rig_open(&l, no_inval ? &write_back_only : NULL);
		for (int i = 0; i < 40; i++) {
			u32 action = rnd(&seed) % A_NR;
			u8 v = 1 + rnd(&seed) % 80;
			bool load = action == A_LOAD || action == A_SNOOP_R;
			bool store = action == A_STORE || action == A_SNOOP_W;

			l.r->n = 0;
			act(&l, action, v);
			if ((load || store) && !cached)
				cache = mem;
			cached |= load || store;
			want = load ? cache : mem;
			if (load || action == A_DMA_R)
				for (u32 k = 0; k < LINE_SIZE; k++)
					assert_int_equal((u8)l.buf[k], want);
			if (action == A_DMA_R)
				assert_int_equal(l.r->log[0].secret, old);
			if (store) {
				cache = v;
				dirty = true;
			} else if (action == A_DMA_W) {
				mem = v;
				old = false;
			} else if (action == A_EVICT || action == A_CLEAN) {
				if (dirty) {
					mem = cache;
					old = false;
				}
				dirty = false;
				cached &= action == A_CLEAN && no_inval;
			}
		}
		rig_free(l.r);
	}
}

static void parts_of_lines(void **state)
{
	struct line_rig l;
	u8 in[100], want[100];

	line_rig_open(&l, NULL);
	l.r->n = 0;
	/* Across a line border: two events, each within its line. */
	assert_int_equal(machine_dma_write(l.r->m, l.nc, IOVA + 60, "12345678", 8, true), 0);
	EXPECT(l.r, EV_DMA_WRITE, EV_DMA_WRITE);
	assert_int_equal(l.r->log[0].len, 4);
	assert_int_equal(l.r->log[1].pa, l.pa + 64);
	assert_int_equal(machine_dma_read(l.r->m, l.nc, IOVA + 20, in, 100, true), 0);
	memset(want, 0x5e, sizeof(want));
	memcpy(want + 40, "12345678", 8);
	assert_memory_equal(in, want, 100);
	assert_true(l.r->log[0].secret);
	assert_int_equal(machine_dma_read(l.r->m, l.nc, IOVA + 60, in, 8, true), 0);
	assert_false(l.r->log[3].secret);
	/* The CPU still sees its zeros, and a write-back buries what the device wrote. */
	machine_phys_load(l.r->m, l.pa + 60, in, 8);
	memset(want, 0, sizeof(want));
	assert_memory_equal(in, want, 8);
	machine_clean(l.r->m, l.pa, 4096);
	machine_phys_load(l.r->m, l.pa + 20, in, 100);
	assert_memory_equal(in, want, 100);
	/* A store into a line that is not cached brings in the rest of it. */
	machine_clean(l.r->m, l.pa, 64);
	assert_int_equal(machine_dma_write(l.r->m, l.nc, IOVA, "abcdefgh", 8, true), 0);
	machine_phys_store(l.r->m, l.pa + 2, "XY", 2);
	machine_phys_load(l.r->m, l.pa, in, 8);
	assert_memory_equal(in, "abXYefgh", 8);
	assert_int_equal(machine_counters(l.r->m)->clean_lines, 65);
	assert_int_equal(machine_counters(l.r->m)->clean_pages, 2);
	rig_free(l.r);
}

static void a_new_epoch_keeps_the_contents(void **state)
{
	struct line_rig l;
	u64 pfn;
	char in[8];

	line_rig_open(&l, NULL);
	machine_user_store(l.r->m, 0, l.va + 640, "content", 8);
	machine_evict(l.r->m, l.pa, 4096);
	machine_dma_write(l.r->m, l.nc, IOVA + 640, "C", 1, true);
	machine_unpin(l.r->m, l.pa >> 12, 1, true);
	assert_int_equal(state_now(&l), LINE_I);
	assert_int_equal(machine_pin(l.r->m, 0, l.va, 1, 0, &pfn), 1);
	assert_int_equal(state_now(&l), LINE_DS);
	machine_dma_read(l.r->m, l.nc, IOVA + 640, in, 8, true);
	assert_memory_equal(in, "\x5e\x5e\x5e\x5e\x5e\x5e\x5e\x5e", 8);
	machine_user_load(l.r->m, 0, l.va + 640, in, 8);
	assert_string_equal(in, "Content");
	/* A second pin begins nothing. */
	machine_clean(l.r->m, l.pa, 4096);
	assert_int_equal(machine_pin(l.r->m, 0, l.va, 1, 0, &pfn), 1);
	assert_int_equal(state_now(&l), LINE_I);
	rig_free(l.r);
}

static void permissions_and_prefixes(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_MODEL, NULL, true);
	struct domain *d = domain_new(r, false, 0);
	struct buffer *b = buffer_new(r, 3);
	u64 va = buffer_va(b);
	char in[16] = "", out[16] = "0123456789abcde";

	domain_map(d, IOVA, buffer_pfn(b, 0) << 12, 4096, DOMAIN_WRITE);
	assert_int_equal(machine_dma_write(r->m, d, IOVA + 4092, out, 8, true), -EFAULT);
	assert_int_equal(machine_dma_read(r->m, d, IOVA + 4092, in, 4, true), -EFAULT);
	assert_int_equal(machine_user_load(r->m, 0, va + 4092, in, 8), 0);
	assert_memory_equal(in, "0123\0\0\0\0", 8);
	buffer_set_flags(r->m, b, 1, 1, UPAGE_RDONLY, 0);
	buffer_set_flags(r->m, b, 2, 2, UPAGE_HOLE, 0);
	assert_int_equal(machine_user_store(r->m, 0, va + 4090, out, 16), -EFAULT);
	assert_int_equal(machine_user_load(r->m, 0, va + 4090, in, 8), 0);
	assert_memory_equal(in, "012345\0\0", 8);
	assert_int_equal(machine_user_load(r->m, 0, va + 8190, in, 4), -EFAULT);
	assert_int_equal(machine_user_load(r->m, 9, va, in, 4), -EFAULT);
	rig_free(r);
}

static void stale_entries_live_until_the_sync(void **state)
{
	struct line_rig l;
	char in[4];
	u64 digest;

	line_rig_open(&l, NULL);
	machine_clean(l.r->m, l.pa, 4096);
	assert_int_equal(domain_unmap(l.nc, IOVA, 4096), 4096);
	assert_false(domain_probe(l.nc, IOVA, &digest, &(u32){0}));
	assert_int_equal(machine_dma_write(l.r->m, l.nc, IOVA + 4, "dma", 4, true), 0);
	machine_user_load(l.r->m, 0, l.va + 4, in, 4);
	assert_string_equal(in, "dma");
	assert_int_equal(machine_dma_read(l.r->m, l.nc, IOVA + 4094, in, 4, true), -EFAULT);
	digest = machine_digest(l.r->m);
	domain_iotlb_sync(l.nc);
	assert_int_not_equal(machine_digest(l.r->m), digest);
	assert_int_equal(machine_dma_write(l.r->m, l.nc, IOVA + 4, "dmb", 4, true), -EFAULT);
	rig_free(l.r);
}

/* --- real memory --- */

static struct {
	const void *at[64];
	size_t len[64];
	u32 n, drains;
} cleaned;

static void note_clean(const void *start, size_t size)
{
	cleaned.at[cleaned.n] = start;
	cleaned.len[cleaned.n++ % 64] = size;
}

static void note_drain(void)
{
	cleaned.drains++;
}

static void real_memory_is_cleaned_where_it_lies(void **state)
{
	static const struct clean_ops ops = {"note", true, note_clean, note_drain};
	struct rig *r = rig_new(MACHINE_MEMORY_REAL, &ops, true);
	struct buffer *b = buffer_new(r, 8), *bare = buffer_new(r, 1), *last;
	char *mem = aligned_alloc(4096, 8 * 4096), in[4];

	cleaned.n = cleaned.drains = 0;
	buffer_layout_runs(r->m, b, 4, 7, 2);
	buffer_set_memory(r->m, b, mem);
	machine_clean(r->m, (buffer_pfn(b, 1) << 12) + 70, 2 * 4096);
	machine_clean(r->m, buffer_pfn(b, 6) << 12, 2 * 4096);
	machine_clean(r->m, buffer_pfn(bare, 0) << 12, 4096);
	machine_drain(r->m);
	assert_int_equal(cleaned.n, 2);
	assert_int_equal(cleaned.drains, 1);
	assert_ptr_equal(cleaned.at[0], mem + 4096 + 64);
	assert_int_equal(cleaned.len[0], 2 * 4096 + 64);
	assert_ptr_equal(cleaned.at[1], mem + 6 * 4096);
	assert_int_equal(cleaned.len[1], 2 * 4096);
	/* A new frame of the buffer lies where the old one lay. */
	buffer_remap(r->m, b, 2, 2);
	machine_clean(r->m, buffer_pfn(b, 2) << 12, 64);
	assert_ptr_equal(cleaned.at[2], mem + 2 * 4096);
	/* Across the gap between two runs, and over the end of all frames. */
	machine_clean(r->m, buffer_pfn(b, 5) << 12, 3 * 4096);
	assert_int_equal(cleaned.n, 5);
	assert_ptr_equal(cleaned.at[3], mem + 5 * 4096);
	assert_int_equal(cleaned.len[3], 4096);
	assert_ptr_equal(cleaned.at[4], mem + 6 * 4096);
	assert_int_equal(cleaned.len[4], 4096);
	buffer_create(r->m, 0, 0, 2, &last);
	buffer_set_memory(r->m, last, mem);
	machine_clean(r->m, (buffer_pfn(last, 1) << 12) + 64, 2 * 4096);
	assert_int_equal(cleaned.n, 6);
	assert_int_equal(cleaned.len[5], 4096 - 64);
	assert_int_equal(machine_user_store(r->m, 0, buffer_va(b) + 5 * 4096, "abc", 4), 0);
	assert_string_equal(mem + 5 * 4096, "abc");
	machine_phys_load(r->m, buffer_pfn(b, 5) << 12, in, 4);
	assert_string_equal(in, "abc");
	assert_int_equal(machine_counters(r->m)->clean_pages, 3 + 2 + 1 + 1 + 3 + 3);
	free(mem);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_and_layouts),
		cmocka_unit_test(huge_buffers_cost_nothing),
		cmocka_unit_test(pins_stop_at_bad_pages),
		cmocka_unit_test(cow_and_remap_leave_pinned_frames),
		cmocka_unit_test(every_state_and_action),
		cmocka_unit_test(values_follow_the_states),
		cmocka_unit_test(parts_of_lines),
		cmocka_unit_test(a_new_epoch_keeps_the_contents),
		cmocka_unit_test(permissions_and_prefixes),
		cmocka_unit_test(stale_entries_live_until_the_sync),
		cmocka_unit_test(real_memory_is_cleaned_where_it_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

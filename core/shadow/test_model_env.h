/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the model's tests share: a machine with the model as its observer, three buffers, requests
 * by hand, and a fake page core of a few lines.
 */
#ifndef NOSNOOP_TEST_MODEL_ENV_H
#define NOSNOOP_TEST_MODEL_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "core/shadow/model.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif

#define K4   PAGE_SIZE
#define M2   (2ULL << 20)
#define U    UINT64_MAX
#define VA_P 0x10000000ULL /* 16 pages */
#define VA_H 0x20000000ULL /* 4 pages, page 1 is a hole */
#define VA_R 0x30000000ULL /* 4 pages, read-only */
#define RW_  (REQ_PROT_READ | REQ_PROT_WRITE)

struct env {
	struct arena *arena, *model_arena;
	struct machine *m;
	struct model *md;
	struct machine_observer obs;
	struct buffer *p, *h, *r;
	struct domain *d;
	u32 op;
	u64 busy_iova; /* a page that accesses do not let go of: an unmap asks all of them */
};

#define SEND(e, result, ...) req_send(e, (struct request){__VA_ARGS__}, result)

/* Requests as initializers; what follows overrides. */
#define MAP_(t, ...) \
	.kind = REQ_MAP, .table = t, .uptr = VA_P, .length = K4, .prot = RW_, ##__VA_ARGS__
#define AT(where) .flags = REQF_FIXED, .iova = where, .out_iova = where
#define COPY_(t, s, from, len, ...)                                                    \
	.kind = REQ_COPY, .table = t, .src_table = s, .src_iova = from, .length = len, \
	.prot = RW_, ##__VA_ARGS__
#define UNMAP_(t, at, len, ...) \
	.kind = REQ_UNMAP, .table = t, .iova = at, .length = len, ##__VA_ARGS__
#define CUT_(t, at)	      .kind = REQ_CUT, .table = t, .iova = at
#define PIN_(x, at, len, ...) .kind = REQ_PIN, .access = x, .iova = at, .length = len, ##__VA_ARGS__

int env_setup(void **state);
int env_teardown(void **state);
void req_begin(struct env *e, struct request *req);
void req_end(struct env *e, struct request *req, int rc);
void req_ask(struct env *e, int rc);
void req_send(struct env *e, struct request req, int rc);
void expect_silence(struct env *e);
void expect_finding(struct env *e, const char *rule);
void fake_pin(struct env *e, u64 va, u64 n, u64 *pfns);
void fake_unpin(struct env *e, const u64 *pfns, u64 n);
void fake_map(struct env *e, u64 iova, const u64 *pfns, u64 n);
void table_new(struct env *e, u32 id);
struct domain *domain_new(struct env *e, const struct domain_config *cfg);
void attach_empty(struct env *e, u32 t, u32 dom);
void lazy_map(struct env *e, u32 t, u64 uptr, u64 length, u32 prot, u64 iova);
void access_new(struct env *e, u32 id, u32 flags, u32 t);
void reserve(struct env *e, u32 t, u64 start, u64 last);
int allow_rc(struct env *e, u32 t, struct iova_range *ranges, u32 n, int rc);

/* test_model_rows.c: its own group; the number of failed tests. */
int run_row_tests(void);
/* test_model_long.c: likewise. */
int run_long_tests(void);

#endif

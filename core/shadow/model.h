/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference model of the page core: tables, areas, pins, accounting, translations. Its own,
 * simple data structures; no code shared with core/iopt. From a request alone it predicts the
 * result (errno, IOVA, bytes), and after it checks machine and backend against the invariants
 * I1-I11, S1-S6, P1-P10, D1-D10, A1-A7, R1-R9.
 */
#ifndef NOSNOOP_MODEL_H
#define NOSNOOP_MODEL_H

#include "core/compat/arena.h"
#include "core/machine/machine.h"
#include "core/machine/view.h"

struct model;

struct model *model_create(struct arena *arena, struct machine *m); /* NULL: arena full */
/* The observer entry. Requests are predicted and compared at EV_REQUEST_END and EV_NESTED. */
void model_event(struct model *md, const struct machine_event *ev);
/*
 * Compare everything (machine, and the backend when view is not NULL) with the model; between
 * requests.
 */
void model_check(struct model *md, const struct backend_view *view);

struct model_finding {
	u32 op;
	char rule[8];	/* "R1", "D1", "P4", ... */
	char what[160]; /* one line: expected and found */
};
/*
 * After a result that the model cannot follow (a success for an expected failure or the reverse,
 * which is R1), and once a whole backend was torn down outside of requests, it judges no more;
 * strict events are still kept.
 */
u32 model_findings(const struct model *md);
void model_forget(struct model *md); /* the findings so far */
/* The first 16 are kept. */
const struct model_finding *model_finding(const struct model *md, u32 i);
/*
 * The model's own digest of all observable state: equal states, equal digests, whatever the
 * backend.
 */
u64 model_digest(const struct model *md);

#endif

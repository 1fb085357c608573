/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures in columns of a mail: none wider than it says, each returns @buf. */
#ifndef NOSNOOP_BENCH_COLUMNS_H
#define NOSNOOP_BENCH_COLUMNS_H

#include "bench/survey.h"

#define COLUMNS	    75
#define COLUMN_CELL 32

/* "LI0OU": one character a contract, S0 as 0 and S1 as 1; "-" for none. */
char *contract_letters(u32 mask, char buf[SHADOW_CONTRACTS + 1]);
const char *column_ratio(char buf[COLUMN_CELL], u64 flushes, u64 bound);
const char *column_count(char buf[COLUMN_CELL], u64 n); /* 6 */
/* ns a page; 6, also on a machine so busy that a page takes a millisecond. */
const char *column_page(char buf[COLUMN_CELL], const struct phase_result *r);
/* "123.4 (+120.1)": and what that is more than none. */
const char *column_delta(char buf[COLUMN_CELL], const struct phase_result *r);
/*
 * "123.4 (+120) 2%" in at most @width: the last is half of the interval's width, the wider half, in
 * parts of the median; left out where it is not known, or where there is no room.
 */
const char *column_spread(char buf[COLUMN_CELL], const struct cell *c, enum phase phase, int width);

/* The same with a share of survey_spread_share(). */
const char *column_share(char buf[COLUMN_CELL], const struct phase_result *r, double share,
			 int width);

/*
 * @text from @column of a line on, broken between words where it would be wider than COLUMNS, the
 * further lines behind @indent blanks. Its own ends of lines are kept. A longer word stands alone.
 */
void columns_wrap(u32 column, u32 indent, const char *text);

#endif

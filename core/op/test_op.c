// SPDX-License-Identifier: GPL-2.0-only
/* The op language: normal form, binary and text round trips, errors, hostile input, generator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/compat/fault.h"
#include "core/op/gen.h"
#include "core/op/test_text.h"

#define RUNS 100000

struct rng {
	u64 state;
};

static u64 next(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15ULL;
	return mix64(r->state);
}

/* --- helpers ----------------------------------------------------------------- */

/* text -> text */
static void assert_prints(const char *text, const char *printed)
{
	struct program p;
	char *out;

	p = test_parse(text);
	out = text_print(&p, NULL);
	assert_non_null(out);
	assert_string_equal(out, printed);
	free(out);
	program_free(&p);
}

static struct op one_op(const char *line)
{
	struct program p;
	struct op op;

	p = test_parse(line);
	assert_true(p.nr > 0);
	op = p.ops[p.nr - 1];
	program_free(&p);
	return op;
}

static void assert_round_trips(const struct program *p)
{
	struct program back = PROGRAM_EMPTY;
	struct text_error err;
	char msg[640];
	u8 *bytes;
	char *text;
	size_t len;

	bytes = malloc(program_encoded_size(p));
	assert_non_null(bytes);
	program_encode(p, bytes);
	assert_int_equal(program_decode(&back, bytes, program_encoded_size(p)), 0);
	assert_true(program_equal(p, &back));
	free(bytes);

	text = text_print(p, &len);
	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	program_clear(&back);
	if (text_parse(&back, text, len, "printed", &err)) {
		text_error_format(&err, msg, sizeof(msg));
		fail_msg("%s\n%s", text, msg);
	}
	if (!program_equal(p, &back)) {
		char *again = text_print(&back, NULL);

		fail_msg("differ:\n%s---\n%s", text, again);
	}
	free(text);
	program_free(&back);
}

/* --- normal form and binary -------------------------------------------------- */

/* Random bytes, but with small numbers, continuations and names more often than chance gives. */
static size_t random_bytes(struct rng *r, u8 *buf, size_t size)
{
	static const u8 codes[] = {OP_NAME,   OP_MORE,	OP_ALLOW, OP_COPY,
				   OP_EXPECT, OP_TABLE, OP_MAP};
	size_t len = next(r) % size;

	for (size_t i = 0; i < len; i++)
		buf[i] = next(r) % 4 ? next(r) : next(r) % 8;
	for (size_t i = 1; i + OP_SIZE <= len; i += OP_SIZE) {
		if (next(r) % 2)
			buf[i] = codes[next(r) % sizeof(codes)];
		if (!(next(r) % 4)) /* no length */
			memset(&buf[i + 24], 0, 8);
		if (buf[i] == OP_NAME && next(r) % 2) {
			buf[i + 8] = "ABPn_a"[next(r) % 6];
			buf[i + 9] = next(r) % 2 ? '0' : 0;
			buf[i + 10] = 0;
		}
	}
	return len;
}

static void test_random_bytes(void **state)
{
	struct rng r = {.state = 1};
	struct program p = PROGRAM_EMPTY;
	u8 buf[1 + 10 * OP_SIZE];
	struct op op;

	for (int run = 0; run < RUNS; run++) {
		size_t len = random_bytes(&r, buf, sizeof(buf));

		assert_int_equal(program_decode(&p, buf, len), 0);
		assert_int_equal(p.nr, len < 2 ? 0 : (len - 1 + OP_SIZE - 1) / OP_SIZE);
		for (size_t i = 0; i < p.nr; i++) {
			op = p.ops[i];
			op_normalise(&op);
			assert_memory_equal(&op, &p.ops[i], sizeof(op));
		}
		assert_round_trips(&p);
	}
	program_free(&p);
}

/* Every record is in one group, groups do not overlap, and no line of text is lost. */
static void test_groups(void **state)
{
	struct rng r = {.state = 2};
	struct program p = PROGRAM_EMPTY;
	u8 buf[1 + 16 * OP_SIZE];
	struct op_group g;

	for (int run = 0; run < RUNS / 10; run++) {
		u32 ops = 0;

		program_decode(&p, buf, random_bytes(&r, buf, sizeof(buf)));
		for (size_t at = 0; at < p.nr; at = g.next) {
			program_group(&p, at, &g);
			assert_true(g.next > at && g.next <= p.nr);
			assert_int_equal(g.next - at, 1 + !!g.name + g.nr_more);
			assert_ptr_equal(g.op, op_is_continuation(&p.ops[at]) ? NULL : &p.ops[at]);
			ops += !!g.op;
		}
		assert_int_equal(ops, program_nr_ops(&p));
	}
	program_free(&p);
}

static void test_decode_edges(void **state)
{
	struct program p = PROGRAM_EMPTY;
	u8 buf[1 + OP_SIZE + 3] = {0xee, OP_TABLE};

	buf[1 + OP_SIZE] = OP_CHECK;
	assert_int_equal(program_decode(&p, buf, 0), 0);
	assert_int_equal(p.nr, 0);
	assert_int_equal(program_decode(&p, buf, 1), 0);
	assert_int_equal(p.nr, 0);
	/* A foreign version byte and a short tail are taken as they come. */
	assert_int_equal(program_decode(&p, buf, sizeof(buf)), 0);
	assert_int_equal(p.nr, 2);
	assert_int_equal(p.ops[0].code, OP_TABLE);
	assert_int_equal(p.ops[1].code, OP_CHECK);
	program_free(&p);
}

/* The binary form is written in stone: one record, byte by byte. */
static void test_binary_layout(void **state)
{
	static const u8 want[1 + OP_SIZE] = {
		1, OP_MAP, 3,	 0x1f, 0x10, 1, 0,    0,
		0,					    /* version, code, thread, flags, arg */
		2, 0,	   0x30, 0,    0,    0, 0,    0,    /* slots */
		0, 0x10,   0,	 0,    0,    0, 0,    0x80, /* addr */
		2, 0,	   0,	 0,    0,    0, 0x57, 0,    /* length, fault */
	};
	struct op op = {.code = OP_MAP, .thread = 3, .arg = 1};
	struct program p = PROGRAM_EMPTY;
	u8 got[1 + OP_SIZE];

	op.flags = OPF_READ | OPF_WRITE | OPF_PAGES | OPF_ID0 | OPF_ID1 | OPF_ID2;
	op_set_ref(&op, 0, 2, true);
	op_set_ref(&op, 1, 3, true);
	op_set_addr(&op, OP_ADDR_ABS, 0x8000000000001000ULL);
	op_set_len(&op, 2);
	op_set_fail(&op, FAULT_MAP, 5);
	assert_int_equal(program_add(&p, &op), 0);
	assert_int_equal(program_encoded_size(&p), sizeof(got));
	program_encode(&p, got);
	assert_int_equal(got[3],
			 0x1b); /* the area's ID bit went: the address is not relative to one */
	got[3] |= OPF_ID2;
	assert_memory_equal(got, want, sizeof(got));
	program_free(&p);
}

static void test_lengths(void **state)
{
	static const u64 lengths[] = {0,	  1,	      0x1000,	  (1ULL << 47) - 1,
				      1ULL << 47, 1ULL << 63, UINT64_MAX, -(1ULL << 47)};
	static const u8 codes[] = {OP_MAP, OP_UNMAP, OP_ATTACH, OP_ALLOW, OP_MORE, OP_STORE};

	for (size_t c = 0; c < sizeof(codes); c++) {
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			struct op op = {.code = codes[c]};

			if (!op_length_fits(&op, lengths[i]))
				continue;
			op_set_len(&op, lengths[i]);
			op_normalise(&op);
			assert_int_equal(op_length(&op), lengths[i]);
		}
	}
	assert_false(op_length_fits(&(struct op){.code = OP_MAP}, 1ULL << 47));
	assert_false(op_length_fits(&(struct op){.code = OP_MAP}, 1ULL << 63));
	assert_true(op_length_fits(&(struct op){.code = OP_UNMAP}, 1ULL << 63));
}

/* Names and numbers of codes: adding one must not move the others. */
static void test_codes(void **state)
{
	assert_int_equal(OP_NOP, 0);
	assert_int_equal(OP_MAP, 12);
	assert_int_equal(OP_CHECK, 41);
	assert_int_equal(OP_EXPECT, 44);
	for (unsigned int c = 0; c < OP_NR; c++) {
		assert_true(strlen(op_word(c)) > 1);
		for (unsigned int d = 0; d < c; d++)
			assert_string_not_equal(op_word(c), op_word(d));
	}
}

/* --- text: golden ------------------------------------------------------------ */

/* Printed as they stand here: all forms of all ops. */
static const char *const same[] = {
	"buffer P 3 pages\ntable A\nmap A a0 P[0..2]\nattach A n0 noncoherent\ndetach A "
	"n0\n"
	"attach A n1 noncoherent\nexpect v1_posted L at 6\n",
	"nop\ntable A\ntable B\ndestroy B badid\nhuge_pages A off\nhuge_pages A on\n"
	"huge_pages A 2\nhuge_pages A get badop\nrlimit_mode 1\nrlimit_mode get by 2\n"
	"temp_limit 12\ngup_limit 1\nrlimit task 1 16\nrlimit task 0 unlimited\n"
	"cap task 1 +ipc_lock -sys_resource\nexit task 1\ncheck\n",
	"buffer P 3 pages at 0x10000000 task 1\nbuffer Q 8 pages at end-0x7fff\n"
	"layout P[0..1] run 1\nlayout Q run 8\nalias P[2] = Q[0]\n"
	"pages P[1] +hole -readonly\nremap P[0..1]\nevict Q\nstore P+0x8 len 0x8 value "
	"0x55\n"
	"load P+0x1008 len 0x40\nfree P\n",
	"table A\nattach A n0 coherent\nattach A n1 noncoherent pgsize 512,2K\n"
	"attach A n2 coherent pgsize 4K,2M,1G aperture 0x1000-0xffffff leaves 4 fail pte "
	"3\n"
	"attach A n3 noncoherent aperture 0x1000-end\nreattach A n0\ndetach A n1\n",
	"buffer P 9 pages\ntable A\nmap A a0 P\nmap A a1 P[3] ro\nmap A a2 P[0..2] wo at "
	"0x8000\n"
	"map A a3 P[0..2] none at end-0x2fff badflag\nmap A a4 P[1] at a0-0x1000\nmap A a5 "
	"P+0x800 len 0x1000\n"
	"map A a6 P+0x1010 len 2 pages\n",
	"buffer P 9 pages\ntable A\ntable B\nmap A a0 P[0..8]\ncopy B a1 from a0\n"
	"copy B a2 from a0[0..1] ro at 0x1000 by 1 fail 2\ncopy B a3 from a0+0x801 len "
	"0x100\n"
	"copy B a4 from A@0x1000 len 0x2000\n"
	"copy B a5 from A@end-0xfff len 0x1000 at 0x7000 badsrc\n"
	"copy B a6 from A@area%1[2]\ncopy A a7 from table%1@area%0+0x10 len 0x8\n",
	"table A\nbuffer P 4 pages\nmap A a0 P[0..3] at 0x10000\ncut A a0+0x1fff\nunmap A "
	"a0\n"
	"unmap A 0x1000 len 0x2000\nunmap A a0+0x1000 len 0x1000\nunmap A a0-0x1000 len "
	"0x9000\n"
	"unmap A area%2[0..1]\nunmap A 0x0 len 2^64-0x1\nunmap A end-0xfff len 1 pages\n"
	"unmap_all A badout\n",
	"table A\ntable B\nbuffer P 4 pages\nmap A a0 P\naccess x0 A pages\naccess x1 "
	"none\n"
	"access x2 A refuse\naccess_attach x1 B\naccess_replace x0 B\naccess_detach x0\n"
	"pin x0 k0 a0[0..1]\npin x0 k1 a0 ro\npin x0 k2 0x1000 len 0x1000\nunpin k0\n"
	"rw x0 a0+0x8 len 0x10 read\nrw x0 a0+0x8 len 0x10 write kthread by 1\n"
	"access_destroy x0\n",
	"table A\nreserve A 0x1000 len 0x1000\nunreserve A\nallow A none reserved\n"
	"allow A 0x1000-0x1fff 0x8000-0x9fff badin\nallow A 0x0-end\nallow A "
	"0x2000-0x1fff\n"
	"ranges A\nranges A room 0 badout\n",
	"table A\nattach A n0 noncoherent\nbuffer P 1 pages\nmap A a0 P\n"
	"dma_read n0 a0+0x0 len 0x40 nosnoop\ndma_write n0 a0[0] nosnoop value 0x7\n"
	"dma_read domain%1 0x1000 len 0x40\n",
	"",
};

static void test_golden(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct program p;

		assert_prints(same[i], same[i]);
		p = test_parse(same[i]);
		assert_round_trips(&p);
		program_free(&p);
	}
}

static void test_spelling(void **state)
{
	assert_prints("\n  # nothing\n\ttable   A  # here\r\nbuffer P 0x2 pages task 1 at 1G\n"
		      "map A a0 P[1..1] at auto rw\nmap A a1 P+4096 len 4K\nstore P[1]+8 len 8",
		      "table A\nbuffer P 2 pages at 0x40000000 task 1\nmap A a0 P[1]\n"
		      "map A a1 P+0x1000 len 0x1000\nstore P+0x1008 len 0x8\n");
	assert_prints("table A\nunmap A 2^63 len 2^63\nunmap A end len 2^64-1\ncut A end-0x1000",
		      "table A\nunmap A 0x8000000000000000 len 2^64-0x8000000000000000\n"
		      "unmap A end len 2^64-0x1\ncut A end-0x1000\n");
}

static void test_expect(void **state)
{
	static const char text[] = "expect sticky ok\nexpect sticky S1 ok\n"
				   "expect storage_skip_held_release E at 5 page 2\n"
				   "expect v1_posted L\nexpect errno ENOENT at 4\nexpect errno 0\n"
				   "expect errno 999 at 4\nexpect flushes eager 12\n"
				   "expect bound 12\nexpect bound L+I+S0+E 12\n"
				   "expect finding D3 at 5\n";
	struct program p;
	struct op_group g;
	struct expect e;

	assert_prints(text, text);
	p = test_parse(text);
	assert_int_equal(program_nr_ops(&p), 0);
	program_group(&p, 2, &g);
	expect_unpack(&p.ops[2], g.name, &e);
	assert_string_equal(e.name, "storage_skip_held_release");
	assert_int_equal(e.kind, EXPECT_BROKEN);
	assert_int_equal(e.detail, 4);
	assert_int_equal(e.at, 5);
	assert_true(e.has_page);
	assert_int_equal(e.value, 2);
	program_free(&p);
}

static void test_names(void **state)
{
	struct program p;
	char *line;

	/* Names that differ from the default are kept, one that a default had is stepped round. */
	assert_prints("table B\ntable A\ntable guest\nunmap_all A\nunmap_all guest\n",
		      "table B\ntable A\ntable guest\nunmap_all A\nunmap_all guest\n");
	p = test_parse("table B\ntable B_0\ntable C\n");
	assert_int_equal(p.nr, 4); /* only the first needs a record */
	program_free(&p);
	/* One name, two kinds. */
	assert_prints("table P\nbuffer P 1 pages\nmap P P P\n",
		      "table P\nbuffer P 1 pages\nmap P P P\n");
	assert_prints("destroy table:3\ntable A\ndestroy table:0\n",
		      "destroy table:3\ntable A\ndestroy A\n");
	/* Records where no name can be. */
	assert_prints("nop\nname x\nname y\nmore 0x1000 len 0x2000\n",
		      "nop\nname x\nname y\nmore 0x1000 len 0x2000\n");
	/* Between an op and its MORE, a name that is no other than the default, or is taken. */
	assert_prints(
		"table A\ncopy A a0 from A@0x1000 len 0x1000\nname a0\nmore 0x2000 len 0x0\n",
		"table A\ncopy A a0 from A@0x1000 len 0x1000\nname a0\nmore 0x2000 len 0x0\n");
	assert_prints("table A\ncopy A a0 from A@0x1000 len 0x1000 at 0x2000\n",
		      "table A\ncopy A a0 from A@0x1000 len 0x1000 at 0x2000\n");
	p = test_parse("table here\ntable B\nbuffer P 1 pages\nmap here a0 P\nexpect errno 0\n");
	line = text_print_nth(&p, 4);
	assert_string_equal(line, "map here a0 P");
	free(line);
	assert_null(text_print_nth(&p, 5));
	assert_null(text_print_nth(&p, 0));
	program_free(&p);
}

static void test_fields(void **state)
{
	struct op op = one_op("buffer P 9 pages\ntable A\nmap A a0 P+0x1801 len 0x10 at 0x5000\n");

	assert_int_equal(op.code, OP_MAP);
	assert_int_equal(op_map_offset(&op), 0x1801);
	assert_int_equal(op_length(&op), 0x10);
	assert_int_equal(op_addr_mode(&op), OP_ADDR_ABS);
	op = one_op(
		"table A\nattach A n0 noncoherent pgsize 512,4K aperture 0x1000-0x1fff leaves 7");
	assert_int_equal(op_pgsize_bitmap(&op), 512 | 4096);
	assert_int_equal(op.addr, 0x1000);
	assert_int_equal(op_length(&op), 0x1000);
	assert_int_equal(op_slot(&op, 1), 7);
	op = one_op("table A\ncopy A a0 from area:3[2..3] fail map 2 by 1");
	assert_int_equal(op_copy_offset(&op), 0x2000);
	assert_int_equal(op_slot(&op, 2), 3);
	assert_true(op_by_id(&op, 2));
	assert_int_equal(op_fail_point(&op), FAULT_MAP);
	assert_int_equal(op_fail_nth(&op), 2);
	assert_int_equal(op.thread, 1);
	op = one_op("table A\nallow A 0x1000-0x1fff 0x8000-end");
	assert_int_equal(op.code, OP_MORE);
	assert_int_equal(op.addr, 0x8000);
	assert_int_equal(op_length(&op), -0x8000ULL);
}

/* --- text: errors ------------------------------------------------------------ */

static const struct {
	const char *text, *message;
} bad[] = {
	{"tabel A", "t:1:1: found 'tabel', expected an op (such as table, buffer, map, "
		    "attach) or expect"},
	{"table", "t:1:6: the line ends here, expected a name for the new table (letters, "
		  "digits, _; at most 24)"},
	{"table end", "t:1:7: found 'end', expected a name for the new table (letters, "
		      "digits, _; at most 24)"},
	{"table A\n table A", "t:2:8: there is a table A already, expected a new name"},
	{"table A\nunmap_all B", "t:2:11: no table is called B, expected a name from a line above"},
	{"unmap_all 7", "t:1:11: found '7', expected a table"},
	{"unmap_all table+1", "t:1:16: found '+', expected table%N (the n-th live one) or "
			      "table:N (by creation)"},
	{"unmap_all table%1048576",
	 "t:1:17: found '1048576', expected the number of an object, at most 1048575"},
	{"buffer P 0 pages", "t:1:10: found '0', expected a number of pages from 1 on"},
	{"buffer P 3", "t:1:11: the line ends here, expected pages"},
	{"buffer P 3 pages at 0x1001",
	 "t:1:21: found '0x1001', expected the address of a page (a multiple of 0x1000, "
	 "end-0x..fff)"},
	{"buffer P 3 pages task 8", "t:1:23: found '8', expected a task, at most 7"},
	{"buffer P 3 pages\nlayout P[2..1] run 1",
	 "t:2:13: found '1', expected the last page, from 2 on, below 2^47 pages"},
	{"buffer P 3 pages\nremap P[0", "t:2:10: the line ends here, expected ]"},
	{"table A\nattach A n0 snooping",
	 "t:2:13: found 'snooping', expected noncoherent or coherent"},
	{"table A\nattach A n0 coherent pgsize 3K",
	 "t:2:29: found '3K', expected a page size: a power of two, 512 to 2^40"},
	{"table A\nbuffer P 1 pages\nmap A a0 P rw ro",
	 "t:3:15: ro is one word too many of its sort, expected it once"},
	{"table A\nbuffer P 1 pages\nmap A a0 P at here",
	 "t:3:15: no area is called here, expected a name from a line above"},
	{"table A\nbuffer P 1 pages\nmap A a0 P+1 len 5 at area%0",
	 "t:3:23: found 'area', expected NUM or end-NUM (the source does not begin at a "
	 "page)"},
	{"table A\nbuffer P 1 pages\nmap A a0 P+1 len 2^63",
	 "t:3:18: the length does not fit, expected below 2^47, or bytes from 2^64-2^47 "
	 "on"},
	{"table A\ncopy A a0 from area%1", "t:2:16: found 'area', expected TABLE@ before area%N"},
	{"table A\nunmap A 0x1000", "t:2:15: the line ends here, expected len"},
	{"table A\nunmap A 0xg len 1",
	 "t:2:9: found '0xg', expected a number below 2^64 such as 12, 0x1000, 2^63 or 4K"},
	{"table A\nunmap A 0 len 99999999999999999999",
	 "t:2:15: found '99999999999999999999', expected a number below 2^64 such as 12, "
	 "0x1000, 2^63 or 4K"},
	{"table A\nunmap_all A fail", "t:2:17: the line ends here, expected which one, from 1 on"},
	{"table A\nunmap_all A fail disk 1",
	 "t:2:18: found 'disk', expected N, or a kind of fault point and N: alloc temp gup "
	 "charge store rw map pte id reserve policy"},
	{"check now", "t:1:7: found 'now', expected by, or the end of the line"},
	{"check $", "t:1:7: found '$', expected a word, a number or one of [ ] .. + - = , @ "
		    "% :"},
	{"expect sticky", "t:1:14: the line ends here, expected ok or a contract: L I S0 S1 E "
			  "O U"},
	{"expect errno EWHAT", "t:1:14: found 'EWHAT', expected an errno such as ENOENT, or "
			       "0"},
	{"expect sticky L at 0", "t:1:20: found '0', expected the number of an op, from 1 "
				 "on"},
};

static void test_errors(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct program p = PROGRAM_EMPTY;
		struct text_error err;
		char msg[640];

		assert_int_equal(text_parse(&p, bad[i].text, strlen(bad[i].text), "t", &err),
				 -EINVAL);
		text_error_format(&err, msg, sizeof(msg));
		assert_string_equal(msg, bad[i].message);
		program_free(&p);
	}
}

/* --- hostile text ------------------------------------------------------------ */

/* Whatever it is: an error with a place in it, or a program that round-trips. */
static void feed(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1); /* its very size, for ASan */
	struct program p = PROGRAM_EMPTY;
	struct text_error err;

	assert_non_null(copy);
	memcpy(copy, text, len);
	if (text_parse(&p, copy, len, "hostile", &err)) {
		assert_true(err.line >= 1 && err.col >= 1 && err.what[0] && err.expected[0]);
		assert_true(err.line <= len + 1 && err.col <= len + 1);
	} else {
		assert_round_trips(&p);
	}
	program_free(&p);
	free(copy);
}

static void mutate(struct rng *r, char *text, size_t *len, size_t max)
{
	static const char *const bits[] = {
		"0x",  "^", "[", "..", "end", " len ", "pages",	      "table%", "2^64",
		"at ", "-", "+", "\n", "@",   "area:", "99999999999", "#"};
	size_t at = next(r) % (*len + 1), n;
	const char *bit;

	switch (next(r) % 4) {
	case 0: /* another byte */
		if (at < *len)
			text[at] = next(r) % 2 ? next(r) : 32 + next(r) % 95;
		break;
	case 1: /* a piece less */
		n = next(r) % 12;
		n = min(n, *len - at);
		memmove(text + at, text + at + n, *len - at - n);
		*len -= n;
		break;
	default: /* a piece more, of the language or of the text itself */
		bit = next(r) % 2 ? bits[next(r) % ARRAY_SIZE(bits)] : NULL;
		n = bit ? strlen(bit) : next(r) % 20;
		n = bit ? n : min(n, *len - at);
		if (*len + n > max)
			break;
		memmove(text + at + n, text + at, *len - at);
		if (bit)
			memcpy(text + at, bit, n);
		*len += n;
	}
}

static void test_hostile_text(void **state)
{
	struct gen_config cfg = gen_default();
	struct program p = PROGRAM_EMPTY;
	struct rng r = {.state = 3};
	char buf[4096];

	cfg.max_ops = 12;
	cfg.teardown = false;
	for (int run = 0; run < RUNS / 5; run++) {
		size_t len = 0;

		if (run % 4) {
			char *text;

			assert_int_equal(gen_program(&p, next(&r), &cfg), 0);
			text = text_print(&p, &len);
			len = min(len, sizeof(buf));
			memcpy(buf, text, len);
			free(text);
			for (u32 n = 1 + next(&r) % 4; n; n--)
				mutate(&r, buf, &len, sizeof(buf));
		} else {
			for (len = 0; len < next(&r) % 64; len++)
				buf[len] = next(&r);
		}
		feed(buf, len);
	}
	program_free(&p);
}

/* --- generator --------------------------------------------------------------- */

static void test_generated(void **state)
{
	/* Mostly short ones: printing and parsing cost more than all else here. */
	static const u8 sizes[] = {4, 6, 8, 10, 12, 16, 24, 60};
	struct gen_config configs[2] = {gen_default(), gen_plain()};
	struct program p = PROGRAM_EMPTY;
	u64 used[OP_NR] = {0};

	for (u64 seed = 0; seed < RUNS; seed++) {
		struct gen_config *cfg = &configs[seed % 16 == 15];

		cfg->max_ops = sizes[seed % ARRAY_SIZE(sizes)];
		assert_int_equal(gen_program(&p, seed, cfg), 0);
		assert_true(p.nr > 0);
		for (size_t i = 0; i < p.nr; i++)
			used[p.ops[i].code]++;
		assert_round_trips(&p);
	}
	program_free(&p);
	for (unsigned int code = 0; code < OP_NR; code++)
		if (code != OP_NOP && code != OP_NAME && code != OP_EXPECT && !used[code])
			fail_msg("no program has a %s", op_word(code));
}

/* What a configuration switches off does not come. */
static void test_generated_plain(void **state)
{
	struct gen_config cfg = gen_plain();
	struct program p = PROGRAM_EMPTY;

	for (u64 seed = 0; seed < RUNS / 10; seed++) {
		u64 mapped = 0;

		assert_int_equal(gen_program(&p, seed, &cfg), 0);
		for (size_t i = 0; i < p.nr; i++) {
			const struct op *op = &p.ops[i];
			u64 bit = 1ULL << op_slot(op, 1);

			assert_int_equal(op_fail_nth(op), 0);
			assert_int_equal(op->thread, 0);
			assert_false(op->flags & (OPF_BAD_FLAG | OPF_BAD_ID));
			assert_true(op->code != OP_ALIAS && op->code != OP_CUT &&
				    op->code != OP_REMAP);
			if (op->code != OP_MAP)
				continue;
			/* No buffer twice: two maps of one are two objects over the same frames. */
			assert_true(op_by_id(op, 1) && !(mapped & bit));
			mapped |= bit;
		}
	}
	program_free(&p);
}

/*
 * Of the programs of the first thousand seeds: the same from every compiler and on every machine. A
 * change of the generator changes it on purpose, and nothing else may.
 */
#define GENERATED 0xde402747aa564209ULL

static u64 digest_records(u64 h, const struct program *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		const struct op *op = &p->ops[i];

		h = hash_add(h, op->code | op->thread << 8 | (u64)op->flags << 16 |
					(u64)op->arg << 32);
		h = hash_add(hash_add(hash_add(h, op->slots), op->addr), op->len_fail);
	}
	return h;
}

static void test_generator_is_fixed(void **state)
{
	struct gen_config cfg = gen_default();
	struct program p = PROGRAM_EMPTY, q = PROGRAM_EMPTY;
	u64 h = 0;

	for (u64 seed = 0; seed < 1000; seed++) {
		assert_int_equal(gen_program(&p, seed, &cfg), 0);
		assert_int_equal(gen_program(&q, seed, &cfg), 0);
		assert_true(program_equal(&p, &q));
		assert_true(p.nr < cfg.max_ops + 64);
		h = digest_records(h, &p);
	}
	assert_int_equal(h, GENERATED);
	assert_int_equal(gen_program(&q, 1000, &cfg), 0);
	assert_false(program_equal(&p, &q));
	program_free(&p);
	program_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),		cmocka_unit_test(test_decode_edges),
		cmocka_unit_test(test_binary_layout),	cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_groups),		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_golden),		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_expect),		cmocka_unit_test(test_names),
		cmocka_unit_test(test_fields),		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_hostile_text),	cmocka_unit_test(test_generated),
		cmocka_unit_test(test_generated_plain), cmocka_unit_test(test_generator_is_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Registry, plug-in loader, contract names, clean primitives. The policies themselves:
 * test_policies.c. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "core/flush/clean.h"
#include "core/flush/registry.h"

static void test_registry(void **state)
{
	const struct flush_policy *p;

	assert_int_equal(flush_policy_count(), 26);
	assert_null(flush_policy_nth(26));
	for (u32 i = 0; i < flush_policy_count(); i++) {
		p = flush_policy_nth(i);
		assert_int_equal(p->abi, FLUSH_ABI_VERSION);
		assert_int_equal(p->size, sizeof(*p));
		assert_int_equal(p->claims & ~CONTRACTS_ALL, 0);
		/* the core keeps U for everybody */
		assert_true(p->claims & CONTRACT_U);
		assert_true(strlen(p->what) > 10 && strlen(p->what) < 100);
		/* a name that is there twice would find the first */
		assert_ptr_equal(flush_policy_find(p->name), p);
		assert_true(!p->before_unmap == !(p->needs & FLUSH_NEED_BEFORE_UNMAP));
	}
	assert_string_equal(flush_policy_nth(0)->name, "none");
	assert_string_equal(flush_policy_nth(25)->name, "exact_every");
	assert_null(flush_policy_find("stick"));
	assert_null(flush_policy_find(""));
}

static void test_sound(void **state)
{
	static const char *const sound[] = {"eager",
					    "eager_merged",
					    "sticky",
					    "sticky_max",
					    "storage_skip",
					    "counter_table",
					    "storage_skip_prefer",
					    "storage_skip_lazy",
					    "exact",
					    "exact_close",
					    "exact_every"};
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(sound); i++)
		assert_true(flush_policy_sound(flush_policy_find(sound[i])));
	for (u32 i = 0; i < flush_policy_count(); i++)
		n += flush_policy_sound(flush_policy_nth(i));
	assert_int_equal(n, ARRAY_SIZE(sound));
}

static void expect_nearest(const char *name, const char *nearest)
{
	const struct flush_policy *p = flush_policy_nearest(name);

	if (!nearest)
		assert_null(p);
	else
		assert_string_equal(p->name, nearest);
}

static void test_nearest(void **state)
{
	expect_nearest("stiky", "sticky");
	expect_nearest("exact", "exact");
	expect_nearest("exact-once", "exact_once");
	expect_nearest("storageskip", "storage_skip");
	expect_nearest("v1", NULL);
	expect_nearest("v1_post", "v1_posted");
	expect_nearest("qqqqqqqqqqqq", NULL);
	expect_nearest("", NULL);
	expect_nearest("storage_skip_storage_skip_storage_skip_storage_skip", NULL);
}

static void test_contracts(void **state)
{
	char text[CONTRACTS_TEXT];
	u32 mask = 77;

	for (u32 m = 0; m <= CONTRACTS_ALL; m++) {
		assert_int_equal(contracts_parse(contracts_print(m, text), &mask), 0);
		assert_int_equal(mask, m);
	}
	assert_string_equal(contracts_print(CONTRACTS_SOUND, text), "L,I,S0,O,U");
	assert_string_equal(contracts_print(CONTRACTS_ALL, text), "L,I,S0,S1,E,O,U");
	assert_string_equal(contracts_print(0, text), "-");
	assert_string_equal(contract_name(2), "S0");
	assert_null(contract_name(CONTRACT_NR));
	mask = 77;
	assert_int_equal(contracts_parse("L,,I", &mask), -EINVAL);
	assert_int_equal(contracts_parse("", &mask), -EINVAL);
	assert_int_equal(contracts_parse("S", &mask), -EINVAL);
	assert_int_equal(contracts_parse("L,I,", &mask), -EINVAL);
	assert_int_equal(contracts_parse("l", &mask), -EINVAL);
	assert_int_equal(mask, 77);
}

/* @want: what the error line must contain; the path itself always is its beginning. */
static void expect_refused(const char *file, int rc, const char *want)
{
	const struct flush_policy *p = (void *)file;
	char path[PATH_MAX], err[512] = "";
	void *handle = path;

	snprintf(path, sizeof(path), "%s/%s", TEST_PLUGIN_DIR, file);
	assert_int_equal(flush_policy_open(path, &p, &handle, err, sizeof(err)), rc);
	assert_null(p);
	assert_null(handle);
	if (strncmp(err, path, strlen(path)) || !strstr(err, want) || strchr(err, '\n'))
		print_error("%s\n", err);
	assert_memory_equal(err, path, strlen(path));
	assert_non_null(strstr(err, want));
	assert_null(strchr(err, '\n'));
}

static void test_open_refused(void **state)
{
	expect_refused("not-there.so", -ENOENT, "No such file");
	expect_refused("test_plugin_none.so", -EINVAL,
		       "no nosnoop policy: symbol nosnoop_policy is missing");
	expect_refused("test_plugin_abi3.so", -EPROTO, "built for ABI 3, this nosnoop has 2");
	expect_refused("test_plugin_mute.so", -EPROTO, "another ABI");
	expect_refused("test_plugin_lies.so", -EPROTO, "built for ABI 9, this nosnoop has 2");
	expect_refused("test_plugin_size.so", -EPROTO, "struct flush_policy has 8 bytes");
	expect_refused("test_plugin_name.so", -EINVAL, "name must be");
	expect_refused("test_plugin_taken.so", -EINVAL, "belongs to a policy of nosnoop");
	expect_refused("test_plugin_what.so", -EINVAL, "`what`");
	expect_refused("test_plugin_claims.so", -EINVAL, "unknown contracts 0x80");
	expect_refused("test_plugin_needs.so", -EINVAL, "unknown needs 0x8");
	expect_refused("test_plugin_hook.so", -EINVAL, "without FLUSH_NEED_BEFORE_UNMAP");
}

static void test_open_no_object(void **state)
{
	const struct flush_policy *p;
	char err[512];
	void *handle;

	/* the tests run at the root of the tree */
	assert_int_equal(
		flush_policy_open("core/flush/policies.def", &p, &handle, err, sizeof(err)),
		-ELIBBAD);
	assert_non_null(strstr(err, "core/flush/policies.def: cannot be loaded: "));
	/* no slash: the file beside us, never one of the linker's folders */
	assert_int_equal(flush_policy_open("libc.so", &p, &handle, err, sizeof(err)), -ENOENT);
	assert_int_equal(flush_policy_open("stiky", &p, &handle, err, sizeof(err)), -ENOENT);
	assert_string_equal(err, "unknown policy \"stiky\", did you mean sticky?");
	assert_int_equal(flush_policy_open("qqqqqqqqqqqq", &p, &handle, err, sizeof(err)), -ENOENT);
	assert_string_equal(err, "unknown policy \"qqqqqqqqqqqq\"");
}

static void test_open(void **state)
{
	const struct flush_policy *p;
	char err[512];
	void *handle;

	assert_int_equal(flush_policy_open("exact", &p, &handle, err, sizeof(err)), 0);
	assert_ptr_equal(p, flush_policy_find("exact"));
	assert_null(handle);
	flush_policy_close(handle);
	/* built by the command of README.md, outside of CMake's rules for targets */
	assert_int_equal(
		flush_policy_open(TEST_PLUGIN_DIR "/mine.so", &p, &handle, err, sizeof(err)), 0);
	assert_non_null(handle);
	assert_string_equal(p->name, "mine");
	assert_true(flush_policy_sound(p));
	assert_non_null(p->before_map);
	flush_policy_close(handle);
}

/* --- primitives -------------------------------------------------------------- */

static void test_clean_list(void **state)
{
	static const char *const names[] = {"null", "clflush", "clflushopt", "clwb",
					    "nt",   "civac",   "cvac"};
	struct clean_info info;
	char err[256];

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(clean_nth(i, &info));
		assert_string_equal(info.name, names[i]);
		assert_true(!info.ops == !!info.why);
		err[0] = '\0';
		assert_ptr_equal(clean_find(names[i], err, sizeof(err)), info.ops);
		if (info.ops)
			assert_string_equal(info.ops->name, names[i]);
		else
			assert_non_null(strstr(err, names[i]));
	}
	assert_false(clean_nth(ARRAY_SIZE(names), &info));
	assert_null(clean_find("clfush", err, sizeof(err)));
	assert_non_null(strstr(err, "\"clfush\", known are null, clflush"));
	assert_non_null(clean_find("null", err, sizeof(err)));
	assert_true(clean_best()->invalidates);
}

#ifdef __x86_64__
/* What /proc/cpuinfo says is the kernel's reading of the same CPUID bits. */
static bool cpuinfo_has(const char *flag)
{
	static char line[16384];
	FILE *f = fopen("/proc/cpuinfo", "r");
	char word[32];
	bool found = false;

	if (!f)
		return false;
	snprintf(word, sizeof(word), " %s ", flag);
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = ' ';
		found = !strncmp(line, "flags", 5) && strstr(line, word);
	}
	fclose(f);
	return found;
}

static void test_clean_gated(void **state)
{
	static const char *const by_cpu[] = {"clflushopt", "clwb"};
	const char *best = cpuinfo_has("clflushopt") ? "clflushopt" : "clflush";
	char err[256];

	for (u32 i = 0; i < ARRAY_SIZE(by_cpu); i++)
		assert_int_equal(!!clean_find(by_cpu[i], err, sizeof(err)), cpuinfo_has(by_cpu[i]));
	assert_string_equal(clean_best()->name, best);
	assert_null(clean_find("civac", err, sizeof(err)));
	assert_non_null(strstr(err, "arm64"));
	assert_false(clean_find("nt", err, sizeof(err))->invalidates);
}
#elif defined(__aarch64__)
static void test_clean_gated(void **state)
{
	char err[256];

	assert_string_equal(clean_best()->name, "civac");
	assert_false(clean_find("cvac", err, sizeof(err))->invalidates);
	assert_null(clean_find("clflush", err, sizeof(err)));
	assert_non_null(strstr(err, "x86-64"));
	assert_non_null(strstr(err, "arm64"));
}
#else
static void test_clean_gated(void **state)
{
	char err[256];

	assert_ptr_equal(clean_best(), clean_find("null", err, sizeof(err)));
	assert_null(clean_find("civac", err, sizeof(err)));
	assert_null(clean_find("clflush", err, sizeof(err)));
}
#endif

static void for_each_available(void (*fn)(const struct clean_ops *ops))
{
	struct clean_info info;

	for (u32 i = 0; clean_nth(i, &info); i++)
		if (info.ops)
			fn(info.ops);
}

/* All starts and sizes around line borders: what is cleaned, and its neighbours, keep their
 * contents. */
static void check_contents(const struct clean_ops *ops)
{
	static _Alignas(64) u8 mem[LINE_SIZE * 6], want[LINE_SIZE * 6];
	static const size_t sizes[] = {0, 1, 63, 64, 65, 128, 129, 200};

	for (size_t start = 0; start < 2 * LINE_SIZE; start += 7) {
		for (u32 s = 0; s < ARRAY_SIZE(sizes); s++) {
			for (size_t i = 0; i < sizeof(mem); i++)
				want[i] = mem[i] = mix64(i + start * 1000 + s);
			ops->clean(mem + start, sizes[s]);
			ops->drain();
			assert_memory_equal(mem, want, sizeof(mem));
		}
	}
}

static void test_clean_contents(void **state)
{
	for_each_available(check_contents);
}

static sigjmp_buf after_fault;

static void on_fault(int sig)
{
	siglongjmp(after_fault, 1);
}

static bool faults(const struct clean_ops *ops, const u8 *start, size_t size)
{
	if (sigsetjmp(after_fault, 1))
		return true;
	ops->clean(start, size);
	ops->drain();
	return false;
}

/*
 * Whether a clean of what may not be read faults on this machine at all; asked of the bare instruction, so that a
 * primitive that cleans nothing does not pass for such a machine. User-mode emulators skip dc.
 */
static bool cleans_fault(const u8 *forbidden)
{
#ifdef __aarch64__
	if (sigsetjmp(after_fault, 1))
		return true;
	asm volatile("dc civac, %0" ::"r"(forbidden) : "memory");
	return false;
#else
	return true;
#endif
}

/* A page between two that fault tells which lines are touched: exactly those that the range meets.
 */
static void check_coverage(const struct clean_ops *ops)
{
	bool touches = strcmp(ops->name, "null");
	u8 *mem, *page, *end;

	mem = mmap(NULL, 3 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(mem != MAP_FAILED);
	touches = touches && cleans_fault(mem);
	page = mem + PAGE_SIZE;
	end = page + PAGE_SIZE;
	assert_int_equal(mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	*page = 1;
	assert_false(faults(ops, page, PAGE_SIZE));
	for (size_t size = 1; size < 4 * LINE_SIZE; size++) {
		/* up to the last byte, and one byte too far: whatever the line that the range
		 * begins in */
		assert_false(faults(ops, end - size, size));
		assert_int_equal(faults(ops, end - size, size + 1), touches);
		assert_false(faults(ops, page, size));
		assert_int_equal(faults(ops, page - 1, size + 1), touches);
		assert_int_equal(faults(ops, page - LINE_SIZE, size), touches);
	}
	assert_false(faults(ops, end, 0));
	assert_false(faults(ops, end + 1, 0));
	munmap(mem, 3 * PAGE_SIZE);
}

static void test_clean_coverage(void **state)
{
	struct sigaction sa = {.sa_handler = on_fault}, old[2];

	sigaction(SIGSEGV, &sa, &old[0]);
	sigaction(SIGBUS, &sa, &old[1]);
	for_each_available(check_coverage);
	sigaction(SIGSEGV, &old[0], NULL);
	sigaction(SIGBUS, &old[1], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),       cmocka_unit_test(test_sound),
		cmocka_unit_test(test_nearest),	       cmocka_unit_test(test_contracts),
		cmocka_unit_test(test_open_refused),   cmocka_unit_test(test_open_no_object),
		cmocka_unit_test(test_open),	       cmocka_unit_test(test_clean_list),
		cmocka_unit_test(test_clean_gated),    cmocka_unit_test(test_clean_contents),
		cmocka_unit_test(test_clean_coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

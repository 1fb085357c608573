// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/replay.h"

#include "core/op/gen.h"
#include "core/op/text.h"
#include "fuzz/command.h"

#include <stdlib.h>

struct input *inputs_add(struct inputs *all)
{
	struct input *more = realloc(all->input, (all->nr + 1) * sizeof(*more));

	if (!more)
		bad_input("out of memory");
	all->input = more;
	more[all->nr] = (struct input){0};
	return &more[all->nr++];
}

static void write_program(const struct program *p, struct input *in)
{
	if (fuzz_target.text) {
		in->bytes = (u8 *)text_print(p, &in->size);
	} else {
		in->size = program_encoded_size(p);
		in->bytes = malloc(in->size);
		if (in->bytes)
			program_encode(p, in->bytes);
	}
	if (!in->bytes)
		bad_input("out of memory");
}

/*
 * Features of the generator on and off, by the bits of the seed. Not mutate_gen(), whose weights may
 * change: the programs behind a seed are to stay what they are.
 */
static struct gen_config config_of(u64 seed, u32 ops)
{
	struct gen_config cfg = gen_default();
	u64 bits = mix64(seed);

	cfg.max_ops = ops;
	cfg.failures = bits & 1;
	cfg.aliases = bits & 2;
	cfg.holes = bits & 4;
	cfg.limits = bits & 8;
	cfg.tasks = bits & 16;
	cfg.options = bits & 32;
	cfg.bad = bits & 64;
	return cfg;
}

void inputs_generate(struct inputs *all, u32 nr, u32 ops, u64 seed)
{
	struct program p = PROGRAM_EMPTY;

	for (u32 i = 0; i < nr; i++, seed++) {
		struct gen_config cfg = config_of(seed, ops);
		struct input *in = inputs_add(all);
		char name[40];

		if (gen_program(&p, seed, &cfg))
			bad_input("out of memory");
		/* A scene under way and the teardown go beyond; a run tears down by itself. */
		p.nr = min(p.nr, (size_t)ops);
		snprintf(name, sizeof(name), "seed-%llu", (unsigned long long)seed);
		in->path = strdup(name);
		write_program(&p, in);
	}
	program_free(&p);
}

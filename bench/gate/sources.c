// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bench/gate/sources.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/gate/command.h"
#include "bench/gate/loaded.h"
#include "core/flush/registry.h"

static int __printf(4, 5) fail(int rc, char *err, size_t errlen, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, errlen, fmt, args);
	va_end(args);
	return rc;
}

const char *gate_source_kind_name(enum gate_source_kind kind)
{
	static const char *const names[] = {"commit", "folder", "module", "policy"};

	return names[kind];
}

static bool is_so(const char *spec)
{
	size_t n = strlen(spec);
	struct stat st;

	return n > 3 && !strcmp(spec + n - 3, ".so") &&
	       !(stat(spec, &st) == 0 && S_ISDIR(st.st_mode));
}

static int open_so(struct gate_source *s, char *err, size_t errlen)
{
	char full[PATH_MAX];
	enum gate_so kind;
	int rc = gate_so_kind(s->spec, &kind, err, errlen);

	if (rc)
		return rc;
	if (!realpath(s->spec, full))
		return fail(-EINVAL, err, errlen, "%s: %s", s->spec, strerror(errno));
	s->kind = kind == GATE_SO_POLICY ? GATE_POLICY : GATE_MODULE;
	strcpy(kind == GATE_SO_POLICY ? s->policy : s->so, full);
	return 0;
}

/* Lines "word text" of scripts/gate-build.sh. */
static void take_line(struct gate_source *s, char *line)
{
	char *text = strchr(line, ' ');

	if (!text)
		return;
	*text++ = '\0';
	if (!strcmp(line, "so"))
		snprintf(s->so, sizeof(s->so), "%s", text);
	else if (!strcmp(line, "kind"))
		s->kind = strcmp(text, "folder") ? GATE_COMMIT : GATE_FOLDER;
	else if (!strcmp(line, "commit"))
		snprintf(s->commit, sizeof(s->commit), "%s", text);
	else if (!strcmp(line, "subject"))
		snprintf(s->subject, sizeof(s->subject), "%s", text);
	else if (!strcmp(line, "cached"))
		s->cached = !strcmp(text, "yes");
}

static int find_top(struct gate_sources *all, const struct gate_source *s, char *err, size_t errlen)
{
	char *top = *all->top ? NULL : gate_top();

	if (!*all->top && !top)
		return fail(-EINVAL, err, errlen,
			    "%s: nothing here that builds it: no scripts/gate-build.sh above "
			    "this program or in the current folder",
			    s->spec);
	if (top)
		snprintf(all->top, sizeof(all->top), "%s", top);
	free(top);
	return 0;
}

/* What was said on standard error says what is wrong with it. */
static int no_such(const struct gate_source *s, char *err, size_t errlen)
{
	return fail(-EINVAL, err, errlen,
		    "%s: expected a commit, a folder, a gate module or a policy", s->spec);
}

/* Is there such a thing? Nothing is built. */
static int check_name(struct gate_sources *all, struct gate_source *s, char *err, size_t errlen)
{
	char script[PATH_MAX + 32], check[] = "--check", *out;
	char *argv[] = {script, check, (char *)s->spec, NULL};
	int rc = find_top(all, s, err, errlen);

	if (rc)
		return rc;
	snprintf(script, sizeof(script), "%s/scripts/gate-build.sh", all->top);
	rc = gate_command(argv, false, &out);
	free(out);
	return rc ? no_such(s, err, errlen) : 0;
}

static int build(struct gate_sources *all, struct gate_source *s, char *err, size_t errlen)
{
	char script[PATH_MAX + 32], *out, *line, *rest;
	char *argv[] = {script, (char *)s->spec, NULL};
	int rc;

	snprintf(script, sizeof(script), "%s/scripts/gate-build.sh", all->top);
	rc = gate_command(argv, false, &out);
	for (line = out ? strtok_r(out, "\n", &rest) : NULL; !rc && line;
	     line = strtok_r(NULL, "\n", &rest))
		take_line(s, line);
	free(out);
	if (rc == 1)
		return fail(-ENOEXEC, err, errlen, "%s does not build", s->spec);
	return rc || !*s->so ? no_such(s, err, errlen) : 0;
}

/* Two policies run on the core that this program was built with: its module lies beside it. */
static int own_module(struct gate_source *s, char *err, size_t errlen)
{
	ssize_t n = readlink("/proc/self/exe", s->so, sizeof(s->so) - sizeof("/nosnoop-gate.so"));
	char *slash;

	s->so[max(n, (ssize_t)0)] = '\0';
	slash = strrchr(s->so, '/');
	if (!slash)
		return fail(-EINVAL, err, errlen, "this program's folder cannot be found out");
	strcpy(slash, "/nosnoop-gate.so");
	if (access(s->so, R_OK))
		return fail(-EINVAL, err, errlen,
			    "%s: %s, expected the gate's module beside this program "
			    "(cmake --build DIR --target nosnoop-gate)",
			    s->so, strerror(errno));
	return 0;
}

/* One of another ABI is bad input, not a candidate that became worse. */
static int check_policy(const struct gate_source *s, char *err, size_t errlen)
{
	const struct flush_policy *policy;
	void *handle;
	int rc = flush_policy_open(s->policy, &policy, &handle, err, errlen);

	if (!rc)
		flush_policy_close(handle);
	return rc;
}

/* Both names are looked at before either is built: a build takes a minute. */
static int open_source(struct gate_sources *all, struct gate_source *s, char *err, size_t errlen)
{
	strcpy(s->commit, "n/a");
	strcpy(s->subject, "n/a");
	if (!*s->spec)
		return fail(-EINVAL, err, errlen,
			    "an empty name: expected a commit, a folder, a "
			    "gate module or a policy");
	return is_so(s->spec) ? open_so(s, err, errlen) : check_name(all, s, err, errlen);
}

int gate_sources_open(struct gate_sources *all, const char *base, const char *candidate,
		      const char *policy, const struct gate_source **culprit, char *err,
		      size_t errlen)
{
	struct gate_source *side[] = {&all->base, &all->candidate};
	int rc = 0;

	*all = (struct gate_sources){.base.spec = base, .candidate.spec = candidate};
	for (u32 i = 0; !rc && i < ARRAY_SIZE(side); i++) {
		*culprit = side[i];
		rc = open_source(all, side[i], err, errlen);
	}
	for (u32 i = 0; !rc && i < ARRAY_SIZE(side); i++) {
		*culprit = side[i];
		if (!is_so(side[i]->spec))
			rc = build(all, side[i], err, errlen);
	}
	if (rc)
		return rc;
	if ((all->base.kind == GATE_POLICY) != (all->candidate.kind == GATE_POLICY))
		return fail(-EINVAL, err, errlen,
			    "%s is a policy and %s is a core: expected two policies or two cores",
			    all->base.kind == GATE_POLICY ? base : candidate,
			    all->base.kind == GATE_POLICY ? candidate : base);
	for (u32 i = 0; !rc && i < ARRAY_SIZE(side); i++) {
		if (side[i]->kind == GATE_POLICY)
			rc = check_policy(side[i], err, errlen) ?: own_module(side[i], err, errlen);
		else
			snprintf(side[i]->policy, sizeof(side[i]->policy), "%s", policy);
	}
	return rc;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Policies from shared objects. Everything is checked before the first hook can be called. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "core/flush/registry.h"

typedef const struct flush_policy *(*policy_fn)(u32 abi);

#define ABI_PROBE_MAX 64 /* how far to look for the ABI that a refusing object was built for */

static int __printf(4, 5) fail(int rc, char *err, size_t errlen, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, errlen, fmt, args);
	va_end(args);
	return rc;
}

static int fail_abi(const char *path, policy_fn fn, char *err, size_t errlen)
{
	const struct flush_policy *policy;

	for (u32 abi = 0; abi <= ABI_PROBE_MAX; abi++) {
		policy = fn(abi);
		if (policy)
			return fail(-EPROTO, err, errlen,
				    "%s: built for ABI %u, this nosnoop has %u", path, policy->abi,
				    FLUSH_ABI_VERSION);
	}
	return fail(-EPROTO, err, errlen, "%s: built for another ABI than this nosnoop's %u", path,
		    FLUSH_ABI_VERSION);
}

static bool name_ok(const char *name)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

	return len && len < 64 && !name[len];
}

static int check_policy(const char *path, const struct flush_policy *policy, char *err,
			size_t errlen)
{
	if (policy->abi != FLUSH_ABI_VERSION)
		return fail(-EPROTO, err, errlen, "%s: built for ABI %u, this nosnoop has %u", path,
			    policy->abi, FLUSH_ABI_VERSION);
	if (policy->size != sizeof(*policy))
		return fail(
			-EPROTO, err, errlen,
			"%s: struct flush_policy has %u bytes there and %zu here: build it again "
			"with this flush.h",
			path, policy->size, sizeof(*policy));
	if (!policy->name || !name_ok(policy->name))
		return fail(
			-EINVAL, err, errlen,
			"%s: the policy's name must be 1 to 63 letters, digits, '_', '-' or '.'",
			path);
	if (flush_policy_find(policy->name))
		return fail(-EINVAL, err, errlen,
			    "%s: the name %s belongs to a policy of nosnoop itself", path,
			    policy->name);
	if (!policy->what)
		return fail(-EINVAL, err, errlen, "%s: policy %s has no line `what`", path,
			    policy->name);
	if (policy->claims & ~CONTRACTS_ALL)
		return fail(-EINVAL, err, errlen, "%s: policy %s claims unknown contracts 0x%x",
			    path, policy->name, policy->claims & ~CONTRACTS_ALL);
	if (policy->needs & ~FLUSH_NEEDS_ALL)
		return fail(-EINVAL, err, errlen, "%s: policy %s has unknown needs 0x%x", path,
			    policy->name, policy->needs & ~FLUSH_NEEDS_ALL);
	if (policy->before_unmap && !(policy->needs & FLUSH_NEED_BEFORE_UNMAP))
		return fail(-EINVAL, err, errlen,
			    "%s: policy %s has before_unmap() without FLUSH_NEED_BEFORE_UNMAP",
			    path, policy->name);
	return 0;
}

static int load(const char *path, void *handle, const struct flush_policy **out, char *err,
		size_t errlen)
{
	policy_fn fn;

	*(void **)&fn = dlsym(handle, FLUSH_POLICY_SYMBOL);
	if (!fn)
		return fail(-EINVAL, err, errlen, "%s: no nosnoop policy: symbol %s is missing",
			    path, FLUSH_POLICY_SYMBOL);
	*out = fn(FLUSH_ABI_VERSION);
	if (!*out)
		return fail_abi(path, fn, err, errlen);
	return check_policy(path, *out, err, errlen);
}

/* dlerror() says the path first, or not. */
static const char *dl_reason(const char *path)
{
	const char *text = dlerror();
	size_t len = strlen(path);

	if (!text)
		return "unknown reason";
	return !strncmp(text, path, len) && !strncmp(text + len, ": ", 2) ? text + len + 2 : text;
}

static int open_object(const char *name, const struct flush_policy **out, void **handle, char *err,
		       size_t errlen)
{
	char path[PATH_MAX];
	int rc;

	/* Without a slash the dynamic linker would search its own folders. */
	rc = snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "./", name);
	if (rc >= (int)sizeof(path))
		return fail(-ENOENT, err, errlen, "policy file: the path is too long");
	if (access(path, R_OK))
		return fail(-ENOENT, err, errlen, "%s: %s", name, strerror(errno));
	*handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!*handle)
		return fail(-ELIBBAD, err, errlen, "%s: cannot be loaded: %s", name,
			    dl_reason(path));
	rc = load(name, *handle, out, err, errlen);
	if (rc) {
		dlclose(*handle);
		*handle = NULL;
		*out = NULL;
	}
	return rc;
}

int flush_policy_open(const char *path_or_name, const struct flush_policy **out, void **handle,
		      char *err, size_t errlen)
{
	const struct flush_policy *near;
	size_t len = strlen(path_or_name);

	*handle = NULL;
	*out = flush_policy_find(path_or_name);
	if (*out)
		return 0;
	if (strchr(path_or_name, '/') || (len > 3 && !strcmp(path_or_name + len - 3, ".so")))
		return open_object(path_or_name, out, handle, err, errlen);
	near = flush_policy_nearest(path_or_name);
	if (near)
		return fail(-ENOENT, err, errlen, "unknown policy \"%s\", did you mean %s?",
			    path_or_name, near->name);
	return fail(-ENOENT, err, errlen, "unknown policy \"%s\"", path_or_name);
}

void flush_policy_close(void *handle)
{
	if (handle)
		dlclose(handle);
}

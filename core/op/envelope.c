// SPDX-License-Identifier: GPL-2.0-only
#include "core/op/envelope.h"

static int check_prot(const struct request *req)
{
	return req->prot & (REQ_PROT_READ | REQ_PROT_WRITE) ? 0 : -EINVAL;
}

int envelope_before_id(const struct request *req)
{
	bool unknown = req->flags & (REQF_BAD_FLAG | REQF_RESERVED);

	switch (req->kind) {
	case REQ_MAP:
		if (unknown)
			return -EOPNOTSUPP;
		if (req->iova == UINT64_MAX || req->length == UINT64_MAX)
			return -EOVERFLOW;
		return check_prot(req);
	case REQ_COPY:
		if (unknown)
			return -EOPNOTSUPP;
		if (req->iova == UINT64_MAX || req->src_iova == UINT64_MAX ||
		    req->length == UINT64_MAX)
			return -EOVERFLOW;
		return check_prot(req);
	case REQ_PIN:
	case REQ_RW:
		if (req->length > ENVELOPE_TEST_LENGTH_MAX)
			return -ENOMEM;
		return unknown ? -EOPNOTSUPP : 0;
	case REQ_ALLOW:
	case REQ_RANGES:
	case REQ_HUGE_PAGES:
		return unknown ? -EOPNOTSUPP : 0;
	case REQ_RLIMIT_MODE:
		return unknown || req->option_object ? -EOPNOTSUPP : 0;
	default:
		return 0;
	}
}

int envelope_after_id(const struct request *req)
{
	if (req->kind == REQ_UNMAP && !envelope_unmap_is_all(req) &&
	    (req->iova == UINT64_MAX || req->length == UINT64_MAX))
		return -EOVERFLOW;
	if (req->kind == REQ_RANGES && req->flags & REQF_BAD_OUT)
		return -EFAULT;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/bpf.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

struct bpf *bpf_open(const struct capture_settings *settings, int verdicts_fd, char *error)
{
	(void)settings;
	(void)verdicts_fd;
	snprintf(error, 256, "built without eBPF");
	return NULL;
}

int bpf_filter_fd(const struct bpf *bpf)
{
	(void)bpf;
	return -1;
}

int bpf_split_fd(const struct bpf *bpf)
{
	(void)bpf;
	return -1;
}

int bpf_verdicts_fd(const struct bpf *bpf)
{
	(void)bpf;
	return -1;
}

int bpf_settings_update(struct bpf *bpf, const struct capture_settings *settings)
{
	(void)bpf;
	(void)settings;
	return -EOPNOTSUPP;
}

int bpf_verdicts(const struct bpf *bpf, struct verdicts *sum)
{
	(void)bpf;
	*sum = (struct verdicts){0};
	return -EOPNOTSUPP;
}

void bpf_close(struct bpf *bpf)
{
	(void)bpf;
}

const char *bpf_library_version(void)
{
	return "built without libbpf";
}

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

struct bpf_steer *bpf_steer_open(const struct steer_settings *settings, char *error)
{
	(void)settings;
	snprintf(error, 256, "built without eBPF");
	return NULL;
}

int bpf_steer_fd(const struct bpf_steer *steer)
{
	(void)steer;
	return -1;
}

int bpf_steer_update(struct bpf_steer *steer, const struct steer_settings *settings)
{
	(void)steer;
	(void)settings;
	return -EOPNOTSUPP;
}

void bpf_steer_close(struct bpf_steer *steer)
{
	(void)steer;
}

const char *bpf_library_version(void)
{
	return "built without libbpf";
}

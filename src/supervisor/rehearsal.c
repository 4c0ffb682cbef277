/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/rehearsal.h"

#include <signal.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ipc/control.h"
#include "ipc/settings.h"
#include "ipc/state.h"
#include "supervisor/bpf.h"
#include "supervisor/handover.h"

static void refuse(const char *text)
{
	control_send(CHILD_FD_CONTROL, CONTROL_FAILED, 0, text);
	exit(EXIT_FAILURE);
}

static void check_bpf(const struct config *config)
{
	struct capture_settings settings;
	char error[256];
	struct bpf *bpf;

	settings_init(&settings, config);
	bpf = bpf_open(&settings, -1, error);
	if (!bpf)
		refuse(error);
	bpf_close(bpf);
}

int rehearsal_main(const struct child_identity *identity)
{
	char error[CONFIG_ERROR_MAX];
	struct handover *handover;
	struct config *config = xcalloc(1, sizeof(*config));

	if (!child_follow(identity->parent, SIGKILL))
		return EXIT_FAILURE;
	handover = handover_read(CHILD_FD_INPUT, error);
	if (!handover || !child_read_config(CHILD_FD_CONFIG, config, error))
		refuse(error);
	if (handover_number(handover, "layout", HANDOVER_ONE) != STATE_MAGIC)
		refuse("states of workers have another layout: restart instead");
	if (handover_number(handover, "has-ebpf", HANDOVER_ONE))
		check_bpf(config);
	control_send(CHILD_FD_CONTROL, CONTROL_READY, 0, NULL);
	handover_free(handover);
	free(config);
	return EXIT_SUCCESS;
}

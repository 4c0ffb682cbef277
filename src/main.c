/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <sys/prctl.h>

#include "aggregator/aggregator.h"
#include "aggregator/check.h"
#include "base/log.h"
#include "ipc/child.h"
#include "supervisor/compress.h"
#include "supervisor/preflight.h"
#include "supervisor/rehearsal.h"
#include "supervisor/supervisor.h"
#include "worker/worker.h"

/* Which process of the appliance is this one? */
int main(int argc, char **argv)
{
	struct child_identity identity;
	int rest;

	prctl(PR_SET_NAME, "dnsflow"); /* executed through a descriptor, it would be a number */
	if (argc < 2 || strcmp(argv[1], "--role"))
		return supervisor_main(argc, argv);
	if (!child_identify(argc, argv, &identity, &rest))
		log_fatal("--role is for dnsflow itself");
	if (!strcmp(identity.role, "preflight")) {
		argv[rest - 1] = argv[0];
		return preflight_main(&identity, argc - rest + 1, argv + rest - 1,
				      aggregator_check);
	}
	if (!strcmp(identity.role, "rehearsal"))
		return rehearsal_main(&identity);
	if (!strcmp(identity.role, "compress"))
		return compress_main(&identity, argc - rest, argv + rest);
	if (!strcmp(identity.role, "worker"))
		worker_main(&identity);
	if (!strcmp(identity.role, "aggregator"))
		aggregator_main(&identity);
	log_fatal("unknown role %s", identity.role);
}

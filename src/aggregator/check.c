/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/check.h"

#include "aggregator/outputs/output.h"
#include "aggregator/web/auth.h"
#include "config/outputs.h"
#include "ipc/observation.h"

static bool check_outputs(const struct config *config, bool reads_files, char *error)
{
	static const struct hash_key key = {{1, 1}}; /* of tables that nobody asks */
	struct suffixes *suffixes = observation_suffixes(config->statistics.suffix_list);
	struct geoip *geoip = geoip_new(&config->geoip);
	const struct output_host host = {.geoip = geoip, .suffixes = suffixes};
	char problem[CONFIG_ERROR_MAX];
	bool is_good = true;

	for (uint32_t i = 0; is_good && i < config->output_count; i++) {
		is_good = output_check(&config->outputs[i], &host, &key, reads_files, problem);
		if (!is_good)
			outputs_tell(config, i, problem, error);
	}
	geoip_free(geoip);
	suffixes_free(suffixes);
	return is_good;
}

static bool check_web(const struct config_web *config, char *error)
{
	struct auth *auth = auth_new(config, error);
	struct tls_context *tls = NULL;
	bool is_good = auth;

	if (is_good && *config->certificate) {
		tls = tls_context_new_server(config->certificate, config->key, error);
		is_good = tls;
	}
	tls_context_free(tls);
	auth_free(auth);
	return is_good;
}

bool aggregator_check(const struct config *config, bool reads_files, char *error)
{
	return check_outputs(config, reads_files, error) &&
	       (!reads_files || !*config->web.listen || check_web(&config->web, error));
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/proxy_settings.h"

#include <stdio.h>
#include <string.h>

#include "config/schema.h"
#include "rules/prefixes.h"

static bool refuse(char *error, const char *text)
{
	snprintf(error, CONFIG_ERROR_MAX, "%s", text);
	return false;
}

static bool refuse_listener(char *error, const char *text, const char *problem)
{
	snprintf(error, CONFIG_ERROR_MAX, "proxy.listen: %.99s %s", text, problem);
	return false;
}

static bool is_there(const struct config_proxy *proxy, const struct endpoint *endpoint)
{
	for (uint32_t i = 0; i < proxy->endpoint_count; i++)
		if (proxy->endpoints[i].port == endpoint->port &&
		    address_equal(&proxy->endpoints[i].address, &endpoint->address))
			return true;
	return false;
}

static bool add_listener(struct config_proxy *proxy, const char *text, char *error)
{
	struct endpoint endpoint;

	if (!config_parse_endpoint(text, &endpoint) || !endpoint.address.version)
		return refuse_listener(error, text,
				       "is neither an address, ADDRESS:PORT, [ADDRESS]:PORT nor "
				       "a port");
	if (!endpoint.port)
		endpoint.port = CONFIG_PORT_DNS;
	if (is_there(proxy, &endpoint))
		return refuse_listener(error, text, "is there twice");
	if (proxy->endpoint_count == CONFIG_LISTEN_MAX)
		return refuse(error, "proxy.listen: more than 16 addresses (a port alone is two)");
	proxy->endpoints[proxy->endpoint_count++] = endpoint;
	return true;
}

_Static_assert(CONFIG_LISTEN_MAX == 16, "as the text above says");

/* A port alone is one of this machine. */
static bool add_listeners(struct config_proxy *proxy, const char *text, char *error)
{
	char local[CONFIG_TEXT_MAX + sizeof("127.0.0.1:")];

	if (text[strspn(text, "0123456789")] || strlen(text) > strlen("65535"))
		return add_listener(proxy, text, error);
	sprintf(local, "127.0.0.1:%s", text);
	if (!add_listener(proxy, local, error))
		return false;
	sprintf(local, "[::1]:%s", text);
	return add_listener(proxy, local, error);
}

static bool complete_listen(struct config *config, char *error)
{
	const struct setting *setting = schema_find(&schema_config, "proxy.listen");
	struct setting_place place = {0};
	char text[CONFIG_TEXT_MAX];

	config->proxy.endpoint_count = 0;
	while (setting_next(config, setting, &place, text))
		if (!add_listeners(&config->proxy, text, error))
			return false;
	return true;
}

static bool check_allow(const struct config_proxy *proxy, char *error)
{
	char problem[PREFIXES_ERROR_MAX];
	struct prefixes *prefixes = prefixes_new(proxy->allow, problem);

	if (!prefixes)
		snprintf(error, CONFIG_ERROR_MAX, "proxy.allow: %s", problem);
	prefixes_free(prefixes);
	return prefixes;
}

/* Rules are for the proxy, or for a dry run; both are nothing without. */
static bool check_rules(const struct config *config, char *error)
{
	const bool has_rules = config_has_rules(config);

	if (config_has_proxy(config) && config->is_dry_run)
		return refuse(error, "--dry-run judges what is captured: it does not go with "
				     "proxy.listen");
	if (config_has_proxy(config) && !has_rules)
		return refuse(error, "proxy.listen needs rules: without one that resolves, the "
				     "proxy refuses all");
	if (config->is_dry_run && !has_rules)
		return refuse(error, "--dry-run needs rules, of the configuration or of --rules");
	if (has_rules && !config_has_proxy(config) && !config->is_dry_run)
		return refuse(error, "rules have no effect without proxy.listen or --dry-run");
	return true;
}

bool proxy_settings_complete(struct config *config, char *error)
{
	const struct config_proxy *proxy = &config->proxy;

	if (proxy->cache_ttl_least_s > proxy->cache_ttl_most_s)
		return refuse(error, "proxy.cache-min-ttl is above proxy.cache-max-ttl");
	return complete_listen(config, error) && check_allow(proxy, error) &&
	       check_rules(config, error);
}

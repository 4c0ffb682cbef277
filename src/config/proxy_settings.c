/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/proxy_settings.h"

#include <stdio.h>
#include <string.h>

#include "config/rules.h"
#include "config/schema.h"
#include "rules/prefixes.h"

/* What a value stands for: a port alone is one of this machine, by both protocols. */
struct listeners {
	struct endpoint endpoints[2];
	uint32_t count;
};

static bool parse_listener(struct listeners *listeners, const char *text)
{
	struct endpoint *endpoint = &listeners->endpoints[listeners->count++];

	if (!config_parse_endpoint(text, endpoint) || !endpoint->address.version)
		return false;
	if (!endpoint->port)
		endpoint->port = CONFIG_PORT_DNS;
	return true;
}

static bool parse_listeners(struct listeners *listeners, const char *text)
{
	char local[sizeof("127.0.0.1:65535")];

	listeners->count = 0;
	if (text[strspn(text, "0123456789")] || strlen(text) > strlen("65535"))
		return parse_listener(listeners, text);
	sprintf(local, "127.0.0.1:%s", text);
	if (!parse_listener(listeners, local))
		return false;
	sprintf(local, "[::1]:%s", text);
	return parse_listener(listeners, local);
}

/* ::ffff:a.b.c.d (RFC 4291 2.5.5.2), which a socket of IPv6 alone is not asked at. */
static bool is_mapped(const struct address *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return address->version == 6 && !memcmp(address->bytes, prefix, sizeof(prefix));
}

bool proxy_settings_check_listen(const char *text, char *problem)
{
	struct listeners listeners;

	if (!parse_listeners(&listeners, text))
		return setting_refuse(
			problem,
			"%.99s is neither an address, ADDRESS:PORT, [ADDRESS]:PORT nor a port",
			text);
	return !is_mapped(&listeners.endpoints[0].address) ||
	       setting_refuse(
		       problem,
		       "%.99s stands for an address of IPv4: write that, without ::ffff: before it",
		       text);
}

bool proxy_settings_check_allow(const char *text, char *problem)
{
	struct prefixes *prefixes = prefixes_new(text, problem);

	prefixes_free(prefixes);
	return prefixes;
}

_Static_assert(PREFIXES_ERROR_MAX <= SETTING_ERROR_MAX, "what is wrong fits");

static bool is_there(const struct config_proxy *proxy, const struct endpoint *endpoint)
{
	for (uint32_t i = 0; i < proxy->endpoint_count; i++)
		if (endpoint_equal(&proxy->endpoints[i], endpoint))
			return true;
	return false;
}

static bool add_listeners(struct config_proxy *proxy, const char *text, char *problem)
{
	struct listeners listeners;

	if (!proxy_settings_check_listen(text, problem))
		return false;
	parse_listeners(&listeners, text);
	for (uint32_t i = 0; i < listeners.count; i++) {
		if (is_there(proxy, &listeners.endpoints[i]))
			return setting_refuse(problem, "%.99s is there twice", text);
		if (proxy->endpoint_count == CONFIG_LISTEN_MAX)
			return setting_refuse(
				problem,
				"%.99s is one too many: there are at most 16 addresses, and a port "
				"alone is two",
				text);
		proxy->endpoints[proxy->endpoint_count++] = listeners.endpoints[i];
	}
	return true;
}

_Static_assert(CONFIG_LISTEN_MAX == 16, "as the text above says");

static bool complete_listen(struct config *config, char *error)
{
	const struct setting *setting = schema_find(&schema_config, "proxy.listen");
	struct setting_place place = {0};
	char text[CONFIG_TEXT_MAX], problem[SETTING_ERROR_MAX];

	config->proxy.endpoint_count = 0;
	while (setting_next(config, setting, &place, text)) {
		if (add_listeners(&config->proxy, text, problem))
			continue;
		snprintf(error, CONFIG_ERROR_MAX, "proxy.listen: %s", problem);
		return false;
	}
	return true;
}

static bool check_allow(const struct config_proxy *proxy, char *error)
{
	char problem[SETTING_ERROR_MAX];

	if (proxy_settings_check_allow(proxy->allow, problem))
		return true;
	snprintf(error, CONFIG_ERROR_MAX, "proxy.allow: %s", problem);
	return false;
}

/* Rules are for the proxy, or for a dry run; both are nothing without. */
static bool check_use(const struct config *config, char *error)
{
	const bool has_rules = config_has_rules(config);

	if (config_has_proxy(config) && config->is_dry_run)
		return setting_refuse(error,
				      "--dry-run judges what is captured: it does not go with "
				      "proxy.listen");
	if (config_has_proxy(config) && *config->read_file)
		return setting_refuse(error,
				      "-r reads what was captured, and nobody waits for an answer "
				      "to it: it goes with --dry-run, not with proxy.listen");
	if (config_has_proxy(config) && !has_rules)
		return setting_refuse(error,
				      "proxy.listen needs rules: without one that resolves, the "
				      "proxy refuses all");
	if (config->is_dry_run && !has_rules)
		return setting_refuse(error,
				      "--dry-run needs rules, of the configuration or of --rules");
	if (has_rules && !config_has_proxy(config) && !config->is_dry_run)
		return setting_refuse(error,
				      "rules have no effect without proxy.listen or --dry-run");
	return true;
}

bool proxy_settings_complete(struct config *config, const struct origins *origins, char *error)
{
	const struct config_proxy *proxy = &config->proxy;

	if (proxy->cache_ttl_least_s > proxy->cache_ttl_most_s)
		return setting_refuse(error, "proxy.cache-min-ttl is above proxy.cache-max-ttl");
	return complete_listen(config, error) && check_allow(proxy, error) &&
	       check_use(config, error) && rules_complete(config, origins, error);
}

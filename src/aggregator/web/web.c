/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/web.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aggregator/web/exposition.h"
#include "aggregator/web/health.h"
#include "aggregator/web/metrics.h"
#include "aggregator/web/proxy.h"
#include "aggregator/web/statistics.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "ipc/ledger_json.h"
#include "loop/http.h"

#define ANSWER_MAX	 (8 << 20)
#define FAILURE_DELAY_MS 200 /* before a wrong credential is told */
#define JSON_TYPE	 "application/json; charset=utf-8"

struct web {
	const struct web_host *host;
	const struct auth *auth;
	struct http_server *server;
	struct health health;
	struct summary_item *items; /* STATISTICS_ITEMS_MAX */
	struct json json;	    /* writes into answer */
	char answer[ANSWER_MAX];
};

static void answer_json(struct web *web, struct http_request *request, int status)
{
	if (!json_finish(&web->json)) {
		status = statistics_refuse(&web->json, 500, "the answer is too long: ask for less");
		json_finish(&web->json);
	}
	http_reply(request, &(struct http_reply){.status = status,
						 .type = JSON_TYPE,
						 .body = web->answer,
						 .length = web->json.length});
}

static void answer_error(struct web *web, struct http_request *request, int status,
			 const char *error)
{
	answer_json(web, request, statistics_refuse(&web->json, status, error));
}

static void on_counters(struct web *web, struct http_request *request)
{
	answer_json(web, request,
		    statistics_counters(web->host->streams, &web->host->config->statistics, request,
					&web->json));
}

static void on_tables(struct web *web, struct http_request *request)
{
	answer_json(web, request, statistics_tables(web->host, request, web->items, &web->json));
}

static void on_streams(struct web *web, struct http_request *request)
{
	answer_json(web, request, statistics_streams(web->host->streams, &web->json));
}

static void on_metrics(struct web *web, struct http_request *request)
{
	struct http_counts counts = http_server_counts(web->server);
	enum exposition_format format = exposition_choose(http_field(request, "Accept", 0));
	struct exposition out;
	size_t length;

	exposition_init(&out, format, web->answer, ANSWER_MAX);
	metrics_write(web->host, &counts, &out);
	length = exposition_finish(&out);
	if (!length)
		answer_error(web, request, 500, "the answer is too long");
	else
		http_reply(request, &(struct http_reply){.status = 200,
							 .type = exposition_media_type(format),
							 .body = web->answer,
							 .length = length});
}

/* Returns whether nothing is missing. */
static bool add_worker_lines(struct web *web, uint32_t index)
{
	struct ledger ledger = {0};
	bool adds_up;

	web_host_add_worker(web->host, index, &ledger);
	json_open_object(&web->json, NULL);
	json_add_number(&web->json, "index", index);
	adds_up = ledger_json_add(&web->json, "lines", &ledger, web->host->in_ring);
	json_add_bool(&web->json, "adds_up", adds_up);
	json_close_object(&web->json);
	return adds_up;
}

static void on_ledger(struct web *web, struct http_request *request)
{
	struct ledger total = {0};
	bool adds_up;

	for (uint32_t i = 0; i < web->host->worker_count; i++)
		web_host_add_worker(web->host, i, &total);
	json_open_object(&web->json, NULL);
	adds_up = ledger_json_add(&web->json, "lines", &total, web->host->in_ring);
	json_open_array(&web->json, "workers");
	for (uint32_t i = 0; i < web->host->worker_count; i++)
		adds_up &= add_worker_lines(web, i);
	json_close_array(&web->json);
	adds_up &=
		ledger_json_add_outputs(&web->json, "outputs", web->host->config, web->host->words);
	json_add_bool(&web->json, "adds_up", adds_up);
	json_close_object(&web->json);
	answer_json(web, request, 200);
}

static void on_proxy(struct web *web, struct http_request *request)
{
	proxy_format(web->host, clock_monotonic_ns(), &web->json);
	answer_json(web, request, 200);
}

static void on_health(struct web *web, struct http_request *request)
{
	answer_json(web, request,
		    health_format(&web->health, web->host, clock_monotonic_ns(), &web->json));
}

static void on_reset(struct web *web, struct http_request *request)
{
	web->host->reset(web->host->argument);
	http_reply(request, &(struct http_reply){.status = 204});
}

static const struct route {
	const char *path;
	enum http_method method; /* HEAD goes where GET goes */
	void (*fn)(struct web *web, struct http_request *request);
} routes[] = {
	{"/counters", HTTP_GET, on_counters}, {"/tables", HTTP_GET, on_tables},
	{"/streams", HTTP_GET, on_streams},   {"/metrics", HTTP_GET, on_metrics},
	{"/ledger", HTTP_GET, on_ledger},     {"/health", HTTP_GET, on_health},
	{"/proxy", HTTP_GET, on_proxy},	      {"/reset", HTTP_DELETE, on_reset},
};

static const struct route *find_route(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (!strcmp(routes[i].path, path))
			return &routes[i];
	return NULL;
}

static bool is_configured_host(const struct config_web *config, const char *host)
{
	char list[CONFIG_LIST_MAX], own[CONFIG_WORD_MAX], *rest;
	uint16_t port;

	if (config_split_host_port(config->listen, own, sizeof(own), &port) &&
	    !strcasecmp(own, host))
		return true;
	memcpy(list, config->hosts, sizeof(list));
	for (char *name = strtok_r(list, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest))
		if (!strcasecmp(name, host))
			return true;
	return false;
}

/*
 * Whether text, "host[:port]", is a name of ours: a page of another site that has its name resolve
 * to us (DNS rebinding) is sent with its own. Addresses are no such names: where we listen on all,
 * each is ours.
 */
static bool is_own_host(const struct config_web *config, const char *text)
{
	const struct address *listen = &config->endpoint.address;
	char host[CONFIG_WORD_MAX];
	struct address address;
	uint16_t port;

	if (!config_split_host_port(text, host, sizeof(host), &port))
		return false;
	if (is_configured_host(config, host))
		return true;
	if (!strcasecmp(host, "localhost"))
		return auth_is_loopback(listen) || address_is_any(listen);
	return address_parse(host, &address) &&
	       (address_is_any(listen) || address_equal(&address, listen));
}

/* A page of another origin may have sent it: only of ours, if any. */
static bool is_own_origin(const struct http_request *request)
{
	const char *host = http_field(request, "Host", 0);
	const char *origin, *authority;

	for (uint32_t i = 0; (origin = http_field(request, "Origin", i)); i++) {
		authority = strstr(origin, "://");
		if (!authority || strcasecmp(authority + 3, host))
			return false;
	}
	return true;
}

static void refuse_credentials(struct web *web, struct http_request *request)
{
	struct http_reply reply = {.status = 401, .delay_ms = FAILURE_DELAY_MS};

	if (*web->host->config->web.password_file)
		reply.options[0] = (struct http_option){
			"WWW-Authenticate", "Basic realm=\"dnsflow\", charset=\"UTF-8\""};
	http_reply(request, &reply);
}

static void refuse_method(struct http_request *request, const struct route *route)
{
	http_reply(request, &(struct http_reply){
				    .status = 405,
				    .options = {{"Allow", route->method == HTTP_GET ? "GET, HEAD"
										    : "DELETE"}}});
}

static bool takes_method(const struct route *route, enum http_method method)
{
	return method == route->method || (method == HTTP_HEAD && route->method == HTTP_GET);
}

static void on_request(void *argument, struct http_request *request)
{
	struct web *web = argument;
	const struct route *route = find_route(http_path(request));

	json_init(&web->json, web->answer, ANSWER_MAX);
	if (!is_own_host(&web->host->config->web, http_field(request, "Host", 0)))
		answer_error(web, request, 403, "Host is none of web.hosts");
	else if (!is_own_origin(request))
		answer_error(web, request, 403, "Origin is another site");
	else if (!route)
		answer_error(web, request, 404, "no such path");
	else if (!takes_method(route, http_method(request)))
		refuse_method(request, route);
	else if (!auth_allows(web->auth, request))
		refuse_credentials(web, request);
	else
		route->fn(web, request);
}

struct web *web_new(struct loop *loop, const struct web_host *host, int listener,
		    const struct auth *auth, struct tls_context *tls)
{
	struct web *web = xcalloc(1, sizeof(*web));
	struct http_options options = http_options_default;

	web->host = host;
	web->auth = auth;
	web->items = xcalloc(STATISTICS_ITEMS_MAX, sizeof(*web->items));
	health_init(&web->health, web->host, clock_monotonic_ns());
	options.fd = listener;
	options.tls = tls;
	options.connections_max = host->config->web.max_connections;
	web->server = http_server_new(loop, &options, on_request, web);
	return web;
}

void web_free(struct web *web)
{
	if (!web)
		return;
	http_server_free(web->server);
	free(web->items);
	free(web);
}

void web_tick(struct web *web, int64_t now_ns)
{
	health_tick(&web->health, web->host, now_ns);
}

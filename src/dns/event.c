/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/event.h"

static const char *const kind_names[EVENT_KIND_END] = {
	[EVENT_AUTH_QUERY] = "AUTH_QUERY",
	[EVENT_AUTH_RESPONSE] = "AUTH_RESPONSE",
	[EVENT_RESOLVER_QUERY] = "RESOLVER_QUERY",
	[EVENT_RESOLVER_RESPONSE] = "RESOLVER_RESPONSE",
	[EVENT_CLIENT_QUERY] = "CLIENT_QUERY",
	[EVENT_CLIENT_RESPONSE] = "CLIENT_RESPONSE",
	[EVENT_FORWARDER_QUERY] = "FORWARDER_QUERY",
	[EVENT_FORWARDER_RESPONSE] = "FORWARDER_RESPONSE",
	[EVENT_STUB_QUERY] = "STUB_QUERY",
	[EVENT_STUB_RESPONSE] = "STUB_RESPONSE",
	[EVENT_TOOL_QUERY] = "TOOL_QUERY",
	[EVENT_TOOL_RESPONSE] = "TOOL_RESPONSE",
	[EVENT_UPDATE_QUERY] = "UPDATE_QUERY",
	[EVENT_UPDATE_RESPONSE] = "UPDATE_RESPONSE",
};

/* As dnstap spells them (spec/dnstap-receiver.md 4.3). */
static const char *const protocol_names[EVENT_PROTOCOL_END] = {
	[EVENT_UDP] = "UDP",
	[EVENT_TCP] = "TCP",
	[EVENT_DOT] = "DOT",
	[EVENT_DOH] = "DOH",
	[EVENT_DNSCRYPT_UDP] = "DNSCryptUDP",
	[EVENT_DNSCRYPT_TCP] = "DNSCryptTCP",
	[EVENT_DOQ] = "DOQ",
};

static const char *const verdict_names[EVENT_VERDICT_END] = {
	[EVENT_ALLOWED] = "allowed",	 [EVENT_LOGGED] = "logged",
	[EVENT_BLOCKED] = "blocked",	 [EVENT_REDIRECTED] = "redirected",
	[EVENT_REWRITTEN] = "rewritten", [EVENT_RESOLVED] = "resolved",
	[EVENT_REFUSED] = "refused",
};

static const char *name_of(const char *const *names, uint8_t count, uint8_t number)
{
	return number < count && names[number] ? names[number] : "-";
}

const char *event_kind_name(uint8_t kind)
{
	return name_of(kind_names, EVENT_KIND_END, kind);
}

const char *event_protocol_name(uint8_t protocol)
{
	return name_of(protocol_names, EVENT_PROTOCOL_END, protocol);
}

const char *event_family_name(const struct event *event)
{
	uint8_t version = event->response_address.version ? event->response_address.version
							  : event->query_address.version;

	return version == 6 ? "INET6" : "INET";
}

const char *event_verdict_name(uint8_t verdict)
{
	return name_of(verdict_names, EVENT_VERDICT_END, verdict);
}

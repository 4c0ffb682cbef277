/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct links {
	struct mnl_socket *socket;
	struct loop_event *event;
	link_fn fn;
	void *argument;
};

static int take_name(const struct nlattr *attribute, void *argument)
{
	struct link_event *event = argument;

	if (mnl_attr_get_type(attribute) == IFLA_IFNAME &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(event->name, sizeof(event->name), "%s", mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

static int take_message(const struct nlmsghdr *header, void *argument)
{
	struct links *links = argument;
	const struct ifinfomsg *info;
	struct link_event event;

	if (header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	info = mnl_nlmsg_get_payload(header);
	/* A bridge tells of its ports in its own family, also when one leaves it. */
	if (info->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	event = (struct link_event){
		.index = info->ifi_index,
		.is_gone = header->nlmsg_type == RTM_DELLINK,
		.is_up = info->ifi_flags & IFF_UP,
	};
	mnl_attr_parse(header, sizeof(*info), take_name, &event);
	links->fn(links->argument, &event);
	return MNL_CB_OK;
}

/* The answers come like messages of changes. */
static void ask_for_all(struct links *links)
{
	uint8_t buffer[NLMSG_ALIGN(sizeof(struct nlmsghdr)) +
		       NLMSG_ALIGN(sizeof(struct ifinfomsg))];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	mnl_socket_sendto(links->socket, header, header->nlmsg_len);
}

static void on_readable(void *argument)
{
	static uint8_t buffer[32768];
	struct links *links = argument;
	ssize_t length = mnl_socket_recvfrom(links->socket, buffer, sizeof(buffer));

	if (length > 0)
		mnl_cb_run(buffer, (size_t)length, 0, 0, take_message, links);
	else if (length < 0 && errno == ENOBUFS)
		ask_for_all(links);
}

struct links *links_open(struct loop *loop, link_fn fn, void *argument)
{
	struct links *links = xcalloc(1, sizeof(*links));

	links->fn = fn;
	links->argument = argument;
	links->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!links->socket || mnl_socket_bind(links->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		links_close(links);
		return NULL;
	}
	links->event = loop_add_reader(loop, mnl_socket_get_fd(links->socket), on_readable, links);
	return links;
}

void links_close(struct links *links)
{
	if (!links)
		return;
	loop_event_free(links->event);
	if (links->socket)
		mnl_socket_close(links->socket);
	free(links);
}

const char *links_library_version(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "libmnl %s", LIBMNL_VERSION);
	return text;
}

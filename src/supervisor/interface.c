/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/interface.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"

static int ask(int fd, unsigned long request, struct ifreq *answer)
{
	return ioctl(fd, request, answer) < 0 ? -errno : 0;
}

static int find(const char *name, struct interface *interface)
{
	struct ifreq answer = {0};
	int fd, error;

	*interface = (struct interface){.is_up = true};
	if (!strcmp(name, "any")) {
		interface->loopback_index = (int)if_nametoindex("lo");
		return 0;
	}
	if (strlen(name) >= sizeof(answer.ifr_name))
		return -ENODEV;
	strcpy(answer.ifr_name, name);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = ask(fd, SIOCGIFINDEX, &answer);
	interface->index = answer.ifr_ifindex;
	if (!error)
		error = ask(fd, SIOCGIFFLAGS, &answer);
	interface->is_up = answer.ifr_flags & IFF_UP;
	interface->loopback_index = answer.ifr_flags & IFF_LOOPBACK ? interface->index : 0;
	if (!error)
		error = ask(fd, SIOCGIFHWADDR, &answer);
	interface->is_ethernet = answer.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
				 answer.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	close(fd);
	return error;
}

bool interface_check(const char *name, struct interface *interface, char *error)
{
	int code = find(name, interface);

	if (code == -ENODEV)
		snprintf(error, CONFIG_ERROR_MAX, "no interface is named %s: `ip link` lists them",
			 name);
	else if (code)
		snprintf(error, CONFIG_ERROR_MAX, "interface %s: %s", name, strerror(-code));
	else if (!interface->is_up)
		snprintf(error, CONFIG_ERROR_MAX, "interface %s is down: `ip link set %s up` first",
			 name, name);
	return !code && interface->is_up;
}

static uint64_t read_statistic(const char *name, const char *statistic)
{
	char path[128];
	uint64_t value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", name, statistic);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%" SCNu64, &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

uint64_t interface_drops(const char *name)
{
	return read_statistic(name, "rx_missed_errors") + read_statistic(name, "rx_fifo_errors");
}

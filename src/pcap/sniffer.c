/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcap/sniffer.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

#define SNAP_LENGTH 65535
#define TIMEOUT_MS  100
#define ERROR_BYTES 256

struct sniffer {
	pcap_t *pcap;
	int64_t tick_ns; /* of a timestamp's fraction */
};

static int filter_set(pcap_t *pcap, const char *filter)
{
	struct bpf_program program;
	int result = pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN);

	if (result < 0)
		return result;
	result = pcap_setfilter(pcap, &program);
	pcap_freecode(&program);
	return result;
}

static int pcap_start(pcap_t *pcap, const char *filter, char *why)
{
	int result;

	pcap_set_snaplen(pcap, SNAP_LENGTH);
	pcap_set_promisc(pcap, 1);
	pcap_set_timeout(pcap, TIMEOUT_MS);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO); /* where it can be had */
	result = pcap_activate(pcap);
	if (result < 0) {
		snprintf(why, ERROR_BYTES, "%s",
			 *pcap_geterr(pcap) ? pcap_geterr(pcap) : pcap_statustostr(result));
		return result;
	}
	result = filter_set(pcap, filter);
	if (result < 0) {
		snprintf(why, ERROR_BYTES, "filter: %.200s", pcap_geterr(pcap));
		return result;
	}
	return pcap_setnonblock(pcap, 1, why);
}

struct sniffer *sniffer_open(const char *interface, const char *filter, char *error)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct sniffer *sniffer;
	pcap_t *pcap = pcap_create(interface, why);

	if (!pcap || pcap_start(pcap, filter, why) < 0) {
		snprintf(error, ERROR_BYTES, "%.40s: %.200s", interface, why);
		if (pcap)
			pcap_close(pcap);
		return NULL;
	}
	sniffer = xcalloc(1, sizeof(*sniffer));
	sniffer->pcap = pcap;
	sniffer->tick_ns = pcap_get_tstamp_precision(pcap) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
	return sniffer;
}

int sniffer_dlt(const struct sniffer *sniffer)
{
	return pcap_datalink(sniffer->pcap);
}

int sniffer_fd(const struct sniffer *sniffer)
{
	return pcap_get_selectable_fd(sniffer->pcap);
}

enum sniffer_result sniffer_next(struct sniffer *sniffer, struct savefile_record *record)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int result = pcap_next_ex(sniffer->pcap, &header, &bytes);

	if (result == 0)
		return SNIFFER_IDLE;
	if (result != 1)
		return SNIFFER_ERROR;
	record->frame = (struct slice){bytes, header->caplen};
	record->wire_length = header->len;
	record->time_ns =
		header->ts.tv_sec * NANOSECONDS_PER_SECOND + header->ts.tv_usec * sniffer->tick_ns;
	return SNIFFER_FRAME;
}

uint64_t sniffer_dropped(struct sniffer *sniffer)
{
	struct pcap_stat stat;

	if (pcap_stats(sniffer->pcap, &stat) < 0)
		return 0;
	return (uint64_t)stat.ps_drop + stat.ps_ifdrop;
}

const char *sniffer_error(const struct sniffer *sniffer)
{
	return pcap_geterr(sniffer->pcap);
}

void sniffer_close(struct sniffer *sniffer)
{
	if (!sniffer)
		return;
	pcap_close(sniffer->pcap);
	free(sniffer);
}

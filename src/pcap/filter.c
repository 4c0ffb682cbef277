/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcap/filter.h"

#include <errno.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pcap/savefile.h"

#define PCAP_ENCAPSULATION    30 /* -X: a pcap record header and an Ethernet header */
#define JMIRROR_ENCAPSULATION 8
#define COOKED_HEADER	      16 /* sll_header of libpcap */
#define COOKED_PACKET_TYPE    0
#define COOKED_PROTOCOL	      14

_Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter) &&
		       offsetof(struct bpf_insn, jt) == offsetof(struct sock_filter, jt) &&
		       offsetof(struct bpf_insn, jf) == offsetof(struct sock_filter, jf) &&
		       offsetof(struct bpf_insn, k) == offsetof(struct sock_filter, k),
	       "libpcap and the kernel agree on an instruction");

struct filter_handle {
	pcap_t *pcap;
};

/* Appends to text; what does not fit only counts, so that the end tells. */
struct writer {
	char *text;
	size_t size;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void text_add(struct writer *writer,
							   const char *format, ...)
{
	size_t left = writer->length < writer->size ? writer->size - writer->length : 0;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(left ? writer->text + writer->length : NULL, left, format, arguments);
	va_end(arguments);
	writer->length += (size_t)length;
}

/* How much further inside the encapsulated packet lies than the outer one. */
static uint32_t udp_shift(const struct filter_options *options)
{
	if (options->is_pcap_encapsulated)
		return 8 + PCAP_ENCAPSULATION + 20;
	return options->is_jmirror_encapsulated ? 8 + JMIRROR_ENCAPSULATION + 20 : 0;
}

static void add_ports(struct writer *writer, const struct filter_options *options)
{
	if (options->port_count == 1) {
		text_add(writer, "src port %u", options->ports[0]);
		return;
	}
	for (uint32_t i = 0; i < options->port_count; i++)
		text_add(writer, "%ssrc port %u", i ? " or " : "(", options->ports[i]);
	text_add(writer, ")");
}

/* Only IPv4 has its QR bit tested: the language has no udp[] for IPv6. */
static void add_dns(struct writer *writer, const struct filter_options *options)
{
	text_add(writer, "(udp and ");
	add_ports(writer, options);
	text_add(writer, " and (ip6 or (ip and udp[%u:1] & 0x80 = 0x80)))",
		 10 + udp_shift(options));
}

/* The field modulo n, written out as the spec has it. */
static void add_share(struct writer *writer, const char *field,
		      const struct filter_options *options)
{
	text_add(writer, "((%s - %s/%u*%u) = %u)", field, field, options->share_count,
		 options->share_count, options->share_index);
}

static void add_ipv4_share(struct writer *writer, const struct filter_options *options)
{
	char destination[16];

	snprintf(destination, sizeof(destination), "ip[%u:4]", 16 + udp_shift(options));
	if (!options->is_checksum_split) {
		add_share(writer, destination, options);
		return;
	}
	text_add(writer, "(((udp[6:2] != 0) and ");
	add_share(writer, "udp[6:2]", options);
	text_add(writer, ") or ((udp[6:2] = 0) and ");
	add_share(writer, destination, options);
	text_add(writer, "))");
}

static void add_wanted(struct writer *writer, const struct filter_options *options)
{
	if (options->share_count <= 1) {
		add_dns(writer, options);
		return;
	}
	text_add(writer, "(ip and (");
	add_dns(writer, options);
	text_add(writer, ") and ");
	add_ipv4_share(writer, options);
	text_add(writer, ") or (ip6 and (");
	add_dns(writer, options);
	text_add(writer, ") and ");
	add_share(writer, "ip6[46:2]", options);
	text_add(writer, ")");
}

int filter_text(const struct filter_options *options, char *text, size_t size)
{
	struct writer writer = {.text = text, .size = size};

	text_add(&writer, "(");
	add_wanted(&writer, options);
	text_add(&writer, ")");
	if (!options->is_untagged) {
		text_add(&writer, " or (vlan and (");
		add_wanted(&writer, options);
		text_add(&writer, "))");
	}
	return writer.length < size ? (int)writer.length : -ENOSPC;
}

static int compile(pcap_t *pcap, const char *expression, struct filter_program *program,
		   char *error)
{
	struct bpf_program compiled;
	int result = 0;

	if (pcap_compile(pcap, &compiled, expression, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(error, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(pcap));
		return -EINVAL;
	}
	if (compiled.bf_len > FILTER_INSTRUCTIONS_MAX) {
		snprintf(error, PCAP_ERRBUF_SIZE,
			 "the filter has %u instructions, at most %d can be", compiled.bf_len,
			 FILTER_INSTRUCTIONS_MAX);
		result = -EINVAL;
	} else {
		program->length = (uint16_t)compiled.bf_len;
		memcpy(program->instructions, compiled.bf_insns,
		       compiled.bf_len * sizeof(program->instructions[0]));
	}
	pcap_freecode(&compiled);
	return result;
}

int filter_compile(const char *expression, int dlt, struct filter_program *program, char *error)
{
	pcap_t *pcap = pcap_open_dead(dlt, SAVEFILE_CAPTURE_MAX);
	int result;

	if (!pcap) {
		snprintf(error, PCAP_ERRBUF_SIZE, "out of memory");
		return -EINVAL;
	}
	result = compile(pcap, expression, program, error);
	pcap_close(pcap);
	return result;
}

/* The socket of the handle is only there to be asked: nothing shall be copied into its ring. */
static int handle_silence(pcap_t *pcap)
{
	struct bpf_insn none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct bpf_program reject = {.bf_len = 1, .bf_insns = &none};

	return pcap_setfilter(pcap, &reject);
}

struct filter_handle *filter_handle_open(const char *interface, char *error)
{
	struct filter_handle *handle;
	pcap_t *pcap = pcap_create(interface, error);
	int result;

	if (!pcap)
		return NULL;
	pcap_set_snaplen(pcap, SAVEFILE_CAPTURE_MAX);
	pcap_set_buffer_size(pcap, 2 * SAVEFILE_CAPTURE_MAX);
	result = pcap_activate(pcap);
	if (result >= 0)
		result = handle_silence(pcap);
	if (result < 0) {
		snprintf(error, PCAP_ERRBUF_SIZE, "%s: %s", interface,
			 *pcap_geterr(pcap) ? pcap_geterr(pcap) : pcap_statustostr(result));
		pcap_close(pcap);
		return NULL;
	}
	handle = xcalloc(1, sizeof(*handle));
	handle->pcap = pcap;
	return handle;
}

enum link_type filter_handle_link(const struct filter_handle *handle)
{
	switch (pcap_datalink(handle->pcap)) {
	case DLT_EN10MB:
		return LINK_ETHERNET;
	case DLT_LINUX_SLL:
	case DLT_RAW:
		return LINK_COOKED;
	default:
		return LINK_UNSUPPORTED;
	}
}

/* The 16 bytes that libpcap puts before a cooked packet no socket has: ask the kernel instead. */
static bool uncook_load(struct sock_filter *load)
{
	if (load->k >= (uint32_t)SKF_LL_OFF)
		return true;
	if (load->k >= COOKED_HEADER)
		load->k -= COOKED_HEADER;
	else if (BPF_MODE(load->code) == BPF_ABS && load->k == COOKED_PROTOCOL)
		load->k = (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL);
	else if (BPF_MODE(load->code) == BPF_ABS && load->k == COOKED_PACKET_TYPE)
		load->k = (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE);
	else
		return false;
	return true;
}

static bool is_packet_load(const struct sock_filter *instruction)
{
	uint32_t class = BPF_CLASS(instruction->code), mode = BPF_MODE(instruction->code);

	return (class == BPF_LD || class == BPF_LDX) &&
	       (mode == BPF_ABS || mode == BPF_IND || mode == BPF_MSH);
}

static bool uncook(struct filter_program *program)
{
	for (uint32_t i = 0; i < program->length; i++)
		if (is_packet_load(&program->instructions[i]) &&
		    !uncook_load(&program->instructions[i]))
			return false;
	return true;
}

int filter_handle_compile(struct filter_handle *handle, const char *expression,
			  struct filter_program *program, char *error)
{
	int result = compile(handle->pcap, expression, program, error);

	if (result == 0 && pcap_datalink(handle->pcap) == DLT_LINUX_SLL && !uncook(program)) {
		snprintf(error, PCAP_ERRBUF_SIZE,
			 "the filter asks for a link-layer address, which this interface has not");
		return -EINVAL;
	}
	return result;
}

void filter_handle_close(struct filter_handle *handle)
{
	if (!handle)
		return;
	pcap_close(handle->pcap);
	free(handle);
}

/* Of what libpcap lists, pseudo-devices ("any", usbmon0) have no interface index. */
static const pcap_if_t *interface_find(const pcap_if_t *all, bool is_loopback)
{
	for (const pcap_if_t *each = all; each; each = each->next)
		if ((each->flags & PCAP_IF_UP) &&
		    is_loopback == !!(each->flags & PCAP_IF_LOOPBACK) && if_nametoindex(each->name))
			return each;
	return NULL;
}

int filter_default_interface(char *name, size_t size)
{
	char error[PCAP_ERRBUF_SIZE];
	const pcap_if_t *found;
	pcap_if_t *all = NULL;
	int result = -ENODEV;

	if (pcap_findalldevs(&all, error) < 0)
		return -ENODEV;
	found = interface_find(all, false);
	if (!found)
		found = interface_find(all, true);
	if (found && strlen(found->name) < size) {
		memcpy(name, found->name, strlen(found->name) + 1);
		result = 0;
	}
	pcap_freealldevs(all);
	return result;
}

bool filter_match(const struct filter_program *program, struct slice frame, uint32_t wire_length)
{
	return bpf_filter((const struct bpf_insn *)program->instructions, frame.data, wire_length,
			  (u_int)frame.length) != 0;
}

const char *filter_library_version(void)
{
	return pcap_lib_version();
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/address.h"
#include "pcap/filter.h"
#include "tests/lib/build.h"

#define DLT_ETHERNET 1

#define DNS(ports, at) "(udp and " ports " and (ip6 or (ip and udp[" at ":1] & 0x80 = 0x80)))"
#define DNS_53	       DNS("src port 53", "10")

static struct filter_options options_of(uint16_t port)
{
	return (struct filter_options){.ports = {port}, .port_count = 1, .share_count = 1};
}

static void check_text(const struct filter_options *options, const char *wanted)
{
	char text[FILTER_TEXT_MAX], expected[FILTER_TEXT_MAX];
	size_t length;

	snprintf(expected, sizeof(expected), "(%s) or (vlan and (%s))", wanted, wanted);
	length = strlen(expected);
	assert_int_equal(filter_text(options, text, sizeof(text)), length);
	assert_string_equal(text, expected);
	memset(text, 'x', sizeof(text));
	assert_int_equal(filter_text(options, text, length + 1), length);
	assert_string_equal(text, expected);
	assert_int_equal(filter_text(options, text, length), -ENOSPC);
	assert_int_equal(filter_text(options, text, 0), -ENOSPC);
}

static void test_filter_default_text_is_that_of_the_spec(void **state)
{
	const struct filter_options options = options_of(53);
	char text[FILTER_TEXT_MAX];

	(void)state;
	assert_true(filter_text(&options, text, sizeof(text)) > 0);
	assert_string_equal(
		text,
		"((udp and src port 53 and (ip6 or (ip and udp[10:1] & 0x80 = 0x80)))) or "
		"(vlan and ((udp and src port 53 and (ip6 or (ip and udp[10:1] & 0x80 = 0x80)))))");
	check_text(&options, DNS_53);
}

static void test_filter_second_of_four_text_is_that_of_the_spec(void **state)
{
	struct filter_options options = options_of(53);
	char text[FILTER_TEXT_MAX];

	(void)state;
	options.share_count = 4;
	options.share_index = 1;
	assert_true(filter_text(&options, text, sizeof(text)) > 0);
	assert_string_equal(text, "((ip and ((udp and src port 53 and (ip6 or (ip and udp[10:1] & "
				  "0x80 = 0x80)))) and "
				  "((ip[16:4] - ip[16:4]/4*4) = 1)) or (ip6 and ((udp and src port "
				  "53 and (ip6 or (ip and "
				  "udp[10:1] & 0x80 = 0x80)))) and ((ip6[46:2] - ip6[46:2]/4*4) = "
				  "1))) or (vlan and ((ip and "
				  "((udp and src port 53 and (ip6 or (ip and udp[10:1] & 0x80 = "
				  "0x80)))) and ((ip[16:4] - "
				  "ip[16:4]/4*4) = 1)) or (ip6 and ((udp and src port 53 and (ip6 "
				  "or (ip and udp[10:1] & 0x80 = "
				  "0x80)))) and ((ip6[46:2] - ip6[46:2]/4*4) = 1))))");
}

static void test_filter_checksum_split_text(void **state)
{
	struct filter_options options = options_of(53);

	(void)state;
	options.is_checksum_split = true;
	check_text(&options, DNS_53);
	options.share_count = 3;
	options.share_index = 2;
	check_text(&options, "(ip and (" DNS_53
			     ") and (((udp[6:2] != 0) and ((udp[6:2] - udp[6:2]/3*3) = 2)) or "
			     "((udp[6:2] = 0) and ((ip[16:4] - ip[16:4]/3*3) = 2)))) or "
			     "(ip6 and (" DNS_53 ") and ((ip6[46:2] - ip6[46:2]/3*3) = 2))");
}

static void test_filter_port_list_text(void **state)
{
	struct filter_options options = options_of(53);

	(void)state;
	options.ports[1] = 5353;
	options.port_count = 2;
	check_text(&options, DNS("(src port 53 or src port 5353)", "10"));
	options = (struct filter_options){
		.ports = {65535, 0, 10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 5353},
		.port_count = FILTER_PORTS_MAX,
		.share_count = 1,
	};
	check_text(&options,
		   DNS("(src port 65535 or src port 0 or src port 10000 or src port 10001 or "
		       "src port 10002 or src port 10003 or src port 10004 or src port 10005 or "
		       "src port 10006 or src port 10007 or src port 5353)",
		       "10"));
}

static void test_filter_encapsulation_moves_offsets(void **state)
{
	struct filter_options options = options_of(53);

	(void)state;
	options.is_pcap_encapsulated = true;
	check_text(&options, DNS("src port 53", "68"));
	options.share_count = 2;
	check_text(&options,
		   "(ip and (" DNS("src port 53",
				   "68") ") and ((ip[74:4] - ip[74:4]/2*2) = 0)) or "
					 "(ip6 and (" DNS(
						 "src port 53",
						 "68") ") and ((ip6[46:2] - ip6[46:2]/2*2) = 0))");
	options = options_of(53);
	options.is_jmirror_encapsulated = true;
	check_text(&options, DNS("src port 53", "46"));
	options.share_count = 2;
	options.is_checksum_split = true;
	check_text(&options,
		   "(ip and (" DNS("src port 53",
				   "46") ") and (((udp[6:2] != 0) and "
					 "((udp[6:2] - udp[6:2]/2*2) = 0)) or ((udp[6:2] = 0) and "
					 "((ip[52:4] - ip[52:4]/2*2) = 0)))) or "
					 "(ip6 and (" DNS(
						 "src port 53",
						 "46") ") and ((ip6[46:2] - ip6[46:2]/2*2) = 0))");
}

static void test_filter_untagged_text_has_no_vlan(void **state)
{
	struct filter_options options = options_of(53);
	char text[FILTER_TEXT_MAX];

	(void)state;
	options.is_untagged = true;
	assert_int_equal(filter_text(&options, text, sizeof(text)), strlen("(" DNS_53 ")"));
	assert_string_equal(text, "(" DNS_53 ")");
}

static void test_filter_longest_text_fits_and_compiles(void **state)
{
	static struct filter_program program;
	char text[FILTER_TEXT_MAX], error[256];
	struct filter_options options = {
		.ports = {65535, 65534, 65533, 65532, 65531, 65530, 65529, 65528, 65527, 65526,
			  65525},
		.port_count = FILTER_PORTS_MAX,
		.share_index = UINT32_MAX - 1,
		.share_count = UINT32_MAX,
		.is_checksum_split = true,
		.is_pcap_encapsulated = true,
	};

	(void)state;
	assert_true(filter_text(&options, text, sizeof(text)) > 0);
	options.share_index = 63;
	options.share_count = 64;
	assert_true(filter_text(&options, text, sizeof(text)) > 1024);
	assert_int_equal(filter_compile(text, DLT_ETHERNET, &program, error), 0);
}

static void make_response(struct build *b, const char *source, const char *destination,
			  uint16_t port)
{
	const uint8_t header[12] = {0, 1, 0x81, 0x80};

	build_start(b, header, sizeof(header));
	build_udp(b, port, 40000);
	build_ip(b, source, destination);
}

static bool is_matched(const struct filter_program *program, const struct build *b)
{
	return filter_match(program, build_frame(b), (uint32_t)build_frame(b).length);
}

static void test_filter_matches_responses_with_up_to_one_tag(void **state)
{
	static struct filter_program program;
	const struct filter_options options = options_of(53);
	static struct build b;
	char text[FILTER_TEXT_MAX], error[256];

	(void)state;
	filter_text(&options, text, sizeof(text));
	assert_int_equal(filter_compile(text, DLT_ETHERNET, &program, error), 0);
	for (int tags = 0; tags <= 2; tags++) {
		make_response(&b, "192.0.2.1", "192.0.2.2", 53);
		for (int i = 0; i < tags; i++)
			build_vlan(&b, 0x8100, 7);
		build_ethernet(&b);
		assert_int_equal(is_matched(&program, &b), tags < 2);
		make_response(&b, "2001:db8::1", "2001:db8::2", 53);
		for (int i = 0; i < tags; i++)
			build_vlan(&b, 0x8100, 7);
		build_ethernet(&b);
		assert_int_equal(is_matched(&program, &b), tags < 2);
	}
	make_response(&b, "192.0.2.1", "192.0.2.2", 54);
	build_ethernet(&b);
	assert_false(is_matched(&program, &b));
	assert_false(filter_match(&program, (struct slice){NULL, 0}, 0));
	for (size_t length = 0; length < 34; length++)
		assert_false(
			filter_match(&program, (struct slice){build_frame(&b).data, length}, 60));
}

static void test_filter_shares_divide_by_destination_and_checksum(void **state)
{
	static struct filter_program program;
	static struct build b;
	struct filter_options options = options_of(53);
	char text[FILTER_TEXT_MAX], error[256], destination[ADDRESS_TEXT_MAX];
	uint32_t checksum;

	(void)state;
	options.share_count = 7;
	for (uint32_t share = 0; share < 7; share++) {
		options.share_index = share;
		filter_text(&options, text, sizeof(text));
		assert_int_equal(filter_compile(text, DLT_ETHERNET, &program, error), 0);
		for (uint32_t host = 0; host < 70; host++) {
			snprintf(destination, sizeof(destination), "240.0.2.%u", host);
			make_response(&b, "192.0.2.1", destination, 53);
			build_ethernet(&b);
			assert_int_equal(is_matched(&program, &b),
					 (240u << 24 | 2u << 8 | host) % 7 == share);
			snprintf(destination, sizeof(destination), "2001:db8::%u", host);
			make_response(&b, "2001:db8:1::", destination, 53);
			build_ethernet(&b);
			checksum = (uint32_t)(build_frame(&b).data[60] << 8 |
					      build_frame(&b).data[61]);
			assert_int_equal(is_matched(&program, &b), checksum % 7 == share);
		}
	}
}

static void test_filter_compile_tells_what_is_wrong(void **state)
{
	static struct filter_program program;
	static char text[1 << 20];
	char error[256] = "";
	size_t length = 0;

	(void)state;
	assert_int_equal(filter_compile("udp and porf 53", DLT_ETHERNET, &program, error), -EINVAL);
	assert_true(strlen(error) > 0);
	error[0] = '\0';
	assert_int_equal(filter_compile("vlan", 113, &program, error), -EINVAL);
	assert_true(strlen(error) > 0);
	for (uint32_t i = 0; i < 2500; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%sudp[%u:2] = %u",
					   i ? " or " : "", 8 + i % 1000, i);
	error[0] = '\0';
	assert_int_equal(filter_compile(text, DLT_ETHERNET, &program, error), -EINVAL);
	assert_non_null(strstr(error, "instructions"));
}

static void test_filter_empty_expression_matches_all(void **state)
{
	static struct filter_program program;
	char error[256];

	(void)state;
	assert_int_equal(filter_compile("", DLT_ETHERNET, &program, error), 0);
	assert_true(filter_match(&program, (struct slice){(const uint8_t *)"x", 1}, 1));
}

/* A network of the test's own, so that no other traffic is seen; for the rest of this process. */
static void network_enter_or_skip(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET) < 0) {
		print_message("# skipped: no network namespace: %s\n", strerror(errno));
		skip();
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

static int socket_open(int type, const struct filter_program *program)
{
	const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	const struct sock_fprog filter = {program->length,
					  (struct sock_filter *)program->instructions};
	int fd = socket(AF_PACKET, type | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&all, sizeof(all)), 0);
	return fd;
}

/* One datagram over loopback, from source port 53535 or a neighbour. */
static void datagram_send(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	address.sin_port = htons(9);
	assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&address, sizeof(address)),
			 5);
	close(fd);
}

static void check_live(const char *interface, enum link_type link, int type, const char *expression)
{
	static struct filter_program program;
	struct pollfd poll_fd = {.events = POLLIN};
	struct filter_handle *handle;
	char error[256] = "";
	uint8_t packet[2048];
	ssize_t length;

	network_enter_or_skip();
	handle = filter_handle_open(interface, error);
	assert_string_equal(error, "");
	assert_int_equal(filter_handle_link(handle), link);
	assert_int_equal(filter_handle_compile(handle, expression, &program, error), 0);
	assert_int_equal(filter_handle_compile(handle, "udp and porf", &program, error), -EINVAL);
	assert_int_equal(filter_handle_compile(handle, expression, &program, error), 0);
	filter_handle_close(handle);
	poll_fd.fd = socket_open(type, &program);
	datagram_send(53536);
	datagram_send(53535);
	assert_int_equal(poll(&poll_fd, 1, 1000), 1);
	length = recv(poll_fd.fd, packet, sizeof(packet), 0);
	assert_int_equal(length, (type == SOCK_RAW ? 14 : 0) + 20 + 8 + 5);
	assert_int_equal(packet[length - 13] << 8 | packet[length - 12], 53535);
	close(poll_fd.fd);
}

static void test_filter_handle_filters_raw_socket(void **state)
{
	(void)state;
	check_live("lo", LINK_ETHERNET, SOCK_RAW,
		   "(udp and src port 53535) or (vlan and udp and src port 53535)");
}

static void test_filter_handle_filters_cooked_socket(void **state)
{
	(void)state;
	check_live("any", LINK_COOKED, SOCK_DGRAM, "udp and src port 53535");
	check_live("any", LINK_COOKED, SOCK_DGRAM, "inbound and ip[20:2] = 53535");
}

static void test_filter_handle_refuses_link_address_of_cooked_frames(void **state)
{
	static struct filter_program program;
	struct filter_handle *handle;
	char error[256] = "";

	(void)state;
	network_enter_or_skip();
	handle = filter_handle_open("any", error);
	assert_non_null(handle);
	assert_int_equal(filter_handle_compile(handle, "link[6:2] = 1", &program, error), -EINVAL);
	assert_non_null(strstr(error, "link-layer"));
	filter_handle_close(handle);
}

static void test_filter_handle_open_tells_what_is_wrong(void **state)
{
	char error[256] = "";

	(void)state;
	assert_null(filter_handle_open("no-such-if0", error));
	assert_non_null(strstr(error, "no-such-if0"));
	filter_handle_close(NULL);
}

static void test_filter_default_interface_is_a_real_one(void **state)
{
	char name[IF_NAMESIZE] = "", tiny[1];
	int result = filter_default_interface(name, sizeof(name));

	(void)state;
	if (result == 0)
		assert_true(if_nametoindex(name) > 0);
	else
		assert_int_equal(result, -ENODEV);
	assert_int_equal(filter_default_interface(tiny, sizeof(tiny)), -ENODEV);
}

static void test_filter_library_version_names_libpcap(void **state)
{
	(void)state;
	assert_non_null(strstr(filter_library_version(), "libpcap"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter_default_text_is_that_of_the_spec),
		cmocka_unit_test(test_filter_second_of_four_text_is_that_of_the_spec),
		cmocka_unit_test(test_filter_checksum_split_text),
		cmocka_unit_test(test_filter_port_list_text),
		cmocka_unit_test(test_filter_encapsulation_moves_offsets),
		cmocka_unit_test(test_filter_untagged_text_has_no_vlan),
		cmocka_unit_test(test_filter_longest_text_fits_and_compiles),
		cmocka_unit_test(test_filter_matches_responses_with_up_to_one_tag),
		cmocka_unit_test(test_filter_shares_divide_by_destination_and_checksum),
		cmocka_unit_test(test_filter_compile_tells_what_is_wrong),
		cmocka_unit_test(test_filter_empty_expression_matches_all),
		cmocka_unit_test(test_filter_default_interface_is_a_real_one),
		cmocka_unit_test(test_filter_handle_filters_raw_socket),
		cmocka_unit_test(test_filter_handle_filters_cooked_socket),
		cmocka_unit_test(test_filter_handle_refuses_link_address_of_cooked_frames),
		cmocka_unit_test(test_filter_handle_open_tells_what_is_wrong),
		cmocka_unit_test(test_filter_library_version_names_libpcap),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program of a SO_REUSEPORT group of UDP sockets: the index of the socket, and so of the
 * worker, for a query. Every spelling of a name comes to one worker, which so has all of its cache
 * entries and queries in flight. Offset 0 is the first octet of the datagram's payload, in IPv4 and
 * IPv6.
 */
#include <linux/bpf.h>
#include <asm/byteorder.h>
#include <bpf/bpf_helpers.h>
#include "bpf/steer.h"

#define HEADER_LENGTH  12		     /* of a DNS message; the question comes behind it */
#define WORDS	       32		     /* of 8 octets: a name has at most 255 */
#define LETTER_CASE    0x2020202020202020ULL /* what upper case lacks */
#define MULTIPLIER     0x9e3779b97f4a7c15ULL /* 2^64 divided by the golden ratio */
#define EVERY_OCTET(x) (0x0101010101010101ULL * (x))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct steer_settings);
} settings SEC(".maps");

/* The lowest bit of the first octet that is zero, its upper one; 0: none is. (What this finds above
 * the first may be wrong.) */
static __always_inline __u64 first_zero(__u64 word)
{
	__u64 zeros = (word - EVERY_OCTET(0x01)) & ~word & EVERY_OCTET(0x80);

	return zeros & -zeros;
}

/* Every bit of the word reaches the upper half: products carry upwards alone. */
static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash ^= word | LETTER_CASE;
	hash ^= hash >> 32;
	return hash * MULTIPLIER;
}

/* Lower bits of what came last reach the upper half by this only: short names that differ in a
 * digit would else stay together for one key in eight. */
static __always_inline __u64 finish(__u64 hash)
{
	return (hash ^ hash >> 32) * MULTIPLIER;
}

/* Up to the first zero octet, which ends a name, whatever else it may be: all spellings have it in
 * the same place. Behind the end of the message there are zeros. */
static __always_inline __u64 hash_name(const __u64 *words, __u64 hash)
{
	for (int i = 0; i < WORDS; i++) {
		__u64 word = __le64_to_cpu(words[i]), end = first_zero(word);

		if (end)
			return mix(hash, word & ((end >> 7) - 1));
		hash = mix(hash, word);
	}
	return hash;
}

SEC("socket")
int steer(struct __sk_buff *skb)
{
	const __u32 only = 0;
	const struct steer_settings *wanted = bpf_map_lookup_elem(&settings, &only);
	__u64 words[WORDS] = {0}, hash;
	__u64 length = skb->len; /* the verifier loses sight of a narrower one */

	if (!wanted || wanted->worker_count <= 1 || length <= HEADER_LENGTH)
		return 0;
	length -= HEADER_LENGTH;
	if (length > sizeof(words))
		length = sizeof(words);
	if (bpf_skb_load_bytes(skb, HEADER_LENGTH, words, length) < 0)
		return 0;
	hash = finish(hash_name(words, wanted->key));
	return (int)((hash >> 32) * wanted->worker_count >> 32);
}

char LICENSE[] SEC("license") = "BSD";

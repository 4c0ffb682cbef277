/* SPDX-License-Identifier: BSD-3-Clause */
/* Any message, as every worker sees it. */
#include <assert.h>
#include <string.h>

#include "dns/message.h"
#include "dns/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_answer answer;
	struct dns_question question;
	struct slice message = {data, size}, name;
	bool is_parsed = dns_question_parse(message, &question);
	enum dns_outcome outcome = dns_answer_parse(message, false, &answer);

	assert((question.rcode & 15) == (question.flags & 15) && question.rcode <= 0xfff);
	name = (struct slice){question.name, question.name_length};
	assert(name_wire_length(name) == name.length);
	if (!is_parsed)
		assert(!name.length && !question.type && question.rcode <= 15);
	if (outcome == DNS_RECORDED)
		assert(is_parsed && answer.type == question.type &&
		       answer.class == question.class && answer.question_length == name.length &&
		       !memcmp(answer.names, name.data, name.length));
	return 0;
}

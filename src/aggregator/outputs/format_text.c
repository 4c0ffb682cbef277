/* SPDX-License-Identifier: BSD-3-Clause */
/* One line, single blanks (spec 5.1). */
#include <string.h>

#include "aggregator/outputs/notation.h"
#include "dns/name.h"

static void separate(const struct field *before, const struct field *behind, char *text)
{
	const char *suffix = before && before->text_suffix ? before->text_suffix : "";

	strcpy(text, suffix);
	if (before && behind)
		strcat(text, " ");
	if (!behind)
		strcat(text, "\n");
}

static char *put_text(char *out, struct slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		uint8_t octet = text.data[i];

		if (octet > ' ' && octet < 0x7f && octet != '\\') {
			*out++ = (char)octet;
			continue;
		}
		*out++ = '\\';
		out = put_padded(out, octet, 3);
	}
	return out;
}

static char *write_text(const struct format *format, const struct field_source *source, char *out)
{
	static const struct notation_values values = {
		.unknown_number = "-", .unknown_text = "-", .put_text = put_text};

	return notation_put_record(format, source, out, values);
}

const struct notation notation_text = {
	.fields = "datetime\nidentity\nmessage\nrcode\nquery-ip\nquery-port\nfamily\nprotocol\n"
		  "length\nqname\nrrtype\nlatency",
	.fields_behind = "",
	.separate = separate,
	.escape = name_format_octet,
	.write = write_text,
};

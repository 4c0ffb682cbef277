/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/certificates.XXXXXX";

static const char script[] =
	"cd %s && exec >/dev/null 2>&1 && set -e\n"
	"key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
	"names=subjectAltName=DNS:logs.example,IP:127.0.0.1,IP:::1\n"
	"openssl req -x509 $key -keyout ca.key -out ca.pem -subj /CN=tests -days 2\n"
	"openssl req $key -keyout key.pem -out request.pem -subj /CN=server\n"
	"sign() {\n"
	"	printf '%%s\\n' \"$3\" \"$4\" >extensions\n"
	"	openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -extfile extensions"
	" -days $2 -out $1.pem\n"
	"}\n"
	"sign right 2 $names\n"
	"sign wrong 2 subjectAltName=DNS:other.example\n"
	"sign expired -1 $names\n"
	"sign client 2 $names extendedKeyUsage=clientAuth\n"
	"openssl req -x509 -key key.pem -out alone.pem -subj /CN=alone -addext $names -days 2\n";

bool certificates_make(void)
{
	char command[sizeof(script) + sizeof(folder)];

	if (!mkdtemp(folder))
		return false;
	snprintf(command, sizeof(command), script, folder);
	return system(command) == 0;
}

void certificates_remove(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		return;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

const char *certificates_path(const char *name)
{
	static char paths[4][CERTIFICATES_PATH_MAX];
	static unsigned int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, CERTIFICATES_PATH_MAX, "%s/%s", folder, name);
	return path;
}

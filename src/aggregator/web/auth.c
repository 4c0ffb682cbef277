/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "tls/digest.h"

#define SECRET_MAX 1024
#define BASIC	   "Basic "

/* Secrets are kept and compared as digests: all have one length, and none lies in memory. */
struct auth {
	bool has_key, has_password;
	struct digest key;
	struct digest login; /* of "login:password" */
};

/* The first line of a file, without its end. */
static bool read_secret(const char *key, const char *path, char secret[SECRET_MAX], char *error)
{
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(secret, SECRET_MAX, file);
	int problem = !file || ferror(file) ? errno : 0;

	if (file)
		fclose(file);
	if (problem) {
		snprintf(error, CONFIG_ERROR_MAX, "%s: %.200s: %s", key, path, strerror(problem));
		return false;
	}
	if (is_read)
		secret[strcspn(secret, "\r\n")] = '\0';
	if (is_read && *secret && strlen(secret) < SECRET_MAX - 1)
		return true;
	snprintf(error, CONFIG_ERROR_MAX, "%s: %.200s: the first line is no secret", key, path);
	return false;
}

static bool read_key(struct auth *auth, const struct config_web *config, char *error)
{
	char secret[SECRET_MAX];

	if (!*config->api_key_file)
		return true;
	if (!read_secret("web.api-key-file", config->api_key_file, secret, error))
		return false;
	auth->has_key = digest_make(&auth->key, secret, strlen(secret));
	explicit_bzero(secret, sizeof(secret));
	return auth->has_key;
}

static bool read_password(struct auth *auth, const struct config_web *config, char *error)
{
	char secret[SECRET_MAX], both[SECRET_MAX + CONFIG_WORD_MAX];
	int length;

	if (!*config->password_file && !*config->login)
		return true;
	if (!read_secret("web.password-file", config->password_file, secret, error))
		return false;
	length = snprintf(both, sizeof(both), "%s:%s", config->login, secret);
	auth->has_password = digest_make(&auth->login, both, (size_t)length);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(both, sizeof(both));
	return auth->has_password;
}

struct auth *auth_new(const struct config_web *config, char *error)
{
	struct auth *auth = xcalloc(1, sizeof(*auth));

	snprintf(error, CONFIG_ERROR_MAX, "no memory for a digest");
	if (read_key(auth, config, error) && read_password(auth, config, error))
		return auth;
	auth_free(auth);
	return NULL;
}

void auth_free(struct auth *auth)
{
	free(auth);
}

static int base64_digit(char digit)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648 4; padding may be missing. The length of what it says, or -1. */
static int decode_base64(const char *text, char *out, size_t size)
{
	uint32_t bits = 0;
	size_t length = 0;
	int digit, count = 0;

	for (; (digit = base64_digit(*text)) >= 0; text++, count++) {
		bits = bits << 6 | (uint32_t)digit;
		if (count % 4 == 0)
			continue;
		if (length == size)
			return -1;
		out[length++] = (char)(bits >> (6 - 2 * (count % 4)));
	}
	if (count % 4 == 1 || text[strspn(text, "=")] || strlen(text) > 2)
		return -1;
	return (int)length;
}

static bool is_key_right(const struct auth *auth, const char *given)
{
	struct digest digest;

	return digest_make(&digest, given, strlen(given)) && digest_equal(&digest, &auth->key) &&
	       auth->has_key;
}

static bool is_login_right(const struct auth *auth, const char *given)
{
	char both[SECRET_MAX + CONFIG_WORD_MAX];
	struct digest digest;
	int length;

	if (strncasecmp(given, BASIC, strlen(BASIC)))
		return false;
	given += strlen(BASIC);
	length = decode_base64(given + strspn(given, " "), both, sizeof(both));
	if (length < 0)
		return false;
	return digest_make(&digest, both, (size_t)length) && digest_equal(&digest, &auth->login) &&
	       auth->has_password;
}

bool auth_is_loopback(const struct address *address)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	static const uint8_t mapped[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};

	if (address->version == 4)
		return address->bytes[0] == 127;
	return address->version == 6 && (!memcmp(address->bytes, loopback6, sizeof(loopback6)) ||
					 !memcmp(address->bytes, mapped, sizeof(mapped)));
}

bool auth_allows(const struct auth *auth, const struct http_request *request)
{
	uint32_t given = 0, right = 0;
	const char *value;

	if (!auth->has_key && !auth->has_password)
		return auth_is_loopback(http_peer(request));
	for (uint32_t i = 0; (value = http_field(request, "X-API-Key", i)); i++, given++)
		right += is_key_right(auth, value);
	for (uint32_t i = 0; (value = http_field(request, "Authorization", i)); i++, given++)
		right += is_login_right(auth, value);
	return given && given == right;
}

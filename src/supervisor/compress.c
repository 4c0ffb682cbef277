/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/compress.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "ipc/control.h"
#include "supervisor/compress_sandbox.h"

#define CHUNK	   (256u << 10)
#define GZIP_BITS  (15 + 16) /* the largest window, and gzip's frame */
#define GZIP_LEVEL 6
#define ZSTD_LEVEL 3

static uint8_t input[CHUNK], output[CHUNK];

static void __attribute__((noreturn)) refuse(const char *text)
{
	control_send(CHILD_FD_CONTROL, CONTROL_FAILED, 0, text);
	_exit(EXIT_FAILURE);
}

/* 0 at the end. */
static size_t take(void)
{
	ssize_t length;

	do
		length = read(CHILD_FD_INPUT, input, sizeof(input));
	while (length < 0 && errno == EINTR);
	if (length < 0)
		refuse(strerror(errno));
	return (size_t)length;
}

static void put(size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t written = write(CHILD_FD_OUTPUT, output + done, length - done);

		if (written < 0 && errno != EINTR)
			refuse(strerror(errno));
		done += written < 0 ? 0 : (size_t)written;
	}
}

static void compress_gzip(void)
{
	z_stream stream = {0};
	int flush;

	if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_BITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		refuse("zlib has no memory");
	do {
		stream.next_in = input;
		stream.avail_in = (uInt)take();
		flush = stream.avail_in ? Z_NO_FLUSH : Z_FINISH;
		do {
			stream.next_out = output;
			stream.avail_out = sizeof(output);
			deflate(&stream, flush);
			put(sizeof(output) - stream.avail_out);
		} while (!stream.avail_out);
	} while (flush != Z_FINISH);
	deflateEnd(&stream);
}

static void compress_zstd(void)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer in;
	size_t left;

	if (!context || ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_LEVEL)))
		refuse("zstd has no memory");
	do {
		in = (ZSTD_inBuffer){input, take(), 0};
		do {
			ZSTD_outBuffer out = {output, sizeof(output), 0};

			left = ZSTD_compressStream2(context, &out, &in,
						    in.size ? ZSTD_e_continue : ZSTD_e_end);
			if (ZSTD_isError(left))
				refuse(ZSTD_getErrorName(left));
			put(out.pos);
		} while (in.size ? in.pos < in.size : left > 0);
	} while (in.size);
	ZSTD_freeCCtx(context);
}

int compress_main(const struct child_identity *identity, int argument_count, char **arguments)
{
	if (argument_count != 3)
		return EXIT_FAILURE;
	if (nice(19) < 0 && errno)
		errno = 0; /* then it competes with the others */
	if (child_drop_privileges((uid_t)strtoul(arguments[1], NULL, 10),
				  (gid_t)strtoul(arguments[2], NULL, 10)) < 0 ||
	    !child_follow(identity->parent, SIGKILL) || compress_sandbox_enter() < 0)
		return EXIT_FAILURE;
	if (!strcmp(arguments[0], "zstd"))
		compress_zstd();
	else
		compress_gzip();
	/* The original is removed as soon as we have ended. */
	if (fsync(CHILD_FD_OUTPUT) < 0)
		refuse(strerror(errno));
	return EXIT_SUCCESS;
}

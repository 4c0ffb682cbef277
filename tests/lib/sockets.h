/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Sockets at "address:port" for tools. All return a descriptor, or -errno (-EINVAL for the text).
 * A UDP socket has the largest receive buffer that it is given.
 */
int udp_bind(const char *text);
int tcp_listen(const char *text);
int tcp_connect(const char *text);

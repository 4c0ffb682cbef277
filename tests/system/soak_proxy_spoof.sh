#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A thousand questions, each with ten thousand forged answers before the true one.
LIES=10000 LIED_TO=1000 exec "$(dirname "$0")/test_proxy_spoof.sh"

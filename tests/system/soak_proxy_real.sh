#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Sixty thousand other questions to each of unbound and knotd, directly and through the proxy.
QUESTIONS=60000 SEED=${SEED:-2} exec "$(dirname "$0")/test_proxy_real.sh"

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

struct supervisor;

/* The tables of spec/sentry.md 6, a line of the log for each of theirs: what the proxy did, and the
 * hundred names that were asked for most. Nothing without a proxy. */
void proxy_report_log(struct supervisor *supervisor);

/* On standard output, of a dry run: what each rule would have done. */
void proxy_report_print(struct supervisor *supervisor);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

struct supervisor;

/* The tables of spec/sentry.md 6, in the log: what the proxy did, and the names that were asked for
 * most. */
void proxy_report_log(struct supervisor *supervisor);

/* On standard output, of a dry run: what each rule would have done. */
void proxy_report_print(struct supervisor *supervisor);

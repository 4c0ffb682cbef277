/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The process that an operator starts: holds everything that must outlive a worker, starts, watches
 * and replaces workers, and touches no packet. Returns the exit status of the run.
 */
int supervisor_main(int argc, char **argv);

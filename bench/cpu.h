/* SPDX-License-Identifier: Apache-2.0 */
/* What this process has cost: nanoseconds on a processor, of all its threads. */
#ifndef BATON_BENCH_CPU_H
#define BATON_BENCH_CPU_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>

extern volatile sig_atomic_t cpu_stop;

/** SIGTERM and SIGINT set cpu_stop and interrupt system calls. */
void cpu_stop_on_signals(void);

/** Sum over /proc/self/task/(all)/schedstat. */
uint64_t cpu_ns(void);

/** One line: name, datagrams, CPU per datagram. */
void cpu_report(const char *name, uint64_t datagrams);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Counters in the log: `name=value` of all that are not zero, part by part. */
#ifndef BATON_SERVER_COUNTERS_H
#define BATON_SERVER_COUNTERS_H

#include "api/api.h"
#include "server/log.h"

void counters_write(struct log *log, api_each_count each, void *ctx);

#endif

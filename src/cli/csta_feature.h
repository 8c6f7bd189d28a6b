/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of `baton csta` about what is switched on at a device (dnd, forward, waiting,
 * agent): their requests, and their answers and events as text.
 */
#ifndef BATON_CLI_CSTA_FEATURE_H
#define BATON_CLI_CSTA_FEATURE_H

#include "cli/csta_request.h"

/**
 * The request of one of these verbs, which asks when there is only a device.
 * @param complaint  written on E_VALUE
 * @return 0, E_NOMEM, E_VALUE
 */
MUST_USE int csta_feature_build(struct csta_order *o, const struct str *arg, size_t narg,
                                struct arena *a, struct str *complaint);

/** What such an answer or event says, behind its name: "on", "meyer agentBusy". Empty: nothing,
    or it is none. */
struct str csta_feature_text(const struct csta_msg *m, struct arena *a);

#endif

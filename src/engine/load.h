/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load: refuse early what could not be served, so that what has begun is.
 *
 *   level   when                                        what is refused with 503
 *   high    `high_percent` of a table is taken, or the  what begins something: INVITE,
 *           loop is `lag_ms` late again                 SUBSCRIBE, MESSAGE, OPTIONS, PUBLISH …
 *   full    `full_percent`, or four times as late       REGISTER as well
 *
 * Requests inside dialogs are never refused here, nor calls to emergency numbers. Phones that
 * register are let in longer than calls: a phone that is lost calls nobody, and comes again
 * with all the others.
 *
 * LAG. How late the engine was for the last timer that was due. Late once is no load: a
 * machine that stood still (it was moved, suspended, paging) has nothing left to catch up with
 * when it goes on, and whoever was turned away then was turned away for nothing. Late again
 * within a second is: there is more to do than gets done. That is forgotten after a second
 * without another.
 */
#ifndef BATON_ENGINE_LOAD_H
#define BATON_ENGINE_LOAD_H

#include "sip/msg.h"

struct load_config {
    uint32_t high_percent;       /**< 0: tables are not looked at */
    uint32_t full_percent;       /**< 0: 100 */
    uint32_t lag_ms;             /**< 0: lag is not looked at */
    uint32_t retry_s;            /**< Retry-After is this to twice this; 0: 5 */
    const struct str *emergency; /**< called numbers, '*' at the end for beginnings */
    size_t emergency_count;
};

enum load_level { LOAD_NORMAL, LOAD_HIGH, LOAD_FULL };

struct load {
    struct load_config config;
    uint64_t late_ms;               /**< when a timer was late for the last time */
    uint64_t lag_ms;                /**< late again: the largest one that is not forgotten */
    uint64_t lag_seen_ms;           /**< and when that was */
    uint64_t shed;                  /**< counter: requests refused */
    uint64_t shed_calls, emergency; /**< of these INVITE; and those let in by their number */
};

void load_init(struct load *l, const struct load_config *config);

/** Is it to a number that is never refused? */
bool load_is_emergency(const struct load *l, const struct sip_msg *m);

/** A timer was that late: counts if it was due within a second of the last late one. */
void load_lag(struct load *l, uint64_t late_ms, uint64_t now_ms);

/** A table: `used` of `limit` places are taken (limit 0: no limit). @return the fuller
   percentage of this and `percent` */
uint32_t load_fill(uint32_t percent, uint64_t used, uint64_t limit);

/** @param percent  of the fullest table */
enum load_level load_level(const struct load *l, uint32_t percent, uint64_t now_ms);

/**
 * May this request, which begins something, come in?
 * @return 0: yes; else the seconds for Retry-After of a 503
 */
uint32_t load_refuses(struct load *l, const struct sip_msg *m, uint32_t percent,
                      uint64_t now_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several final responses goes upstream (RFC 3261 §16.7 step 6).
 *
 *   1  a 6xx, if there is one
 *   2  else the lowest class: 3xx, then 4xx, then 5xx
 *   3  among 4xx what tells the caller how to ask again: 401, 407, 415, 420, 484, and 421, 422,
 *      488, 489, 494; then what a phone said; then 487 and 430, by which we gave up or a way
 *      was gone; at last 408, which says nothing
 *   4  among 5xx any other before 503
 *
 * Of equals the first to come stays.
 */
#include "proxy/priv.h"

unsigned proxy__rank(unsigned status)
{
    unsigned class = status / 100, within = 1;
    switch (status) {
    case 401:
    case 407:
    case 415:
    case 420:
    case 421:
    case 422:
    case 484:
    case 488:
    case 489:
    case 494:
        within = 0;
        break;
    case 430:
    case 487:
        within = 2;
        break;
    case 408:
    case 503:
        within = 3;
        break;
    default:
        break;
    }
    return (class == 6 ? 0 : class) * 10 + within;
}

unsigned proxy__outward(unsigned status)
{
    return status == 503 ? 500 : status;
}

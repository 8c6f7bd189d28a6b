/* SPDX-License-Identifier: Apache-2.0 */
/* What private data of an event say about its User-to-User, in a line (docs/csta-private.md).
 */
#ifndef BATON_CLI_CSTA_ABOUT_H
#define BATON_CLI_CSTA_ABOUT_H

#include "csta/csta.h"
#include <stdio.h>

/**
 * Written behind the user data: `  isdn-uui by redirector sip:1002@example.com (trusted)`, what
 * is wrong, and what the border has changed. Nothing for private data of others.
 * @param args  may be NULL
 */
void csta_about_print(FILE *out, const struct csta_common_arguments *args);

#endif

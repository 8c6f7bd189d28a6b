/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report about a device, for people: each finding is a line, and under it, behind an arrow,
 * what to do about it. A report comes as XML from an application's session, as JSON from the
 * API; both are read as elements with attributes, named as docs/csta-private.md has them, in
 * its order:
 *
 *   diagnose_element … ──► diagnose_phones_end ──► diagnose_setting … ──► diagnose_verdict
 */
#ifndef BATON_CLI_DIAGNOSE_WORDS_H
#define BATON_CLI_DIAGNOSE_WORDS_H

#include "base/str.h"
#include <stdio.h>

struct diagnose_attr {
    struct str name, value; /**< "yes" and "no" for what is or is not; digits */
};

/** Zeros but for `out`; everything else is theirs. */
struct diagnose_words {
    FILE *out;
    const struct diagnose_attr *attr; /**< of the element at hand */
    size_t n;
    size_t registrations, sessions;
    bool may_register, known, fails, fix, services;
};

/** One element: `deviceReport` first, then `registration`, `session`, `service`; any other is
    passed over. Attributes are borrowed for the call. */
void diagnose_element(struct diagnose_words *w, struct str name,
                      const struct diagnose_attr *attr, size_t n);

/** All have come. @return whether the settings of the profiles are wanted now */
bool diagnose_phones_end(struct diagnose_words *w);

/** What to set on the phone, in its maker's words. */
void diagnose_setting(struct diagnose_words *w, struct str text);

/** The last line. @return EXIT_CODE_OK or EXIT_CODE_FAILED */
int diagnose_verdict(struct diagnose_words *w);

#endif

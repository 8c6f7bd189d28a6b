/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature sets and caller preferences: contact parameters, NUL, header lines of a request.
 * Whatever they say, a score is a score, sets fit each other both ways, a set fits itself when
 * it can fit anything, and who says nothing of himself is never refused.
 */
#include "fuzz_env.h"
#include "registrar/prefs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rule(const struct prefs_rule *rule, const struct feature_set *has)
{
    MUST(rule->want.count > 0 && rule->want.count <= FEATURE_TAGS_MAX);
    MUST(feature_fit(&rule->want, has) == feature_fit(has, &rule->want));
    MUST(feature_common(&rule->want, has) <= rule->want.count);
    MUST(feature_common(&rule->want, &rule->want) == rule->want.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_msg msg;
    struct fuzz_env f;
    struct arena arena;
    struct feature_set has;
    struct disposition said;
    struct prefs prefs;
    struct str text = str_make((const char *)data, size);
    size_t end = str_index(text, '\0');
    struct str params = str_upto(text, end);
    uint32_t qa = 0;
    fuzz_env_init(&f);
    arena_init(&arena, &f.env.mem, 4096);
    (void)feature_read(&has, params);
    MUST(has.count <= FEATURE_TAGS_MAX);
    if (fuzz_msg(&msg, "INVITE sip:b SIP/2.0\r\n", str_from(text, end + 1))) {
        disposition_read(&msg.m, &said);
        MUST(said.proxy <= DIRECTIVE_NO && said.queue <= DIRECTIVE_NO);
        if (prefs_read(&msg.m, &arena, &prefs) == 0) {
            MUST(prefs.count <= PREFS_RULES_MAX);
            for (size_t i = 0; i < prefs.count; i++) {
                check_rule(&prefs.rule[i], &has);
            }
            bool stays = prefs_score(&prefs, params, &qa);
            MUST(!stays || qa <= 1000);
            MUST(has.count > 0 || stays);
        }
    }
    arena_fini(&arena);
    MUST(f.live == 0);
    return 0;
}

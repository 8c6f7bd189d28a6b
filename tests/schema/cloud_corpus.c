/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of event as a CloudEvent, a line each: what tests/schema/cloud_schema.py looks at.
 */
#include "kit_cloud.h"
#include <stdio.h>

static void show(struct kit_cloud *k)
{
    struct cloud_event e = kit_cloud_event(k);
    printf("%.*s\n", STR_ARG(e.text));
}

static void lean(struct journal_record *r)
{
    r->user_data = r->correlator = r->about = r->sip_call_id = r->secondary = STR_NONE;
    r->tone_ms = 0;
}

int main(void)
{
    struct kit_cloud k;
    struct cloud_event e;
    kit_cloud_up(&k, true);
    for (size_t i = 0; i < 2 * ARRAY_LEN(kit_cloud_calls); i++) {
        struct journal_record r =
            kit_cloud_record(&k, kit_cloud_calls[i % ARRAY_LEN(kit_cloud_calls)]);
        if (i >= ARRAY_LEN(kit_cloud_calls)) {
            lean(&r);
        }
        journal_note(k.journal, &r);
        show(&k);
    }
    for (size_t i = 0; i < ARRAY_LEN(kit_cloud_devices); i++) {
        struct journal_record r = kit_cloud_device(i);
        journal_note(k.journal, &r);
        show(&k);
    }
    CHECK(journal_tell(k.journal, &kit_cloud_fact) != 0);
    show(&k);
    journal_note_missed(k.journal);
    show(&k);
    CHECK_INT(cloud_gap(1, 7, "retention", 0, STR("/baton/test"), &k.arena, &e), 0);
    printf("%.*s\n", STR_ARG(e.text));
    kit_cloud_down(&k);
    return 0;
}

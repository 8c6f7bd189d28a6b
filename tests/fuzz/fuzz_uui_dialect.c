/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets in any dialect. The first octet chooses it, the second how: leniently or not,
 * with a discriminator or a limit of the neighbour's own.
 *
 *   - What is read is judged consistently, strict never forgives, lenient never calls worse.
 *   - What is VALID can be parsed again as a canonical value with the same octets.
 *   - What can be written is read back as the same octets, unless a note says what was lost.
 *   - The public interface says the same, and BATON_UUI_ROOM is room enough.
 */
#include "baton/uui.h"
#include "uui/dialect.h"
#include "uui/shared.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check_value(const struct uui_value *v, struct arena *a)
{
    struct uui_value again;
    demand(v->verdict == uui_rule_verdict((enum uui_rule)v->rule));
    demand(v->at <= v->text.n || (v->notes & UUI_NOTE_FORGIVEN));
    demand(((v->notes & UUI_NOTE_FORGIVEN) != 0) == (v->forgiven != UUI_R_NONE));
    demand(str_is_set(v->octets) == (v->verdict != UUI_WRONG));
    if (v->verdict == UUI_VALID && v->isdn && !(v->notes & UUI_NOTE_FORGIVEN)) {
        demand(uui_parse(v->text, NULL, a, &again) == 0);
        demand(again.verdict == UUI_VALID && str_eq(again.octets, v->octets));
        demand(v->octets.n > 0);
    }
}

/** Write and read back. */
static void round_trip(const struct uui_far *far, const struct uui_value *v, struct arena *a)
{
    struct uui_dialect_text t;
    struct uui_value back;
    enum uui_rule why = UUI_R_NONE;
    int err = uui_dialect_write(far, NULL, v, a, &t, &why);
    demand((err == 0) == (why == UUI_R_NONE));
    demand(str_is_set(t.value) == (err == 0));
    if (err < 0 || !far->dialect || !v->isdn) {
        return;
    }
    demand(far->dialect->max_chars == 0 || t.value.n <= far->dialect->max_chars);
    demand(uui_dialect_owns(far->dialect, (enum uui_place)t.place, t.name));
    for (size_t i = 0; i < t.value.n; i++) {
        demand(t.value.p[i] != '\r' && t.value.p[i] != '\n' && t.value.p[i] != '\0');
    }
    demand(uui_dialect_read(far, NULL, t.value, a, &back) == 0);
    if (t.notes & (UUI_NOTE_PD_DROPPED | UUI_NOTE_ITEMS_DROPPED)) {
        return;
    }
    demand(back.verdict == UUI_VALID);
    if (t.notes & UUI_NOTE_WRAPPED) {
        struct str info = str_from(back.octets, 1);
        demand(str_eq(uui_shared_find(info, UUI_SHARED_ASAI), str_from(v->octets, 1)));
    } else {
        demand(str_eq(back.octets, v->octets));
    }
}

static void check_public(const struct uui_far *far, struct str text, const struct uui_value *v)
{
    const struct baton_uui_far f = {
        .dialect = far->dialect ? far->dialect->name.p : NULL,
        .max_octets = far->max_octets,
        .lenient = far->reading == UUI_READ_LENIENT,
        .has_pd = far->has_pd,
        .pd = far->pd,
    };
    size_t room = BATON_UUI_ROOM(text.n);
    char *buf = malloc(room);
    struct baton_uui_value out;
    struct baton_uui_text written;
    enum baton_uui_rule why;
    demand(buf != NULL);
    demand(baton_uui_read(text.p, text.n, &f, buf, room, &out) == 0);
    demand((int)out.rule == v->rule && out.notes == v->notes && out.at == v->at);
    demand(str_eq(str_make((const char *)out.octets, out.octets_len), v->octets));
    (void)baton_uui_write(text.p, text.n, &f, buf, room, &written, &why);
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct uui_value strict, lenient;
    size_t count = 0;
    if (size < 2 || size > 4096) {
        return 0;
    }
    while (uui_dialect_at(count)) {
        count++;
    }
    struct uui_far far = {
        .dialect = uui_dialect_at(data[0] % (count + 1)),
        .max_octets = data[1] & 0x10 ? 32 : 0,
        .has_pd = data[1] & 0x20,
        .pd = data[1],
        .reading = UUI_READ_STRICT,
    };
    char *copy = malloc(size - 2 + 1);
    demand(copy != NULL);
    memcpy(copy, data + 2, size - 2);
    struct str text = {copy, size - 2};
    arena_init(&a, &mem_libc, 16384);
    demand(uui_dialect_read(&far, NULL, text, &a, &strict) == 0);
    check_value(&strict, &a);
    demand(!(strict.notes & UUI_NOTE_FORGIVEN));
    check_public(&far, text, &strict);
    round_trip(&far, &strict, &a);
    far.reading = UUI_READ_LENIENT;
    demand(uui_dialect_read(&far, NULL, text, &a, &lenient) == 0);
    check_value(&lenient, &a);
    demand(lenient.verdict <= strict.verdict || lenient.verdict == UUI_VALID);
    demand(strict.verdict != UUI_VALID || str_eq(strict.octets, lenient.octets));
    check_public(&far, text, &lenient);
    round_trip(&far, &lenient, &a);
    arena_fini(&a);
    free(copy);
    return 0;
}

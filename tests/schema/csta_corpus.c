/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message that the encoder can write, in every edition, one file each: what
 * tests/schema/validate.py holds against the schemas of ECMA-323.
 *
 * The tables that the encoder walks say what there is, so a row more in gen/csta.txt is a file
 * more here. Of each message there is one with what is mandatory and no more (`least`), and as
 * many with everything in them as it takes for every alternative of every choice and every
 * value of every enumeration to have been written once in that edition.
 *
 *     csta_corpus FOLDER         XML, a file each
 *     csta_corpus FOLDER json    JSON, which has no editions: messages.jsonl, a line each, for
 *                                tests/schema/json_schema.py
 */
#include "csta/json.h"
#include "csta/table.h"
#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TYPES_MAX = 512, VARIANTS_MAX = 400, LIST_ITEMS = 2 };

/** How far the alternatives of a choice, or the values of an enumeration, have been written. */
struct turn {
    const struct csta_type *type;
    unsigned next, all;
};

struct filler {
    struct arena arena;
    enum csta_edition edition;
    FILE *lines; /**< where JSON goes; NULL: XML is wanted */
    bool least;
    bool local; /**< inside a ConnectionID, whose device identifiers are of a type of their own
                 */
    struct turn turn[TYPES_MAX];
    size_t turns;
    unsigned fresh; /**< alternatives and values that this variant wrote for the first time */
    unsigned count; /**< for texts and booleans that differ */
};

static void fill(struct filler *f, const char *name, const struct csta_type *type, char *p);

/** Whose turn is it among `all`, in rotation. */
static unsigned take_turn(struct filler *f, const struct csta_type *type, unsigned all)
{
    size_t i = 0;
    while (i < f->turns && f->turn[i].type != type) {
        i++;
    }
    if (i == TYPES_MAX) {
        abort();
    }
    if (i == f->turns) {
        f->turn[f->turns++] = (struct turn){.type = type, .all = all};
    }
    f->fresh += f->turn[i].next < all;
    return f->turn[i].next++ % all;
}

static void *zeroed(struct filler *f, size_t size)
{
    void *p = arena_zalloc(&f->arena, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/** Any text, but where the schema has a type that the table has not. */
static void fill_text(struct filler *f, const char *name, char *p)
{
    struct str text;
    if (ends_with(name, "imestamp") || ends_with(name, "imeStamp")) {
        text = STR("2026-02-28T12:00:00Z");
    } else if (strcmp(name, "mediaClass") == 0) {
        text = STR("voice image");
    } else {
        text = arena_fmt(&f->arena, "a <b> & \"c\" \xC3\xBC %u", f->count++);
    }
    memcpy(p, &text, sizeof(text));
}

/** Is it a value that only an identifier in a ConnectionID has, or only others have? */
static bool is_misplaced(const struct filler *f, const struct csta_type *type, unsigned value)
{
    struct str name = csta_enum_name(type->names, value);
    return (strcmp(type->name, "TypeOfNumber") == 0 && str_eq(name, STR("dynamic")) &&
            !f->local) ||
           (strcmp(type->name, "CCIEType") == 0 && str_eq(name, STR("sip")) && f->local);
}

/** Each value in its turn. */
static void fill_enum(struct filler *f, const struct csta_type *type, char *p)
{
    unsigned value = 1 + take_turn(f, type, type->names->n);
    if (is_misplaced(f, type, value)) {
        value = 1;
    }
    memcpy(p, &value, sizeof(value));
}

static void fill_simple(struct filler *f, const char *name, const struct csta_type *type,
                        char *p)
{
    enum csta_bool boolean = f->count++ % 2 == 0 ? CSTA_TRUE : CSTA_FALSE;
    struct csta_int number = {.value = type->max < 60 ? type->max : 60, .set = true};
    struct str id = STR("7f-1"), octets = STR("\x04\x00\xFF");
    struct csta_xml xml = {.attrs = STR(" xmlns:v=\"urn:v\""), .body = STR("<v:x>1</v:x>")};

    switch (type->kind) {
    case CSTA_K_BOOL:
        memcpy(p, &boolean, sizeof(boolean));
        break;
    case CSTA_K_INT:
        memcpy(p, &number, sizeof(number));
        break;
    case CSTA_K_ENUM:
        fill_enum(f, type, p);
        break;
    case CSTA_K_ID:
        memcpy(p, &id, sizeof(id));
        break;
    case CSTA_K_HEX:
        memcpy(p, &octets, sizeof(octets));
        break;
    case CSTA_K_XML:
        memcpy(p, &xml, sizeof(xml));
        break;
    default:
        fill_text(f, name, p);
        break;
    }
}

static void fill_field(struct filler *f, const struct csta_field *field, char *base)
{
    char *p = base + field->offset;
    if (field->flags & CSTA_F_POINTER) {
        char *value = zeroed(f, field->type->size);
        memcpy(p, &value, sizeof(value));
        p = value;
    }
    fill(f, field->name, field->type, p);
}

static void fill_fields(struct filler *f, const struct csta_type *type, char *p)
{
    bool any = !(type->flags & CSTA_T_ANY), local = f->local;
    f->local = local || strcmp(type->name, "ConnectionID") == 0;
    for (size_t i = 0; i < type->nfield; i++) {
        const struct csta_field *field = &type->field[i];
        bool must = field->flags & (CSTA_F_MANDATORY | CSTA_F_EXPECTED) || !any;
        if (!(field->flags & CSTA_F_ALIAS) && (must || !f->least)) {
            fill_field(f, field, p);
            any = true;
        }
    }
    f->local = local;
}

static void fill_device(struct filler *f, const struct csta_type *type, char *p)
{
    struct str id = STR("tel:+49 & 1");
    if (!f->least) {
        fill_fields(f, type, p);
        if (type->more != NULL) {
            char *more = zeroed(f, type->more->size);
            memcpy(p + type->more_offset, &more, sizeof(more));
            fill_fields(f, type->more, more);
        }
    }
    memcpy(p, &id, sizeof(id));
}

static void fill_choice(struct filler *f, const struct csta_type *type, char *p)
{
    const struct csta_field *field = NULL;
    unsigned all = 0, at;
    for (size_t i = 0; i < type->nfield; i++) {
        all += !(type->field[i].flags & CSTA_F_ALIAS);
    }
    at = take_turn(f, type, all);
    for (size_t i = 0; i < type->nfield; i++) {
        if (!(type->field[i].flags & CSTA_F_ALIAS) && at-- == 0) {
            field = &type->field[i];
        }
    }
    unsigned kind = field->kind;
    memcpy(p, &kind, sizeof(kind));
    fill_field(f, field, p);
}

static void fill_list(struct filler *f, const struct csta_type *type, char *p)
{
    struct csta_any_list list = {.n = LIST_ITEMS};
    list.item = zeroed(f, LIST_ITEMS * type->item_size);
    for (size_t i = 0; i < list.n; i++) {
        fill(f, type->field->name, type->field->type, (char *)list.item + i * type->item_size);
    }
    memcpy(p, &list, sizeof(list));
}

/** What is announced: the features that are served. */
static void fill_caps(struct filler *f, const struct csta_type *type, char *p)
{
    struct csta_feature *item = zeroed(f, (type->ncap + 1) * sizeof(*item));
    struct csta_feature_list list = {item, 0};
    for (size_t i = 0; i < type->ncap; i++) {
        const struct csta_cap *cap = &type->caps[i];
        if (cap->supported) {
            item[list.n++] = (struct csta_feature){cap->id, cap->bit, cap->nbit};
        }
    }
    memcpy(p, &list, sizeof(list));
}

static void fill(struct filler *f, const char *name, const struct csta_type *type, char *p)
{
    switch (type->kind) {
    case CSTA_K_STRUCT:
        fill_fields(f, type, p);
        break;
    case CSTA_K_CHOICE:
        fill_choice(f, type, p);
        break;
    case CSTA_K_LIST:
        fill_list(f, type, p);
        break;
    case CSTA_K_CAPS:
        fill_caps(f, type, p);
        break;
    case CSTA_K_TEXT:
        fill_device(f, type, p);
        break;
    case CSTA_K_TARGET:
        fill_device(f, type->more, p);
        break;
    case CSTA_K_EMPTY:
        break;
    default:
        fill_simple(f, name, type, p);
    }
}

static bool write_file(const struct csta_msg *msg, struct str text, const char *folder,
                       unsigned serial)
{
    char path[512];
    FILE *file;
    (void)snprintf(path, sizeof(path), "%s/ed%u-%.*s-%u.xml", folder,
                   (unsigned)msg->edition + 1, STR_ARG(csta_msg_name(msg->id)), serial);
    file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        return false;
    }
    bool ok = fwrite(text.p, 1, text.n, file) == text.n;
    return fclose(file) == 0 && ok;
}

static bool write_one(struct filler *f, enum csta_msg_id id, const char *folder,
                      unsigned serial)
{
    static char buf[1 << 18];
    const struct csta_msg_info *info = &csta_msg_infos[id];
    struct csta_msg msg = {.id = id, .edition = f->edition};
    struct out o;
    char *body;

    arena_init(&f->arena, &mem_libc, 16384);
    body = zeroed(f, info->body->size);
    fill(f, info->name.p, info->body, body);
    msg.body = body;
    out_init(&o, buf, sizeof(buf));
    int err = f->lines != NULL ? csta_json_write(&msg, &o) : csta_encode(&msg, f->edition, &o);
    arena_fini(&f->arena);
    if (err != 0) {
        fprintf(stderr, "%.*s: error %d\n", STR_ARG(info->name), err);
        return false;
    }
    if (f->lines != NULL) {
        out_ch(&o, '\n');
        return fwrite(o.p, 1, o.n, f->lines) == o.n;
    }
    return write_file(&msg, out_str_of(&o), folder, serial);
}

/** All variants of a message: the least, and full ones until nothing new comes. */
static bool write_message(struct filler *f, enum csta_msg_id id, const char *folder)
{
    f->least = true;
    bool ok = write_one(f, id, folder, 0);
    f->least = false;
    f->fresh = 1;
    for (unsigned i = 1; ok && i < VARIANTS_MAX && f->fresh > 0; i++) {
        f->fresh = 0;
        ok = write_one(f, id, folder, i);
    }
    return ok;
}

static bool write_edition(struct filler *f, const char *folder)
{
    bool ok = true;
    for (unsigned id = 0; ok && id < CSTA_MSG_COUNT; id++) {
        if (csta_msg_infos[id].body != NULL && csta_msg_infos[id].since <= f->edition) {
            ok = write_message(f, (enum csta_msg_id)id, folder);
        }
    }
    return ok;
}

static bool write_all_xml(const char *folder)
{
    static struct filler filler;
    bool ok = true;
    for (enum csta_edition edition = CSTA_ED2; ok && edition <= CSTA_ED6; edition++) {
        filler = (struct filler){.edition = edition};
        ok = write_edition(&filler, folder);
    }
    return ok;
}

static bool write_all_json(const char *folder)
{
    static struct filler filler;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/messages.jsonl", folder);
    filler = (struct filler){.edition = CSTA_ED6, .lines = fopen(path, "w")};
    if (filler.lines == NULL) {
        perror(path);
        return false;
    }
    bool ok = write_edition(&filler, folder);
    return fclose(filler.lines) == 0 && ok;
}

int main(int argc, char **argv)
{
    bool json = argc == 3 && strcmp(argv[2], "json") == 0;
    if (argc != 2 && !json) {
        fprintf(stderr, "usage: csta_corpus FOLDER [json]\n");
        return 1;
    }
    return (json ? write_all_json(argv[1]) : write_all_xml(argv[1])) ? 0 : 1;
}
